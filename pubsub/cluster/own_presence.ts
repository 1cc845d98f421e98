import { utf8Length } from "../../socket/frame.ts";
import type { PresenceMember } from "../presence/presence_member.ts";
import { keyOf, type TopicName } from "../topic_options.ts";
import type { MembersAnswer, MembersChange, TopicMembers } from "./control_message.ts";

/** Beats within which the version of each topic is told again. */
const ROUND = 15;
/** Most versions that one beat tells. */
const MAX_TOLD = 500;
/** Most characters of JSON in one part of an answer, besides its last member. */
const MAX_PART = 64 * 1024;

/** Services of {@linkcode OwnPresence}. */
export interface OwnPresenceHost {
  /** Returns the members of a topic on this node. */
  membersOf(name: TopicName): readonly PresenceMember[];
  /** Sends a change to all nodes that hear the topic. */
  send(name: TopicName, change: MembersChange): void;
}

interface OwnTopic {
  readonly name: TopicName;
  /** Version of the latest change; 0 if the topic has no member. */
  version: number;
}

/**
 * Tells the other nodes about the members of this node. Each node speaks for its own members only,
 * so no two nodes can disagree.
 *
 * Each change names the version that it follows. A node that has missed a change notices this at the
 * next one, or when the version is told again.
 */
export class OwnPresence {
  readonly #host: OwnPresenceHost;
  readonly #topics = new Map<string, OwnTopic>();
  /** Topics whose versions are still to be told in this round. */
  #round: string[] = [];
  #version = 0;

  constructor(host: OwnPresenceHost) {
    this.#host = host;
  }

  /** Whether any topic has a member. */
  get hasMembers(): boolean {
    return this.#topics.size > 0;
  }

  /** A member has entered, or has new data. */
  entered(name: TopicName, member: PresenceMember): void {
    this.#change(name, { set: [member], gone: [] });
  }

  /** A member has left. */
  exited(name: TopicName, { id }: PresenceMember): void {
    this.#change(name, { set: [], gone: [id] });
  }

  #change(name: TopicName, change: Pick<MembersChange, "set" | "gone">): void {
    const key = keyOf(name), topic = this.#topics.get(key) ?? { name, version: 0 };
    const from = topic.version, to = ++this.#version;
    topic.version = this.#host.membersOf(name).length > 0 ? to : 0;
    // A topic without members stays until its end was told again.
    this.#topics.set(key, topic);
    this.#host.send(name, { type: "members", from, to, ...change });
  }

  /** Tells some versions again, so that each is told in every round. Called at each beat. */
  repeat(): void {
    if (this.#round.length === 0) this.#round = [...this.#topics.keys()];
    const count = Math.min(MAX_TOLD, Math.ceil(this.#topics.size / ROUND));
    for (const key of this.#round.splice(0, count)) {
      const topic = this.#topics.get(key);
      if (!topic) continue;
      const { name, version } = topic;
      if (version === 0) this.#topics.delete(key);
      this.#host.send(name, { type: "members", from: version, to: version, set: [], gone: [] });
    }
  }

  /** Answers a question for the members of topics, in parts. */
  *answer(id: number, topics: readonly TopicName[]): Iterable<MembersAnswer> {
    const now = this.#version;
    let part: TopicMembers[] = [], empty: TopicName[] = [], size = 0;
    const ended = (isLast: boolean): MembersAnswer => {
      const answer = { type: "answer", id, now, topics: part, empty, isLast } as const;
      [part, empty, size] = [[], [], 0];
      return answer;
    };
    for (const { namespace, topic } of topics) {
      const name = { namespace, topic }, version = this.#topics.get(keyOf(name))?.version ?? 0;
      size += sizeOf(name);
      if (version === 0) {
        empty.push(name);
        continue;
      }
      const all = this.#host.membersOf(name), total = all.length;
      let members: PresenceMember[] = [];
      for (const member of all) {
        if (size > MAX_PART) {
          part.push({ ...name, version, members, total, hasMore: true });
          members = [];
          yield ended(false);
        }
        members.push(member);
        size += sizeOf(member);
      }
      part.push({ ...name, version, members, total, hasMore: false });
    }
    yield ended(true);
  }
}

function sizeOf(value: object): number {
  return utf8Length(JSON.stringify(value));
}

import { Deferred } from "../../common/deferred.ts";
import type { Timers } from "../../common/timers.ts";
import type { PresenceMember } from "../presence/presence_member.ts";
import type { RemoteMembers } from "../remote_nodes.ts";
import { keyOf, type TopicName } from "../topic_options.ts";
import type { MembersAnswer, MembersChange, TopicMembers } from "./control_message.ts";
import type { NodeDirectory } from "./node_directory.ts";
import { NodeQuestions } from "./node_questions.ts";
import { OwnerMembers } from "./owner_members.ts";

/** Milliseconds that a question waits for answers. Later answers still count. */
const ANSWER_TIME = 250;
/** Most topics of one question, and most characters of their names. */
const MAX_TOPICS = 256, MAX_NAMES = 32 * 1024;
/** Milliseconds for which a topic stays known after `ws.presence()`, without a subscriber here. */
const KEEP = 10_000;

/** Services of {@linkcode WatchedMembers}. */
export interface WatchedMembersHost {
  readonly timers: Timers;
  readonly directory: NodeDirectory;
  /** Resolves when the broker has confirmed all topics that this node hears. */
  confirmed(): Promise<void>;
  /** Asks one node, or all nodes, for the members of topics. */
  ask(id: number, topics: readonly TopicName[], to?: string): void;
  /** Begins and ends to hear a topic that has no subscriber here. */
  hear(name: TopicName): void;
  unhear(name: TopicName): void;
  /** A member of another node has changed. */
  changed(
    name: TopicName,
    from: PresenceMember | undefined,
    to: PresenceMember | undefined,
  ): void;
}

/** A topic whose members on other nodes this node follows. */
interface Watched {
  readonly name: TopicName;
  /** Number of reasons to follow: subscribers here, and calls of `ws.presence()`. */
  reasons: number;
  /** Members by node. */
  readonly owners: Map<string, OwnerMembers>;
  /** Nodes that were asked, and have not answered for this topic. */
  missing: Set<string>;
  /** Whether the first question is over. */
  isKnown: boolean;
  /**
   * Whether subscribers are told of the members in an answer. False until somebody has read the list:
   * these members were there before, so they have not joined now.
   */
  isTold: boolean;
  /** Resolved when the question to all nodes is over; `undefined` if none is open. */
  asking: Deferred | undefined;
}

/**
 * Members on other nodes, of the topics that have a subscriber here.
 *
 * A topic that is new here is asked for once. Afterwards each change comes by itself. The questions
 * of many topics leave together.
 */
export class WatchedMembers {
  readonly #host: WatchedMembersHost;
  readonly #topics = new Map<string, Watched>();
  readonly #questions: NodeQuestions<true>;
  /** Topics to ask all nodes for. */
  #toAsk = new Set<Watched>();
  #isAsking = false;
  #isUp = false;
  /** Resolved when the present connection is lost. */
  #lost = new Deferred();
  readonly #kept = new Map<string, () => void>();

  constructor(host: WatchedMembersHost) {
    this.#host = host;
    this.#questions = new NodeQuestions(host.timers);
  }

  /** Follows a topic: it has a subscriber here. */
  watch(name: TopicName): void {
    const key = keyOf(name), known = this.#topics.get(key);
    if (known) return void known.reasons++;
    const watched: Watched = {
      name,
      reasons: 1,
      owners: new Map(),
      missing: new Set(),
      isKnown: false,
      isTold: false,
      asking: undefined,
    };
    this.#topics.set(key, watched);
    if (this.#isUp) this.#askAll([watched]);
  }

  /** Ends what {@linkcode watch} has begun. */
  unwatch(name: TopicName): void {
    const key = keyOf(name), watched = this.#topics.get(key);
    if (watched && --watched.reasons === 0) this.#topics.delete(key);
  }

  /** Returns the members on other nodes. Waits for the question that is open, if any. */
  async state(name: TopicName): Promise<RemoteMembers> {
    const key = keyOf(name);
    this.#keep(key, name);
    const watched = this.#topics.get(key)!;
    // First in the queue: a caller waits for this topic, and thousands of others may be in the queue.
    if (this.#toAsk.delete(watched)) this.#toAsk = new Set([watched, ...this.#toAsk]);
    await watched.asking?.promise;
    watched.isTold = true;
    const { owners, isKnown } = watched, { isSettled } = this.#host.directory;
    const stale = !isSettled || !isKnown || this.#unknownOf(watched).size > 0;
    return { members: [...owners.values()].flatMap(({ members }) => [...members]), stale };
  }

  /** A node has sent a change of its members of a topic. */
  change(node: string, name: TopicName, change: MembersChange): void {
    const watched = this.#topics.get(keyOf(name));
    if (!watched) return;
    const owner = this.#ownerOf(watched, node), wasBroken = owner.isBroken;
    owner.apply(change);
    // The question that is open will bring the rest.
    if (owner.isBroken && !wasBroken && !watched.asking) this.#ask([watched], node);
    if (owner.isEmpty) watched.owners.delete(node);
  }

  /** A node has answered. */
  answered(node: string, { id, now, topics, empty, isLast }: MembersAnswer): void {
    const none = { version: 0, members: [], total: 0, hasMore: false };
    for (const name of empty) this.#take(node, name, id, now, none);
    for (const part of topics) this.#take(node, part, id, now, part);
    if (isLast) this.#questions.answered(id, node, true);
  }

  #take(
    node: string,
    name: TopicName,
    id: number,
    now: number,
    part: Omit<TopicMembers, keyof TopicName>,
  ): void {
    const watched = this.#topics.get(keyOf(name));
    if (!watched) return;
    const owner = this.#ownerOf(watched, node);
    owner.answered(id, now, part);
    if (owner.isEmpty && !part.hasMore) watched.owners.delete(node);
    if (!part.hasMore) watched.missing.delete(node); // a late answer
  }

  /** Asks a node for all topics: it is new here, or may have failed to send a change. */
  appeared(node: string): void {
    if (this.#isUp) this.#ask([...this.#topics.values()], node);
  }

  /** A node has gone: its members have left. */
  gone(node: string, hasEnded: boolean): void {
    if (hasEnded) this.#questions.ended(node);
    for (const { owners, missing } of this.#topics.values()) {
      owners.get(node)?.end();
      owners.delete(node);
      missing.delete(node);
    }
  }

  /** The broker is connected: changes may have been missed. */
  up(): void {
    this.#isUp = true;
    this.#lost = new Deferred();
    this.#askAll([...this.#topics.values()]);
  }

  /** The connection was lost. All members stay. */
  down(): void {
    this.#isUp = false;
    this.#lost.resolve();
    this.#questions.close();
  }

  /** Asks again for what was missed and not answered. Called at each beat. */
  repeat(): void {
    const again = new Map<string, Watched[]>();
    for (const watched of this.#topics.values()) {
      if (watched.asking) continue;
      for (const node of this.#unknownOf(watched)) {
        if (watched.owners.get(node)?.takeNewPart()) continue; // a question would begin it again
        const topics = again.get(node);
        if (topics) topics.push(watched);
        else again.set(node, [watched]);
      }
    }
    for (const [node, topics] of again) this.#ask(topics, node);
  }

  /** Ends all timers and questions. */
  close(): void {
    this.down();
    for (const cancel of this.#kept.values()) cancel();
    this.#kept.clear();
    this.#topics.clear();
  }

  /** Follows a topic for a while after a call of `ws.presence()`. */
  #keep(key: string, name: TopicName): void {
    const cancel = this.#kept.get(key);
    cancel?.();
    if (!cancel) {
      this.#host.hear(name);
      this.watch(name);
    }
    const end = this.#host.timers.after(KEEP, () => {
      this.#kept.delete(key);
      this.unwatch(name);
      this.#host.unhear(name);
    }, true);
    this.#kept.set(key, end);
  }

  #ownerOf(watched: Watched, node: string): OwnerMembers {
    let owner = watched.owners.get(node);
    if (owner) return owner;
    owner = new OwnerMembers((from, to, isNew) => {
      if (isNew || watched.isTold) this.#host.changed(watched.name, from, to);
    });
    watched.owners.set(node, owner);
    return owner;
  }

  /** Returns the nodes whose members of a topic are not known for sure. */
  #unknownOf({ missing, owners }: Watched): Set<string> {
    const broken = [...owners].filter(([, { isBroken }]) => isBroken).map(([node]) => node);
    return new Set([...missing, ...broken]);
  }

  /** Asks one node. */
  #ask(topics: readonly Watched[], node: string): void {
    for (const watched of topics) watched.missing.add(node);
    for (const part of partsOf(topics)) {
      const names = part.map(({ name }) => name);
      void this.#questions.ask([node], ANSWER_TIME, (id) => this.#host.ask(id, names, node));
    }
  }

  /** Asks all nodes, after the question that is open. */
  #askAll(topics: readonly Watched[]): void {
    for (const watched of topics) {
      watched.asking ??= new Deferred();
      this.#toAsk.add(watched);
    }
    if (!this.#isAsking && this.#toAsk.size > 0) void this.#askInTurn();
  }

  async #askInTurn(): Promise<void> {
    this.#isAsking = true;
    await this.#orLost(this.#host.directory.introduced());
    while (this.#isUp && this.#toAsk.size > 0) {
      await this.#orLost(this.#host.confirmed());
      if (!this.#isUp) break;
      const [topics = []] = partsOf([...this.#toAsk]), names = topics.map(({ name }) => name);
      for (const watched of topics) this.#toAsk.delete(watched);
      const nodes = [...this.#host.directory.ids];
      for (const watched of topics) watched.missing = new Set(nodes);
      await this.#questions.ask(nodes, ANSWER_TIME, (id) => this.#host.ask(id, names));
      for (const watched of topics) {
        watched.isKnown = watched.isTold = true;
        this.#asked(watched);
      }
    }
    // Without a connection, nothing can be asked: `up` begins again.
    for (const watched of this.#toAsk) this.#asked(watched);
    this.#toAsk.clear();
    this.#isAsking = false;
  }

  #asked(watched: Watched): void {
    watched.asking?.resolve();
    watched.asking = undefined;
  }

  #orLost(work: Promise<void>): Promise<void> {
    return Promise.race([work, this.#lost.promise]);
  }
}

/** Cuts a list of topics into parts for one question each. */
function partsOf(topics: readonly Watched[]): Watched[][] {
  const parts: Watched[][] = [];
  let part: Watched[] = [], size = 0;
  for (const watched of topics) {
    const { namespace, topic } = watched.name;
    if (part.length >= MAX_TOPICS || part.length > 0 && size > MAX_NAMES) {
      parts.push(part);
      [part, size] = [[], 0];
    }
    part.push(watched);
    size += namespace.length + topic.length;
  }
  if (part.length > 0) parts.push(part);
  return parts;
}

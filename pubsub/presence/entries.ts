import type { TopicName } from "../topic_options.ts";
import { noPresence, type Presence } from "./presence.ts";
import { memberOf, type PresenceMember } from "./presence_member.ts";

/** The part of a peer that its presence uses. */
export interface PresentPeer {
  readonly id: string;
  readonly namespace: string;
}

/** Topics that one peer has entered. */
export class Entries<M extends PresentPeer> {
  readonly #peer: M;
  readonly #presence: Presence<M>;
  readonly #members = new Map<string, PresenceMember>();

  constructor(peer: M, presence: Presence<M>) {
    this.#peer = peer;
    this.#presence = presence;
  }

  /** The peer as a member of each topic that it has entered. */
  get members(): ReadonlyMap<string, PresenceMember> {
    return this.#members;
  }

  /** Enters a topic, or changes the data. */
  enter(topic: string, member: PresenceMember): void {
    this.#presence.enter(this.#name(topic), member, this.#peer);
    this.#members.set(topic, member);
  }

  /** Enters a topic as before hibernation. */
  restore(topic: string, data: unknown): void {
    const member = memberOf(this.#peer.id, topic, data);
    this.#members.set(topic, member);
    this.#presence.restore(this.#name(topic), member);
  }

  /** Leaves a topic, if the peer has entered it. */
  exit(topic: string): void {
    const member = this.#members.get(topic);
    if (!member) return;
    this.#members.delete(topic);
    this.#presence.exit(this.#name(topic), member, this.#peer);
  }

  /** Leaves all topics. */
  end(): void {
    for (const topic of [...this.#members.keys()]) this.exit(topic);
  }

  #name(topic: string): TopicName {
    return { namespace: this.#peer.namespace, topic };
  }
}

/**
 * Checks the arguments of `peer.enter`. Returns the peer as a member of the topic.
 *
 * @throws {TypeError} for a topic without presence, for data without JSON text, and for too much data.
 */
export function checkEnter<M>(
  { id, namespace }: PresentPeer,
  topic: string,
  data: unknown,
  presence: Presence<M> | undefined,
): PresenceMember {
  if (!presence) throw noPresence(topic);
  presence.check({ namespace, topic });
  return memberOf(id, topic, data);
}

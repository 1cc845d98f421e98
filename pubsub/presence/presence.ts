import type { Timers } from "../../common/timers.ts";
import type { RemotePresence } from "../remote_nodes.ts";
import type { Subscribers } from "../subscribers.ts";
import { keyOf, type TopicName, type TopicRules } from "../topic_options.ts";
import { type PresenceChange, PresenceChanges } from "./presence_change.ts";
import { isSameData, type PresenceMember } from "./presence_member.ts";

/** Members of a topic on all nodes. */
export interface PresenceState {
  /** The members, each once, in no particular order. */
  readonly members: readonly PresenceMember[];
  /**
   * Whether the list may be out of date or incomplete, as the broker is or was away, or a node has
   * not answered. Always `false` without the option `sync`.
   */
  readonly stale: boolean;
}

/** Keeps the presence of peers that outlive the process. */
export interface PresenceKeeper<M> {
  /**
   * Called before the entry of a member changes.
   *
   * @param growth characters by which the saved state grows. Negative if it shrinks.
   * @throws {PeerError} `ERR_PEER_STATE_TOO_LARGE` if the state would be too large to save.
   */
  changing(member: M, growth: number): void;
  /** Called when changes begin to be gathered, with a promise that settles when all are told. */
  gathering(told: Promise<void>): void;
}

/** Services of a {@linkcode Presence}. */
export interface PresenceHost<M> {
  readonly rules: TopicRules;
  readonly timers: Timers;
  readonly keeper?: PresenceKeeper<M> | undefined;
  /** Returns the subscribers of a topic on this node. After hibernation, this revives them. */
  subscribers(topic: string, namespace: string): Subscribers<M>;
  /** Tells one subscriber. Never throws. */
  tell(subscriber: M, change: PresenceChange): void;
}

/** Members of all topics with presence. */
export class Presence<M> {
  readonly #host: PresenceHost<M>;
  /** Members by topic, then by id. */
  readonly #topics = new Map<string, Map<string, PresenceMember>>();
  readonly #changes: PresenceChanges;
  /** Members on other nodes, if there is a broker. */
  remote: RemotePresence | undefined;

  constructor(host: PresenceHost<M>) {
    this.#host = host;
    this.#changes = new PresenceChanges({
      timers: host.timers,
      gathering: (told) => host.keeper?.gathering(told),
      tell: (name, change) => this.#tell(name, change),
    });
  }

  /** Number of topics with members. */
  get size(): number {
    return this.#topics.size;
  }

  /**
   * Checks that a topic has presence.
   *
   * @throws {TypeError} if it has none.
   */
  check({ namespace, topic }: TopicName): void {
    if (!this.#host.rules.of(topic, namespace).presence) throw noPresence(topic);
  }

  /** Adds a member of this node, or changes its data. Does nothing for the same data. */
  enter(name: TopicName, member: PresenceMember, peer: M): void {
    const known = this.#topics.get(keyOf(name))?.get(member.id);
    if (known && isSameData(known, member)) return;
    const { keeper } = this.#host;
    keeper?.changing(peer, lengthOf(name, member) - (known ? lengthOf(name, known) : 0));
    this.#set(name, member);
    this.remote?.entered(name, member);
    this.#changes.add(name, known, member);
  }

  /** Adds a member that returns from hibernation: for the others, it has never left. */
  restore(name: TopicName, member: PresenceMember): void {
    this.#set(name, member);
  }

  /** Removes a member of this node. */
  exit(name: TopicName, member: PresenceMember, peer: M): void {
    const key = keyOf(name), members = this.#topics.get(key);
    if (!members?.delete(member.id)) return;
    if (members.size === 0) this.#topics.delete(key);
    this.#host.keeper?.changing(peer, -lengthOf(name, member));
    this.remote?.exited(name, member);
    this.#changes.add(name, member, undefined);
  }

  /**
   * Returns the members of a topic.
   *
   * @throws {TypeError} for a topic without presence.
   */
  state(name: TopicName): Promise<PresenceState> {
    this.check(name);
    this.#host.subscribers(name.topic, name.namespace); // revives the members after hibernation
    if (!this.remote) return Promise.resolve({ members: this.membersOf(name), stale: false });
    return this.remote.state(name).then(({ members, stale }) => {
      return { members: [...this.membersOf(name), ...members], stale };
    });
  }

  /** Returns the members on this node. */
  membersOf(name: TopicName): PresenceMember[] {
    return [...this.#topics.get(keyOf(name))?.values() ?? []];
  }

  /** A member of another node has changed, see `PresenceChanges.add`. */
  remoteChanged(
    name: TopicName,
    from: PresenceMember | undefined,
    to: PresenceMember | undefined,
  ): void {
    this.#changes.add(name, from, to);
  }

  /** Stops the timer, and drops the gathered changes. */
  close(): void {
    this.#changes.close();
  }

  #set(name: TopicName, member: PresenceMember): void {
    const key = keyOf(name);
    let members = this.#topics.get(key);
    if (!members) this.#topics.set(key, members = new Map());
    members.set(member.id, member);
  }

  #tell(name: TopicName, change: PresenceChange): void {
    // A copy: hooks subscribe and unsubscribe peers.
    for (const peer of [...this.#host.subscribers(name.topic, name.namespace)]) {
      this.#host.tell(peer, change);
    }
  }
}

/** Returns the error for a topic without presence. */
export function noPresence(topic: string): TypeError {
  return new TypeError(
    `Cannot use the presence of ${JSON.stringify(topic)} as it has none: ` +
      "return { presence: true } for it in the option topics",
  );
}

/** Returns the number of characters that an entry needs in the saved state of its peer. */
function lengthOf({ topic }: TopicName, { data }: PresenceMember): number {
  return JSON.stringify([topic, data]).length + 1; // the comma
}

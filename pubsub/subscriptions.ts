import type { Limits } from "../common/limits.ts";
import type { Awaitable } from "../common/thenable.ts";
import type { BroadcastDomain } from "../socket/socket.ts";
import {
  missed,
  type SubscribeOptions,
  type SubscribeResult,
} from "./history/subscribe_options.ts";
import type { Member, PubSub } from "./pubsub.ts";
import { Entries, type PresentPeer } from "./presence/entries.ts";
import type { Presence } from "./presence/presence.ts";
import type { PresenceMember } from "./presence/presence_member.ts";
import type { Users } from "./users.ts";
import { checkSubscription } from "./topic_arguments.ts";

/** Services for the {@linkcode Subscriptions} of all members of a hub. */
export interface SubscriptionsHost<M extends Member> {
  readonly hub: PubSub<M>;
  readonly users: Users<M>;
  readonly limits: Limits;
  /** Present with the option `topics`. */
  readonly presence?: Presence<M> | undefined;
}

/** Most topics that {@linkcode Subscriptions.toString} names. */
const MAX_SHOWN = 3;

/**
 * Topics of one member, its presence in them, and the broadcast domain in which the hub has
 * subscribed the member.
 */
export class Subscriptions<M extends Member & PresentPeer> {
  readonly topics: Set<string>;
  readonly #namespace: string;
  readonly #member: M;
  readonly #queue: { readonly broadcastDomain: BroadcastDomain | undefined };
  readonly #host: SubscriptionsHost<M>;
  #domain: BroadcastDomain | undefined;
  #entries: Entries<M> | undefined;
  #user: string | undefined;

  /**
   * @param queue send queue of the member.
   * @param topics topics to which the hub has already subscribed the member. Taken over.
   */
  constructor(
    namespace: string,
    member: M,
    queue: { readonly broadcastDomain: BroadcastDomain | undefined },
    host: SubscriptionsHost<M>,
    topics: Set<string> = new Set(),
  ) {
    this.#namespace = namespace;
    this.#member = member;
    this.#queue = queue;
    this.#host = host;
    this.topics = topics;
  }

  /** Returns the names of the first topics, for `console.log(peer)`. */
  toString(): string {
    const { size } = this.topics, more = size > MAX_SHOWN ? `, …${size}` : "";
    const shown = [...this.topics].slice(0, MAX_SHOWN).map((topic) => JSON.stringify(topic));
    return `topics ${shown.join(", ")}${more}`;
  }

  /** Domain in which the hub has subscribed the member. */
  get domain(): BroadcastDomain | undefined {
    return this.#domain;
  }

  /** Adds the member to the peers of its user. */
  joinUser(user: string): void {
    this.#chooseDomain();
    this.#user = user;
    this.#host.users.join(user, this.#member);
  }

  /** Takes the broadcast domain of the queue, if the member has no subscription yet. */
  #chooseDomain(): void {
    if (this.#isEmpty) this.#domain = this.#queue.broadcastDomain;
  }

  get #isEmpty(): boolean {
    return this.topics.size === 0 && this.#user === undefined;
  }

  /**
   * Subscribes the member, unless it is subscribed.
   *
   * @throws {RangeError} for a topic that the limits do not allow.
   */
  subscribe(topic: string): void {
    if (this.topics.has(topic)) return;
    this.#add(topic, (hub) => hub.subscribe(this.#namespace, topic, this.#member));
  }

  /**
   * Subscribes the member after the messages that it has missed, unless it is subscribed.
   *
   * @throws {RangeError} for a topic that the limits do not allow.
   */
  recover(topic: string, options: SubscribeOptions): Promise<SubscribeResult> {
    const namespace = this.#namespace, member = this.#member;
    if (this.topics.has(topic)) return Promise.resolve(missed("subscribed"));
    const result = this.#add(topic, (hub): Awaitable<SubscribeResult> => {
      if (hub.recover) return hub.recover(namespace, topic, member, options);
      hub.subscribe(namespace, topic, member);
      return missed("no history");
    });
    return Promise.resolve(result);
  }

  #add<Result>(topic: string, subscribe: (hub: PubSub<M>) => Result): Result {
    const { topics } = this, { hub, limits } = this.#host;
    checkSubscription(topic, topics.size, limits);
    this.#chooseDomain();
    // Added first: if an observer of the hub closes the peer, the peer must leave this topic too.
    topics.add(topic);
    try {
      return subscribe(hub);
    } catch (error) {
      topics.delete(topic);
      throw error;
    }
  }

  /** Moves the subscriptions to the present broadcast domain of the send queue. */
  changeDomain(): void {
    if (this.#isEmpty) return;
    const from = this.#domain;
    this.#domain = this.#queue.broadcastDomain;
    if (this.#domain === from) return;
    const { hub, users } = this.#host;
    hub.changeDomain(this.#namespace, this.topics, this.#member, from);
    if (this.#user !== undefined) users.changeDomain(this.#user, this.#member, from);
  }

  /** The member as others see it, by each topic that it has entered. */
  get entries(): ReadonlyMap<string, PresenceMember> {
    return this.#entries?.members ?? new Map();
  }

  /**
   * Enters a topic with presence, or changes the data.
   *
   * @throws {TypeError} if the member is not subscribed.
   */
  enter(topic: string, entry: PresenceMember): void {
    if (this.topics.has(topic)) return this.#entriesMade.enter(topic, entry);
    throw new TypeError(
      `Cannot enter ${JSON.stringify(topic)} as the peer is not subscribed: subscribe it first`,
    );
  }

  /** Enters topics as before hibernation, without a notice to others. */
  restore(entered: Iterable<readonly [topic: string, data?: unknown]>): void {
    if (!this.#host.presence) return; // another version of the program
    for (const [topic, data] of entered) this.#entriesMade.restore(topic, data);
  }

  /** Leaves the presence of a topic. */
  exit(topic: string): void {
    this.#entries?.exit(topic);
  }

  get #entriesMade(): Entries<M> {
    return this.#entries ??= new Entries(this.#member, this.#host.presence!);
  }

  /** Ends the subscription to a topic, if there is one. */
  unsubscribe(topic: string): void {
    if (!this.topics.delete(topic)) return;
    this.exit(topic);
    this.#host.hub.unsubscribe(this.#namespace, topic, this.#member);
  }

  /** Ends all subscriptions. */
  end(): void {
    this.#entries?.end();
    const ended = [...this.topics];
    this.topics.clear();
    for (const topic of ended) this.#host.hub.unsubscribe(this.#namespace, topic, this.#member);
    if (this.#user !== undefined) this.#host.users.leave(this.#user, this.#member);
    this.#user = undefined;
  }
}

import type { Subscribers } from "./subscribers.ts";
import type { BroadcastDomain, NativeTopic, OutgoingFrame } from "../socket/socket.ts";
import type { Notifier } from "./hub_observer.ts";
import type { HubPublishOptions, Member, PubSub } from "./pubsub.ts";
import { USER_NAMESPACE } from "./users.ts";

/** Subscribers of one topic in one namespace. */
class TopicSubscribers<M extends Member> {
  /** Name of the native topic, unique within a hub: no two topics share a native topic. */
  readonly #name: string;
  /** Subscribers without a broadcast domain: each message is sent to each of them. */
  readonly #alone = new Set<M>();
  /** All other subscribers, by broadcast domain. */
  #nativeTopics: Map<BroadcastDomain, NativeTopic> | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  get isEmpty(): boolean {
    return this.#alone.size === 0 && !this.#nativeTopics?.size;
  }

  get size(): number {
    let size = this.#alone.size;
    for (const { members } of this.#nativeTopics?.values() ?? []) size += members.size;
    return size;
  }

  has(member: M): boolean {
    if (this.#alone.has(member)) return true;
    for (const { members } of this.#nativeTopics?.values() ?? []) {
      if (members.has(member)) return true;
    }
    return false;
  }

  *[Symbol.iterator](): IterableIterator<M> {
    yield* this.#alone;
    // Only this hub fills its native topics, so their members are members of the hub.
    for (const { members } of this.#nativeTopics?.values() ?? []) yield* members as ReadonlySet<M>;
  }

  /** Adds a member; returns whether it was missing. */
  add(member: M): boolean {
    const domain = member.broadcastDomain;
    if (!domain) {
      const { size } = this.#alone;
      return this.#alone.add(member).size > size;
    }
    const topics = this.#nativeTopics ??= new Map();
    let topic = topics.get(domain);
    if (!topic) topics.set(domain, topic = domain.topic(this.#name));
    const { members } = topic, { size } = members;
    topic.add(member);
    return members.size > size;
  }

  /** Removes a member whose broadcast domain was `from`; returns whether it was there. */
  delete(member: M, from: BroadcastDomain | undefined): boolean {
    const topic = from && this.#nativeTopics?.get(from);
    if (!topic) return this.#alone.delete(member);
    const { members } = topic, { size } = members;
    topic.delete(member);
    if (members.size === 0) this.#nativeTopics!.delete(from);
    return members.size < size;
  }

  /** Sends a frame to all subscribers but one; returns how many accepted the frame. */
  publish(frame: OutgoingFrame, except: M | undefined, compress: boolean): number {
    const natives = this.#nativeTopics;
    let reached = 0;
    // Before any send, because `reserve` may move slow members from a native topic to `#alone`.
    if (natives) { for (const native of natives.values()) native.reserve(frame, except); }
    for (const member of this.#alone) {
      if (member !== except && member.deliver(frame, compress)) reached++;
    }
    if (natives) {
      for (const native of natives.values()) reached += native.publish(frame, except, compress);
    }
    return reached;
  }
}

/** Live view of the subscribers of a topic, which looks them up at each use. */
class TopicView<M extends Member> implements Subscribers<M> {
  readonly #topics: () => Iterable<TopicSubscribers<M>>;

  /** @param topics returns the topic in each namespace of the view. */
  constructor(topics: () => Iterable<TopicSubscribers<M>>) {
    this.#topics = topics;
  }

  get size(): number {
    let size = 0;
    for (const topic of this.#topics()) size += topic.size;
    return size;
  }

  has(member: M): boolean {
    for (const topic of this.#topics()) if (topic.has(member)) return true;
    return false;
  }

  *[Symbol.iterator](): IterableIterator<M> {
    for (const topic of this.#topics()) yield* topic;
  }
}

/**
 * Members and topics of this process. Each namespace has its own topics.
 *
 * A hub knows no runtime and no sockets. The hub frees a topic when its last subscriber leaves, and
 * a namespace when its last member leaves.
 */
export class Hub<M extends Member> implements PubSub<M> {
  readonly #namespaces = new Map<string, Set<M>>();
  // By topic first, then by namespace: the cost of a publish to all namespaces must depend on the
  // subscribers of the topic, not on the number of namespaces.
  readonly #topics = new Map<string, Map<string, TopicSubscribers<M>>>();
  readonly #notifier: Notifier<M> | undefined;
  #names = 0;
  #topicCount = 0;
  #memberCount = 0;

  /** @param notifier notifies observers of changes, see `HubObserver`. */
  constructor(notifier?: Notifier<M>) {
    this.#notifier = notifier;
  }

  get namespaces(): ReadonlyMap<string, ReadonlySet<M>> {
    return this.#namespaces;
  }

  get memberCount(): number {
    return this.#memberCount;
  }

  get topicCount(): number {
    return this.#topicCount;
  }

  join(namespace: string, member: M): void {
    let members = this.#namespaces.get(namespace);
    if (!members) this.#namespaces.set(namespace, members = new Set());
    if (members.has(member)) return;
    members.add(member);
    this.#memberCount++;
    this.#notifier?.notify(["joined", namespace, member]);
  }

  leave(namespace: string, member: M): void {
    const members = this.#namespaces.get(namespace);
    if (!members?.delete(member)) return;
    this.#memberCount--;
    if (members.size === 0) this.#namespaces.delete(namespace);
    this.#notifier?.notify(["left", namespace, member]);
  }

  subscribe(namespace: string, topic: string, member: M): void {
    let spaces = this.#topics.get(topic);
    if (!spaces) this.#topics.set(topic, spaces = new Map());
    let subscribers = spaces.get(namespace);
    const isFirst = !subscribers;
    if (!subscribers) {
      spaces.set(namespace, subscribers = new TopicSubscribers(`${this.#names++}`));
      this.#topicCount++;
    }
    const isNew = subscribers.add(member);
    this.#notifier?.notify(
      isFirst && ["topicAdded", namespace, topic],
      isNew && ["subscribed", namespace, topic, member],
    );
  }

  unsubscribe(namespace: string, topic: string, member: M): void {
    const spaces = this.#topics.get(topic);
    const subscribers = spaces?.get(namespace);
    if (!spaces || !subscribers?.delete(member, member.broadcastDomain)) return;
    const isLast = subscribers.isEmpty;
    if (isLast) {
      this.#topicCount--;
      spaces.delete(namespace);
      if (spaces.size === 0) this.#topics.delete(topic);
    }
    this.#notifier?.notify(
      ["unsubscribed", namespace, topic, member],
      isLast && ["topicRemoved", namespace, topic],
    );
  }

  changeDomain(
    namespace: string,
    topics: Iterable<string>,
    member: M,
    from: BroadcastDomain | undefined,
  ): void {
    for (const topic of topics) {
      const subscribers = this.#topics.get(topic)!.get(namespace)!;
      subscribers.delete(member, from);
      subscribers.add(member);
    }
  }

  subscribers(topic: string, namespace?: string): Subscribers<M> {
    return new TopicView(() => {
      const spaces = this.#topics.get(topic);
      if (namespace === undefined) return spaces ? ofAll(spaces) : [];
      const subscribers = spaces?.get(namespace);
      return subscribers ? [subscribers] : [];
    });
  }

  publish(topic: string, frame: OutgoingFrame, options: HubPublishOptions<M> = {}): number {
    const spaces = this.#topics.get(topic);
    if (!spaces) return 0;
    const { namespace, except, compress = true } = options;
    if (namespace !== undefined) {
      return spaces.get(namespace)?.publish(frame, except, compress) ?? 0;
    }
    let reached = 0;
    for (const subscribers of ofAll(spaces)) {
      reached += subscribers.publish(frame, except, compress);
    }
    return reached;
  }
}

/** Returns the subscribers in all namespaces, without those of the messages to users. */
function* ofAll<Subscribers>(spaces: ReadonlyMap<string, Subscribers>): Iterable<Subscribers> {
  for (const [namespace, subscribers] of spaces) {
    if (namespace !== USER_NAMESPACE) yield subscribers;
  }
}

import type {
  BroadcastDomain,
  NativeSubscriber,
  NativeTopic,
  OutgoingFrame,
} from "../socket/socket.ts";

/** What a topic needs of its members. */
export interface Member extends NativeSubscriber {
  /**
   * With whom it hears broadcasts; `undefined` while it is served one by one. Whoever changes that
   * tells {@linkcode Hub.changeDomain}.
   */
  readonly broadcastDomain: BroadcastDomain | undefined;
}

/** Options of {@linkcode Hub.publish}. */
export interface HubPublishOptions<M> {
  /** Only members of this namespace; all namespaces where left out. */
  readonly namespace?: string | undefined;
  /** A member that is passed over. */
  readonly except?: M | undefined;
  /** Whether to compress where that was negotiated. */
  readonly compress?: boolean | undefined;
}

/** Who hears a topic in one namespace: each member is in one of the sets. */
class TopicSubscribers<M extends Member> {
  /** What the topic is called in broadcasts: no two audiences of a hub ever share a name. */
  readonly #name: string;
  readonly alone = new Set<M>();
  nativeTopics: Map<BroadcastDomain, NativeTopic> | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  get isEmpty(): boolean {
    return this.alone.size === 0 && !this.nativeTopics?.size;
  }

  add(member: M): void {
    const group = member.broadcastDomain;
    if (!group) return void this.alone.add(member);
    const circles = this.nativeTopics ??= new Map();
    let circle = circles.get(group);
    if (!circle) circles.set(group, circle = group.topic(this.#name));
    circle.add(member);
  }

  /** Takes a member out, whose group was `from`. */
  delete(member: M, from: BroadcastDomain | undefined): void {
    const circle = from && this.nativeTopics?.get(from);
    if (!circle) return void this.alone.delete(member);
    circle.delete(member);
    if (circle.size === 0) this.nativeTopics!.delete(from);
  }
}

/**
 * Who is here and who listens to what, in this process: namespaces hold members
 * and isolate topics. Knows no sockets and no runtimes; frees what is empty.
 */
export class Hub<M extends Member> {
  readonly #namespaces = new Map<string, Set<M>>();
  // Topic first: a publish to all namespaces must cost its subscribers, not
  // every namespace there is.
  readonly #topics = new Map<string, Map<string, TopicSubscribers<M>>>();
  #names = 0;
  #topicCount = 0;
  #memberCount = 0;

  /** Members by namespace, live. */
  get namespaces(): ReadonlyMap<string, ReadonlySet<M>> {
    return this.#namespaces;
  }

  /** How many members there are. */
  get memberCount(): number {
    return this.#memberCount;
  }

  /** How many topics have a subscriber, each namespace counted by itself. */
  get topicCount(): number {
    return this.#topicCount;
  }

  /** Adds a member to a namespace. */
  join(namespace: string, member: M): void {
    let members = this.#namespaces.get(namespace);
    if (!members) this.#namespaces.set(namespace, members = new Set());
    if (members.has(member)) return;
    members.add(member);
    this.#memberCount++;
  }

  /** Removes a member from its namespace, not from its topics. */
  leave(namespace: string, member: M): void {
    const members = this.#namespaces.get(namespace);
    if (!members?.delete(member)) return;
    this.#memberCount--;
    if (members.size === 0) this.#namespaces.delete(namespace);
  }

  /** Lets a member hear a topic. */
  subscribe(namespace: string, topic: string, member: M): void {
    let spaces = this.#topics.get(topic);
    if (!spaces) this.#topics.set(topic, spaces = new Map());
    let audience = spaces.get(namespace);
    if (!audience) {
      spaces.set(namespace, audience = new TopicSubscribers(`${this.#names++}`));
      this.#topicCount++;
    }
    audience.add(member);
  }

  /** Lets a member hear a topic no more. */
  unsubscribe(namespace: string, topic: string, member: M): void {
    const spaces = this.#topics.get(topic);
    const audience = spaces?.get(namespace);
    if (!spaces || !audience) return;
    audience.delete(member, member.broadcastDomain);
    if (!audience.isEmpty) return;
    this.#topicCount--;
    spaces.delete(namespace);
    if (spaces.size === 0) this.#topics.delete(topic);
  }

  /** A member has changed its group, which was `from`. */
  changeDomain(
    namespace: string,
    topics: Iterable<string>,
    member: M,
    from: BroadcastDomain | undefined,
  ): void {
    for (const topic of topics) {
      const audience = this.#topics.get(topic)!.get(namespace)!;
      audience.delete(member, from);
      audience.add(member);
    }
  }

  /** Hands a frame to every subscriber once; returns how many accepted it. */
  publish(topic: string, frame: OutgoingFrame, options: HubPublishOptions<M> = {}): number {
    const spaces = this.#topics.get(topic);
    if (!spaces) return 0;
    const { namespace, except, compress = true } = options;
    if (namespace !== undefined) return hand(spaces.get(namespace), frame, except, compress);
    let reached = 0;
    for (const audience of spaces.values()) reached += hand(audience, frame, except, compress);
    return reached;
  }
}

function hand<M extends Member>(
  audience: TopicSubscribers<M> | undefined,
  frame: OutgoingFrame,
  except: M | undefined,
  compress: boolean,
): number {
  if (!audience) return 0;
  const { alone, nativeTopics } = audience;
  let reached = 0;
  // First, as who leaves a circle is served alone.
  if (nativeTopics) { for (const circle of nativeTopics.values()) circle.reserve(frame, except); }
  for (const member of alone) {
    if (member !== except && member.deliver(frame, compress)) reached++;
  }
  if (nativeTopics) {
    for (const circle of nativeTopics.values()) reached += circle.publish(frame, except, compress);
  }
  return reached;
}

import type { OutgoingFrame } from "./socket.ts";

/** What a topic needs of its members. */
export interface Member {
  /** Takes one frame; tells whether it was accepted. Never throws. */
  deliver(frame: OutgoingFrame, compress: boolean): boolean;
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

/**
 * Who is here and who listens to what, in this process: namespaces hold members
 * and isolate topics. Knows no sockets and no runtimes; frees what is empty.
 */
export class Hub<M extends Member> {
  readonly #namespaces = new Map<string, Set<M>>();
  // Topic first: a publish to all namespaces must cost its subscribers, not
  // every namespace there is.
  readonly #topics = new Map<string, Map<string, Set<M>>>();
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
    const members = spaces.get(namespace);
    if (members) {
      members.add(member);
      return;
    }
    spaces.set(namespace, new Set([member]));
    this.#topicCount++;
  }

  /** Lets a member hear a topic no more. */
  unsubscribe(namespace: string, topic: string, member: M): void {
    const spaces = this.#topics.get(topic);
    const members = spaces?.get(namespace);
    if (!spaces || !members?.delete(member) || members.size > 0) return;
    this.#topicCount--;
    spaces.delete(namespace);
    if (spaces.size === 0) this.#topics.delete(topic);
  }

  /** Hands a frame to every subscriber once; returns how many accepted it. */
  publish(topic: string, frame: OutgoingFrame, options: HubPublishOptions<M> = {}): number {
    const spaces = this.#topics.get(topic);
    if (!spaces) return 0;
    const { namespace, except, compress = true } = options;
    if (namespace !== undefined) return hand(spaces.get(namespace), frame, except, compress);
    let reached = 0;
    for (const members of spaces.values()) reached += hand(members, frame, except, compress);
    return reached;
  }
}

function hand<M extends Member>(
  members: Set<M> | undefined,
  frame: OutgoingFrame,
  except: M | undefined,
  compress: boolean,
): number {
  let reached = 0;
  for (const member of members ?? []) {
    if (member !== except && member.deliver(frame, compress)) reached++;
  }
  return reached;
}

import type { Limits } from "../common/limits.ts";
import {
  type BroadcastDomain,
  MAX_HEADER,
  type NativeSubscriber,
  type NativeTopic,
  type OutgoingFrame,
} from "../socket/socket.ts";

/**
 * Broadcast domain for a runtime with native topics. Only the adapters of such runtimes use it.
 *
 * A native broadcast does not check the backpressure of each socket. So the domain checks the
 * subscribers of a topic after at most `highWaterMark` broadcast bytes. The domain checks the
 * subscribers of all topics before the broadcasts of several topics could fill one queue beyond
 * `maxBuffered`. A subscriber above `highWaterMark` is evicted: its frames are sent one by one.
 */
export class NativeDomain implements BroadcastDomain {
  /** `limits.highWaterMark`. */
  readonly #mark: number;
  /** Most bytes to broadcast between two checks of all subscribers. */
  readonly #most: number;
  /** Topics with broadcasts since the last check of their subscribers. */
  readonly #uncheckedTopics = new Set<DomainTopic>();
  /** Number of bytes that were broadcast since the last check of all subscribers. */
  #bytes = 0;

  private constructor({ highWaterMark, maxBuffered }: Limits) {
    this.#mark = highWaterMark;
    // After its check, a subscriber has at most `highWaterMark` bytes queued. After `#most` more
    // bytes, another `highWaterMark` bytes still fit below `maxBuffered`.
    this.#most = maxBuffered - 2 * highWaterMark;
  }

  /** Returns a domain, or `undefined` if the limits leave no room for unchecked bytes. */
  static under(limits: Limits): NativeDomain | undefined {
    const { highWaterMark, maxBuffered } = limits;
    return 3 * highWaterMark <= maxBuffered ? new NativeDomain(limits) : undefined;
  }

  /**
   * Whether a domain with the limits `of` keeps a subscriber within its own limits. The domain checks
   * subscribers at its own `highWaterMark`, and leaves room below its own `maxBuffered`.
   */
  static bounds(own: Limits, of: Limits): boolean {
    return own.highWaterMark === of.highWaterMark && own.maxBuffered >= of.maxBuffered;
  }

  topic(name: string): NativeTopic {
    return new DomainTopic(name, this);
  }

  /** Whether a frame is small enough for a broadcast. */
  takes(size: number): boolean {
    return size <= this.#mark;
  }

  /**
   * Checks subscribers if `size` more bytes to this topic could exceed a bound. Returns whether the
   * bytes may be broadcast.
   */
  reserve(topic: DomainTopic, size: number, except: NativeSubscriber | undefined): boolean {
    const isFull = this.#bytes + size > this.#most;
    if (!isFull && topic.uncheckedBytes + size <= this.#mark) return true;
    if (isFull) {
      for (const other of this.#uncheckedTopics) if (other !== topic) other.checkBackpressure();
      this.#uncheckedTopics.clear();
      this.#bytes = 0;
    }
    return topic.evictSlow(this.#mark, except);
  }

  /** Counts the bytes of a broadcast to a topic. */
  spent(topic: DomainTopic, size: number): void {
    if (topic.uncheckedBytes === 0) this.#uncheckedTopics.add(topic);
    this.#bytes += size;
  }

  /** Forgets a topic without subscribers. */
  forget(topic: DomainTopic): void {
    this.#uncheckedTopics.delete(topic);
  }
}

class DomainTopic implements NativeTopic {
  /** Number of bytes that were broadcast since the last check of the subscribers. */
  uncheckedBytes = 0;
  readonly #members = new Set<NativeSubscriber>();
  readonly #name: string;
  readonly #domain: NativeDomain;
  #mayBroadcast = false;

  constructor(name: string, domain: NativeDomain) {
    this.#name = name;
    this.#domain = domain;
  }

  get members(): ReadonlySet<NativeSubscriber> {
    return this.#members;
  }

  add(member: NativeSubscriber): void {
    if (this.#members.has(member)) return;
    this.#members.add(member);
    member.sendQueue.socket.topics?.subscribe(this.#name);
  }

  delete(member: NativeSubscriber): void {
    if (!this.#members.delete(member)) return;
    member.sendQueue.socket.topics?.unsubscribe(this.#name);
    if (this.#members.size === 0) this.#domain.forget(this);
    // Checked here, as a member that joins and leaves between two checks would never be checked.
    if (this.uncheckedBytes > 0) member.sendQueue.checkBackpressure();
  }

  reserve({ byteLength }: OutgoingFrame, except: NativeSubscriber | undefined): void {
    const size = byteLength + MAX_HEADER;
    this.#mayBroadcast = this.#domain.takes(size) && this.#domain.reserve(this, size, except);
  }

  publish(frame: OutgoingFrame, except: NativeSubscriber | undefined, compress: boolean): number {
    const publisher = except?.sendQueue.socket.topics?.domain === this.#domain ? except : undefined;
    if (!this.#mayBroadcast || (!publisher && this.#members.size === 1)) {
      return sendToEach(this.#members, frame, except, compress);
    }
    // The socket that broadcasts does not get the frame. If the domain has no publisher, a
    // subscriber broadcasts, and gets the frame by a separate send.
    const sender: NativeSubscriber = publisher ?? this.#members.values().next().value!;
    const count = this.#members.size - Number(this.#members.has(sender));
    if (count === 0) return 0;
    sender.sendQueue.broadcast(this.#name, frame, compress, count);
    const size = frame.byteLength + MAX_HEADER;
    this.#domain.spent(this, size);
    this.uncheckedBytes += size;
    return count + Number(!publisher && sender.deliver(frame, compress));
  }

  /** Evicts the subscribers that have become slow. */
  checkBackpressure(): void {
    this.uncheckedBytes = 0;
    for (const member of this.#members) member.sendQueue.checkBackpressure();
  }

  /**
   * Evicts the subscribers that have become slow. Returns false if unflushed broadcast bytes alone
   * bring a subscriber above the mark. The frame must then be sent to each subscriber: such a send
   * flushes these bytes, and shows how many remain.
   */
  evictSlow(mark: number, except: NativeSubscriber | undefined): boolean {
    this.uncheckedBytes = 0;
    let isCertain = true;
    for (const member of this.#members) {
      const { socket } = member.sendQueue;
      const { bufferedAmount } = socket;
      if (bufferedAmount <= mark) continue;
      if (member === except || bufferedAmount - (socket.topics?.unflushedAmount ?? 0) > mark) {
        member.sendQueue.checkBackpressure();
      } else isCertain = false;
    }
    return isCertain;
  }
}

function sendToEach(
  members: Iterable<NativeSubscriber>,
  frame: OutgoingFrame,
  except: NativeSubscriber | undefined,
  compress: boolean,
): number {
  let reached = 0;
  for (const member of members) {
    if (member !== except && member.deliver(frame, compress)) reached++;
  }
  return reached;
}

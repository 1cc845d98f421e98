import type { Limits } from "../common/limits.ts";
import {
  type BroadcastDomain,
  MAX_HEADER,
  type NativeSubscriber,
  type NativeTopic,
  type OutgoingFrame,
} from "../socket/socket.ts";

/**
 * The rules of broadcasting, for runtimes that have topics of their own. Only their adapters need
 * it: the core alone does without.
 *
 * A runtime's publish asks nobody how much waits for whom. So at most `highWaterMark` bytes are
 * broadcast to a circle before its members are looked at, and to all circles together at most what
 * keeps each queue within `maxBuffered`: whoever is found over the mark is served one by one.
 */
export class NativeDomain implements BroadcastDomain {
  readonly #mark: number;
  readonly #most: number;
  /** Circles that were broadcast to since their members were looked at; and all that was broadcast since all were. */
  readonly #uncheckedTopics = new Set<DomainTopic>();
  #bytes = 0;

  private constructor({ highWaterMark, maxBuffered }: Limits) {
    this.#mark = highWaterMark;
    // Who was seen with a mark, and then gets all of this, has maxBuffered less a mark.
    this.#most = maxBuffered - 2 * highWaterMark;
  }

  /** A group under these limits, unless they leave no room for what goes unnoticed for a while. */
  static under(limits: Limits): NativeDomain | undefined {
    const { highWaterMark, maxBuffered } = limits;
    return 3 * highWaterMark <= maxBuffered ? new NativeDomain(limits) : undefined;
  }

  topic(name: string): NativeTopic {
    return new DomainTopic(name, this);
  }

  /** Whether a frame may be broadcast at all. */
  takes(size: number): boolean {
    return size <= this.#mark;
  }

  /**
   * Looks at whom another `size` bytes to this circle could make slower than may go unnoticed; tells
   * whether they may be broadcast then.
   */
  reserve(circle: DomainTopic, size: number, except: NativeSubscriber | undefined): boolean {
    const isFull = this.#bytes + size > this.#most;
    if (!isFull && circle.uncheckedBytes + size <= this.#mark) return true;
    if (isFull) {
      for (const other of this.#uncheckedTopics) if (other !== circle) other.checkBackpressure();
      this.#uncheckedTopics.clear();
      this.#bytes = 0;
    }
    return circle.evictSlow(this.#mark, except);
  }

  /** So many bytes are being broadcast to a circle. */
  spent(circle: DomainTopic, size: number): void {
    if (circle.uncheckedBytes === 0) this.#uncheckedTopics.add(circle);
    this.#bytes += size;
  }

  /** Nobody is left in a circle. */
  forget(circle: DomainTopic): void {
    this.#uncheckedTopics.delete(circle);
  }
}

class DomainTopic implements NativeTopic {
  /** Bytes broadcast since the members were looked at. */
  uncheckedBytes = 0;
  readonly #members = new Set<NativeSubscriber>();
  readonly #name: string;
  readonly #group: NativeDomain;
  #mayBroadcast = false;

  constructor(name: string, group: NativeDomain) {
    this.#name = name;
    this.#group = group;
  }

  get size(): number {
    return this.#members.size;
  }

  add(member: NativeSubscriber): void {
    if (this.#members.has(member)) return;
    this.#members.add(member);
    member.sendQueue.socket.topics?.subscribe(this.#name);
  }

  delete(member: NativeSubscriber): void {
    if (!this.#members.delete(member)) return;
    member.sendQueue.socket.topics?.unsubscribe(this.#name);
    if (this.#members.size === 0) this.#group.forget(this);
    // Or who comes and goes between two looks would never be seen.
    if (this.uncheckedBytes > 0) member.sendQueue.checkBackpressure();
  }

  reserve({ byteLength }: OutgoingFrame, except: NativeSubscriber | undefined): void {
    const size = byteLength + MAX_HEADER;
    this.#mayBroadcast = this.#group.takes(size) && this.#group.reserve(this, size, except);
  }

  publish(frame: OutgoingFrame, except: NativeSubscriber | undefined, compress: boolean): number {
    const outsider = except?.sendQueue.socket.topics?.domain === this.#group ? except : undefined;
    if (!this.#mayBroadcast || (!outsider && this.#members.size === 1)) {
      return hand(this.#members, frame, except, compress);
    }
    // Whoever speaks does not hear it. Where that is a member like any other, it gets a copy.
    const speaker: NativeSubscriber = outsider ?? this.#members.values().next().value!;
    const count = this.#members.size - Number(this.#members.has(speaker));
    if (count === 0) return 0;
    speaker.sendQueue.broadcast(this.#name, frame, compress, count);
    const size = frame.byteLength + MAX_HEADER;
    this.#group.spent(this, size);
    this.uncheckedBytes += size;
    return count + Number(!outsider && speaker.deliver(frame, compress));
  }

  /** Has those leave who have become slow. */
  checkBackpressure(): void {
    this.uncheckedBytes = 0;
    for (const member of this.#members) member.sendQueue.checkBackpressure();
  }

  /**
   * Has those leave who have become slow. Where somebody has not but for what is held, tells to
   * serve all one by one this time: that has it written, and shows what is left.
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

function hand(
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

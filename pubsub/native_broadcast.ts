import type { Limits } from "../common/limits.ts";
import {
  type Circle,
  type CircleMember,
  MAX_HEADER,
  type OutgoingFrame,
  type SocketGroup,
} from "../socket/socket.ts";

/**
 * The rules of broadcasting, for runtimes that have topics of their own. Only their adapters need
 * it: the core alone does without.
 *
 * A runtime's publish asks nobody how much waits for whom. So at most `highWaterMark` bytes are
 * broadcast to a circle before its members are looked at, and to all circles together at most what
 * keeps each queue within `maxBuffered`: whoever is found over the mark is served one by one.
 */
export class BroadcastGroup implements SocketGroup {
  readonly #mark: number;
  readonly #most: number;
  /** Circles that were broadcast to since their members were looked at; and all that was broadcast since all were. */
  readonly #unseen = new Set<BroadcastCircle>();
  #bytes = 0;

  private constructor({ highWaterMark, maxBuffered }: Limits) {
    this.#mark = highWaterMark;
    // Who was seen with a mark, and then gets all of this, has maxBuffered less a mark.
    this.#most = maxBuffered - 2 * highWaterMark;
  }

  /** A group under these limits, unless they leave no room for what goes unnoticed for a while. */
  static under(limits: Limits): BroadcastGroup | undefined {
    const { highWaterMark, maxBuffered } = limits;
    return 3 * highWaterMark <= maxBuffered ? new BroadcastGroup(limits) : undefined;
  }

  circle(name: string): Circle {
    return new BroadcastCircle(name, this);
  }

  /** Whether a frame may be broadcast at all. */
  takes(size: number): boolean {
    return size <= this.#mark;
  }

  /**
   * Looks at whom another `size` bytes to this circle could make slower than may go unnoticed; tells
   * whether they may be broadcast then.
   */
  makeRoom(circle: BroadcastCircle, size: number, except: CircleMember | undefined): boolean {
    const isFull = this.#bytes + size > this.#most;
    if (!isFull && circle.unseen + size <= this.#mark) return true;
    if (isFull) {
      for (const other of this.#unseen) if (other !== circle) other.look();
      this.#unseen.clear();
      this.#bytes = 0;
    }
    return circle.lookWithin(this.#mark, except);
  }

  /** So many bytes are being broadcast to a circle. */
  spent(circle: BroadcastCircle, size: number): void {
    if (circle.unseen === 0) this.#unseen.add(circle);
    this.#bytes += size;
  }

  /** Nobody is left in a circle. */
  forget(circle: BroadcastCircle): void {
    this.#unseen.delete(circle);
  }
}

class BroadcastCircle implements Circle {
  /** Bytes broadcast since the members were looked at. */
  unseen = 0;
  readonly #members = new Set<CircleMember>();
  readonly #name: string;
  readonly #group: BroadcastGroup;
  #mayBroadcast = false;

  constructor(name: string, group: BroadcastGroup) {
    this.#name = name;
    this.#group = group;
  }

  get size(): number {
    return this.#members.size;
  }

  add(member: CircleMember): void {
    if (this.#members.has(member)) return;
    this.#members.add(member);
    member.broadcastLine.socket.tuneIn(this.#name);
  }

  delete(member: CircleMember): void {
    if (!this.#members.delete(member)) return;
    member.broadcastLine.socket.tuneOut(this.#name);
    if (this.#members.size === 0) this.#group.forget(this);
    // Or who comes and goes between two looks would never be seen.
    if (this.unseen > 0) member.broadcastLine.look();
  }

  makeRoom({ byteLength }: OutgoingFrame, except: CircleMember | undefined): void {
    const size = byteLength + MAX_HEADER;
    this.#mayBroadcast = this.#group.takes(size) && this.#group.makeRoom(this, size, except);
  }

  publish(frame: OutgoingFrame, except: CircleMember | undefined, compress: boolean): number {
    const outsider = except?.broadcastLine.socket.group === this.#group ? except : undefined;
    if (!this.#mayBroadcast || (!outsider && this.#members.size === 1)) {
      return hand(this.#members, frame, except, compress);
    }
    // Whoever speaks does not hear it. Where that is a member like any other, it gets a copy.
    const speaker: CircleMember = outsider ?? this.#members.values().next().value!;
    const count = this.#members.size - Number(this.#members.has(speaker));
    if (count === 0) return 0;
    speaker.broadcastLine.broadcast(this.#name, frame, compress, count);
    const size = frame.byteLength + MAX_HEADER;
    this.#group.spent(this, size);
    this.unseen += size;
    return count + Number(!outsider && speaker.deliver(frame, compress));
  }

  /** Has those leave who have become slow. */
  look(): void {
    this.unseen = 0;
    for (const member of this.#members) member.broadcastLine.look();
  }

  /**
   * Has those leave who have become slow. Where somebody has not but for what is held, tells to
   * serve all one by one this time: that has it written, and shows what is left.
   */
  lookWithin(mark: number, except: CircleMember | undefined): boolean {
    this.unseen = 0;
    let isCertain = true;
    for (const member of this.#members) {
      const { socket } = member.broadcastLine;
      const { bufferedAmount } = socket;
      if (bufferedAmount <= mark) continue;
      if (member === except || bufferedAmount - socket.heldAmount > mark) {
        member.broadcastLine.look();
      } else isCertain = false;
    }
    return isCertain;
  }
}

function hand(
  members: Iterable<CircleMember>,
  frame: OutgoingFrame,
  except: CircleMember | undefined,
  compress: boolean,
): number {
  let reached = 0;
  for (const member of members) {
    if (member !== except && member.deliver(frame, compress)) reached++;
  }
  return reached;
}

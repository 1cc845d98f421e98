import { ABNORMAL_CLOSURE } from "./close_code.ts";
import { PeerError } from "../common/errors.ts";
import type { Limits } from "../common/limits.ts";
import { DrainWaiters } from "./drain_waiters.ts";
import {
  type BroadcastDomain,
  CLOSED,
  type CloseInfo,
  CONNECTING,
  FINISHED,
  type NativeSendQueue,
  OPEN,
  type OutgoingFrame,
  type ServerSocket,
} from "./socket.ts";
import type { Counters } from "../common/stats.ts";
import type { SharedInterval, Timers } from "../common/timers.ts";

/** What all outboxes of one endpoint share. */
export interface SendQueueHost {
  readonly limits: Limits;
  readonly counters: Counters;
  readonly timers: Timers;
  /** Looks at slow peers again and again, for runtimes that do not say when they have drained. */
  readonly slow: SharedInterval<SendQueue>;
}

/** Who owns an outbox: hears of what happens without anybody calling. */
export interface SendQueueOwner {
  /** `bufferedAmount` fell to the threshold after having been above the mark. */
  drained(): void;
  /** The queue is watched from now on (the client is slow, or a caller waits), or no longer. */
  watching(isOn: boolean): void;
  /** The queue of a watched client has changed. */
  moved(): void;
  /** What {@linkcode SendQueue.group} says has changed. */
  domainChanged(): void;
  /** The connection is over for us, whatever the line does. */
  terminated(info: CloseInfo): void;
}

/**
 * A queued frame costs memory beside its bytes: 700 on Node 22 and 1,000 on Deno 2.9 for a message
 * of one byte. So as many frames may wait as would fill `maxBuffered` at this size each, and a
 * thousand in any case: memory stays within a few times the limit.
 */
const FRAME_COST = 256, MIN_FRAMES = 1024;
/** Bytes of a frame's header, about. */
const HEADER = 4;

/**
 * The way out to one client: sends in order, bounded by `limits.maxBuffered`,
 * tells when a slow client has caught up, and ends the connection once.
 */
export class SendQueue implements NativeSendQueue {
  readonly socket: ServerSocket;
  readonly #host: SendQueueHost;
  readonly #owner: SendQueueOwner;
  #slow = false;
  /** Frames and bytes sent since the queue was last empty: how large a queued frame is on average. */
  #frames = 0;
  #bytes = 0;
  /** What was queued when last seen: only what is sent since could have made it more. */
  #lastQueued = 0;
  /** Queued bytes at the last {@linkcode checkDrain}. */
  #checkedQueued = -1;
  #waiters: DrainWaiters | undefined;
  #closing: CloseInfo | undefined;
  #cancelCloseTimeout: (() => void) | undefined;
  /** State that the connection itself has reached. The socket may be behind. */
  #reached = CONNECTING;

  constructor(socket: ServerSocket, host: SendQueueHost, owner: SendQueueOwner) {
    this.socket = socket;
    this.#host = host;
    this.#owner = owner;
  }

  /** State of the connection, see {@linkcode CONNECTING}. */
  get state(): number {
    return Math.max(this.#reached, this.socket.readyState);
  }

  get isOpen(): boolean {
    return this.state === OPEN;
  }

  /** State as a WebSocket shows it. */
  get readyState(): number {
    return Math.min(this.state, CLOSED);
  }

  get bufferedAmount(): number {
    // A caller that sees an amount over the mark may wait for the drain.
    return this.#reached >= CLOSED ? 0 : this.checkBackpressure();
  }

  /** The group to hear broadcasts with: none while each frame must be weighed. */
  get group(): BroadcastDomain | undefined {
    return this.isOpen && !this.#slow ? this.socket.topics?.domain : undefined;
  }

  /** Sends one frame to `count` others of the group. */
  broadcast(name: string, frame: OutgoingFrame, compress: boolean, count: number): void {
    this.socket.topics?.broadcast(name, frame, compress);
    this.#host.counters.messagesOut += count;
    this.#host.counters.bytesOut += count * frame.byteLength;
  }

  /** Marks the client slow where it is; returns the bytes queued. */
  checkBackpressure(): number {
    return this.#noteQueued(this.socket.bufferedAmount);
  }

  #noteQueued(queued: number): number {
    this.#lastQueued = queued;
    if (queued > this.#host.limits.highWaterMark && !this.#slow) {
      this.#watch();
      this.#slow = true;
      this.#owner.domainChanged();
    }
    return queued;
  }

  /**
   * Sends one frame; returns the bytes now queued, or -1 where it was not accepted.
   *
   * @throws {PeerError} `ERR_PEER_BUFFER_FULL` under the overflow policy `"error"`.
   */
  send(frame: OutgoingFrame, compress: boolean): number {
    if (!this.isOpen) return -1;
    const { counters } = this.#host;
    if (!this.#fits(frame.byteLength)) {
      this.socket.flush(); // a client is slow only by what the network does not take
      if (!this.#fits(frame.byteLength)) return this.#overflow(frame);
    }
    const queued = this.socket.send(frame, compress);
    this.#frames++;
    this.#bytes += frame.byteLength + HEADER;
    counters.messagesOut++;
    counters.bytesOut += frame.byteLength;
    return this.#noteQueued(queued);
  }

  /** Whether one more frame of this size is within `maxBuffered`. */
  #fits(byteLength: number): boolean {
    const { maxBuffered } = this.#host.limits;
    // Asking the runtime costs up to 0.1 µs, as much as all the rest.
    const isKnown = this.#frames < MIN_FRAMES && !this.socket.topics?.wasSubscribed;
    if (isKnown && this.#lastQueued + byteLength <= maxBuffered) return true;
    const queued = this.socket.bufferedAmount;
    if (queued === 0) this.#frames = this.#bytes = 0;
    const frames = this.#frames * queued / Math.max(queued, this.#bytes, 1);
    return queued + byteLength <= maxBuffered &&
      frames <= Math.max(MIN_FRAMES, maxBuffered / FRAME_COST);
  }

  #overflow(frame: OutgoingFrame): -1 {
    const { maxBuffered, overflow } = this.#host.limits;
    this.#host.counters.drops++;
    if (overflow === "close") this.close(1013, "too slow");
    if (overflow === "error") {
      throw new PeerError(
        "ERR_PEER_BUFFER_FULL",
        `Cannot send ${frame.byteLength} bytes as ${this.socket.bufferedAmount} of at most ${maxBuffered} are queued for this peer`,
      );
    }
    return -1;
  }

  /** Whether more waits than may: by answers that the runtime gives, which nobody asks us about. */
  get isFull(): boolean {
    return this.checkBackpressure() > this.#host.limits.maxBuffered;
  }

  /** Sends a ping; tells whether it did. */
  ping(data: Uint8Array<ArrayBuffer>): boolean {
    const { heartbeat } = this.socket;
    if (!this.isOpen || !heartbeat || this.isFull) return false;
    heartbeat.ping(data);
    return true;
  }

  /** Starts the closing handshake, unless one has begun. */
  close(code: number, reason: string): void {
    if (!this.isOpen) return;
    this.#closing = { code, reason, wasClean: false };
    this.socket.close(code, reason);
    this.#cancelCloseTimeout = this.#host.timers.after(this.#host.limits.closeTimeout, () => {
      this.socket.terminate();
      this.#owner.terminated(this.#closing!);
    });
  }

  /** Ends the connection without a closing handshake. */
  terminate(): void {
    if (this.state >= CLOSED) return;
    this.#closing = undefined;
    this.socket.terminate();
    this.#owner.terminated({ code: ABNORMAL_CLOSURE, reason: "", wasClean: false });
  }

  /** After the end: lets go of everything and tells how it ended, in our words where we closed. */
  end(info: CloseInfo): CloseInfo {
    this.#reached = CLOSED;
    this.#cancelCloseTimeout?.();
    this.#host.slow.delete(this);
    this.#waiters?.release(0);
    return this.#closing ? { ...this.#closing, wasClean: info.wasClean } : info;
  }

  /** Marks the connection as finished: its `close` hook starts. Returns false if it was before. */
  finish(): boolean {
    if (this.#reached === FINISHED) return false;
    this.#reached = FINISHED;
    return true;
  }

  /** Queued bytes if the client is slow, or a caller waits for the drain; else -1. */
  get slowAmount(): number {
    return this.#isWatched ? this.socket.bufferedAmount : -1;
  }

  get #isWatched(): boolean {
    return this.#slow || (this.#waiters?.size ?? 0) > 0;
  }

  #watch(): void {
    if (!this.#isWatched) this.#owner.watching(true);
    this.#host.slow.add(this);
  }

  /** Checks whether a slow client has caught up, or the threshold of a waiting caller is reached. */
  checkDrain(): void {
    if (!this.#isWatched) return;
    const queued = this.socket.bufferedAmount;
    if (queued !== this.#checkedQueued) this.#owner.moved();
    this.#checkedQueued = queued;
    this.#waiters?.release(queued);
    const drained = this.#slow && queued <= this.#host.limits.drainThreshold;
    if (drained) {
      this.#slow = false;
      this.#owner.domainChanged();
    }
    if (!this.#isWatched) {
      this.#host.slow.delete(this);
      this.#owner.watching(false);
    }
    if (drained) this.#owner.drained();
  }

  /** Resolves once at most `threshold` bytes are queued, or the peer is gone. */
  async waitForDrain(threshold: number, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (!(threshold >= 0)) {
      throw new RangeError(
        `Cannot wait for the drain as the threshold must be 0 or more: current value is ${threshold}`,
      );
    }
    if (this.#reached >= CLOSED || this.bufferedAmount <= threshold) return;
    this.#watch();
    const drained = (this.#waiters ??= new DrainWaiters()).wait(threshold, signal);
    // A client that keeps up has drained by the next turn, long before the next interval.
    this.#host.timers.after(0, () => this.checkDrain());
    await this.#host.timers.awake(drained);
  }
}

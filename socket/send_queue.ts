import { ABNORMAL_CLOSURE } from "./close_code.ts";
import { PeerError } from "../common/errors.ts";
import type { Limits } from "../common/limits.ts";
import { checkCallOptions } from "../common/option_names.ts";
import { DRAIN_OPTIONS, type DrainOptions, DrainWaiters } from "./drain_waiters.ts";
import { EmptyMessages } from "./empty_messages.ts";
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

/** Services that all send queues of an endpoint share. */
export interface SendQueueHost {
  readonly limits: Limits;
  readonly counters: Counters;
  readonly timers: Timers;
  /** Checks slow clients at intervals, because some runtimes do not report a drain. */
  readonly slow: SharedInterval<SendQueue>;
}

/** Owner of a send queue. The queue calls these methods to report events. */
export interface SendQueueOwner {
  /** `bufferedAmount` was above `highWaterMark`, and has fallen to `drainThreshold`. */
  drained(): void;
  /** `true`: the client is slow, or a caller waits for a drain. `false`: both are over. */
  watching(isOn: boolean): void;
  /** The number of queued bytes of a watched client has changed. */
  moved(): void;
  /** {@linkcode SendQueue.broadcastDomain} has changed. */
  domainChanged(): void;
  /** The connection has ended for the server, even if the TCP connection still exists. */
  terminated(info: CloseInfo): void;
}

/**
 * Least number of bytes for which a queued frame counts, and number of frames that may always be
 * queued. A message of one byte takes 700 bytes of memory on Node 22, and 1,000 on Deno 2.9. With
 * this bound, memory stays within a few times `maxBuffered`.
 */
const FRAME_COST = 256, MIN_FRAMES = 1024;
/** Approximate number of bytes in the header of a frame. */
const HEADER = 4;

/**
 * Sends frames to one client in order, queues at most `limits.maxBuffered` bytes, reports when a slow
 * client has caught up, and ends the connection once.
 */
export class SendQueue implements NativeSendQueue {
  readonly socket: ServerSocket;
  readonly #host: SendQueueHost;
  readonly #owner: SendQueueOwner;
  #slow = false;
  /** Frames and bytes sent since the queue was last empty, for the average size of a queued frame. */
  #frames = 0;
  #bytes = 0;
  /** Empty messages that may be queued, if the socket hides them. Made at the first one. */
  #empty: EmptyMessages | undefined;
  /** Number of queued bytes at the last check. Only later sends can have added bytes. */
  #lastQueued = 0;
  /** Queued bytes at the last {@linkcode checkDrain}. */
  #checkedQueued = -1;
  #waiters: DrainWaiters | undefined;
  #closing: CloseInfo | undefined;
  #cancelCloseTimeout: (() => void) | undefined;
  /** State that the connection has reached. The state of the socket may be lower. */
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

  /** State as in the WHATWG `WebSocket`. */
  get readyState(): number {
    return Math.min(this.state, CLOSED);
  }

  get bufferedAmount(): number {
    // A caller that reads an amount above `highWaterMark` may wait for `drain`: mark the client as
    // slow.
    return this.#reached >= CLOSED ? 0 : this.checkBackpressure();
  }

  /** Domain in which the client gets broadcasts. Undefined for a slow client, whose frames are counted one by one. */
  get broadcastDomain(): BroadcastDomain | undefined {
    return this.isOpen && !this.#slow ? this.socket.topics?.domain : undefined;
  }

  /** Broadcasts one frame to the `count` other subscribers of this name in the domain. */
  broadcast(name: string, frame: OutgoingFrame, compress: boolean, count: number): void {
    this.socket.topics?.broadcast(name, frame, compress);
    this.#host.counters.messagesOut += count;
    this.#host.counters.bytesOut += count * frame.byteLength;
  }

  /** Marks the client as slow if it is. Returns the number of queued bytes. */
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
   * Sends one frame. Returns the number of bytes now queued, or -1 if the frame was not accepted.
   *
   * @throws {PeerError} `ERR_PEER_BUFFER_FULL` if the queue is full and `limits.overflow` is `"error"`.
   */
  send(frame: OutgoingFrame, compress: boolean): number {
    if (!this.isOpen) return -1;
    const { counters } = this.#host;
    const size = this.socket.sizeOf(frame);
    if (!this.#fits(size)) {
      this.socket.flush(); // gathered bytes do not make a client slow
      if (!this.#fits(size)) return this.#overflow(frame);
    }
    const queued = this.socket.send(frame, compress);
    if (size > 0 || !this.socket.hidesEmpty) {
      this.#frames++;
      this.#bytes += size + HEADER;
    } else this.#empty ??= new EmptyMessages();
    this.#empty?.sent(size);
    counters.messagesOut++;
    counters.bytesOut += frame.byteLength;
    return this.#noteQueued(queued);
  }

  /** Whether one more frame of this size is within `maxBuffered`. */
  #fits(byteLength: number): boolean {
    const { maxBuffered } = this.#host.limits;
    // Reading the amount from the runtime takes up to 0.1 µs: as much time as the rest of a send.
    const isKnown = this.#frames < MIN_FRAMES && !this.#empty &&
      !this.socket.topics?.wasSubscribed;
    if (isKnown && this.#lastQueued + byteLength <= maxBuffered) return true;
    const queued = this.socket.bufferedAmount;
    if (queued === 0) {
      this.#frames = this.#bytes = 0;
      this.#empty?.written();
    }
    const frames = this.#frames * queued / Math.max(queued, this.#bytes, 1);
    return queued + byteLength <= maxBuffered &&
      frames + (this.#empty?.count ?? 0) <= Math.max(MIN_FRAMES, maxBuffered / FRAME_COST);
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

  /** Whether more than `maxBuffered` bytes are queued: the runtime's own answers to pings can exceed the limit. */
  get isFull(): boolean {
    return this.checkBackpressure() > this.#host.limits.maxBuffered;
  }

  /** Sends a ping. Returns whether the ping was sent. */
  ping(data: Uint8Array<ArrayBuffer>): boolean {
    const { heartbeat } = this.socket;
    if (!this.isOpen || !heartbeat || this.isFull) return false;
    return heartbeat.ping(data);
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

  /** Releases all resources. Returns the final code and reason: the server's if the server closed. */
  end(info: CloseInfo): CloseInfo {
    this.#reached = CLOSED;
    this.#cancelCloseTimeout?.();
    this.#host.slow.delete(this);
    this.#waiters?.release(0);
    return this.#closing ? { ...this.#closing, wasClean: info.wasClean } : info;
  }

  /** Marks the connection as finished: its `close` hook starts. Returns false if called before. */
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
  async waitForDrain(options: DrainOptions = {}): Promise<void> {
    checkCallOptions(options, DRAIN_OPTIONS);
    const { threshold = this.#host.limits.drainThreshold, signal } = options;
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

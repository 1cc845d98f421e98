import { ABNORMAL_CLOSURE } from "./close_code.ts";
import { PeerError } from "./errors.ts";
import type { Limits } from "./limits.ts";
import { CLOSED, type CloseInfo, OPEN, type OutgoingFrame, type ServerSocket } from "./socket.ts";
import type { Counters } from "./stats.ts";
import type { Timers, Watch } from "./timers.ts";

/** What all outboxes of one endpoint share. */
export interface OutboxHost {
  readonly limits: Limits;
  readonly counters: Counters;
  readonly timers: Timers;
  /** Looks at slow peers again and again, for runtimes that do not say when they have drained. */
  readonly slow: Watch<Outbox>;
}

/** Who owns an outbox: hears of what happens without anybody calling. */
export interface OutboxOwner {
  /** `bufferedAmount` fell to the threshold after having been above the mark. */
  drained(): void;
  /** The connection is over for us, whatever the line does. */
  cut(info: CloseInfo): void;
}

/** Somebody in `waitForDrain()`. */
interface Waiter {
  readonly threshold: number;
  readonly resolve: () => void;
}

/**
 * The way out to one client: sends in order, bounded by `limits.maxBuffered`,
 * tells when a slow client has caught up, and ends the connection once.
 */
export class Outbox {
  readonly socket: ServerSocket;
  readonly #host: OutboxHost;
  readonly #owner: OutboxOwner;
  #slow = false;
  #waiters: Set<Waiter> | undefined;
  #closing: CloseInfo | undefined;
  #cancelCut: (() => void) | undefined;
  #cut = false;

  constructor(socket: ServerSocket, host: OutboxHost, owner: OutboxOwner) {
    this.socket = socket;
    this.#host = host;
    this.#owner = owner;
  }

  get isOpen(): boolean {
    return !this.#cut && this.socket.readyState === OPEN;
  }

  get readyState(): number {
    return this.#cut ? CLOSED : this.socket.readyState;
  }

  get bufferedAmount(): number {
    return this.#cut ? 0 : this.socket.bufferedAmount;
  }

  /**
   * Sends one frame; returns the bytes now queued, or -1 where it was not accepted.
   *
   * @throws {PeerError} `ERR_PEER_BUFFER_FULL` under the overflow policy `"error"`.
   */
  send(frame: OutgoingFrame, compress: boolean): number {
    if (!this.isOpen) return -1;
    const { limits, counters } = this.#host;
    if (this.socket.bufferedAmount + frame.byteLength > limits.maxBuffered) {
      return this.#overflow(frame);
    }
    this.socket.send(frame, compress);
    counters.messagesOut++;
    counters.bytesOut += frame.byteLength;
    const queued = this.socket.bufferedAmount;
    if (queued > limits.highWaterMark && !this.#slow) {
      this.#slow = true;
      this.#host.slow.add(this);
    }
    return queued;
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

  /** Starts the closing handshake, unless one has begun. */
  close(code: number, reason: string): void {
    if (!this.isOpen) return;
    this.#closing = { code, reason, wasClean: false };
    this.socket.close(code, reason);
    this.#cancelCut = this.#host.timers.after(this.#host.limits.closeTimeout, () => {
      this.socket.terminate();
      this.#owner.cut(this.#closing!);
    });
  }

  /** Ends the connection without a closing handshake. */
  terminate(): void {
    if (this.#cut || this.socket.readyState === CLOSED) return;
    this.#closing = undefined;
    this.socket.terminate();
    this.#owner.cut({ code: ABNORMAL_CLOSURE, reason: "", wasClean: false });
  }

  /** After the end: lets go of everything and tells how it ended, in our words where we closed. */
  end(info: CloseInfo): CloseInfo {
    this.#cut = true;
    this.#cancelCut?.();
    this.#host.slow.delete(this);
    for (const waiter of this.#waiters ?? []) waiter.resolve();
    this.#waiters = undefined;
    return this.#closing ? { ...this.#closing, wasClean: info.wasClean } : info;
  }

  /** Looks whether a slow client has caught up, or somebody's threshold is reached. */
  checkDrain(): void {
    const queued = this.socket.bufferedAmount;
    for (const waiter of this.#waiters ?? []) {
      if (queued <= waiter.threshold) waiter.resolve();
    }
    const drained = this.#slow && queued <= this.#host.limits.drainThreshold;
    if (drained) this.#slow = false;
    if (!this.#slow && !this.#waiters?.size) this.#host.slow.delete(this);
    if (drained) this.#owner.drained();
  }

  /** Resolves once at most `threshold` bytes are queued, or the peer is gone. */
  waitForDrain(threshold: number, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.bufferedAmount <= threshold) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const waiters = this.#waiters ??= new Set();
      const done = () => {
        signal?.removeEventListener("abort", abort);
        waiters.delete(waiter);
        resolve();
      };
      const abort = () => {
        waiters.delete(waiter);
        reject(signal!.reason);
      };
      const waiter: Waiter = { threshold, resolve: done };
      waiters.add(waiter);
      signal?.addEventListener("abort", abort, { once: true });
      this.#host.slow.add(this);
    });
  }
}

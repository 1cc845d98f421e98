import type { Message } from "../socket/message.ts";
import type { Peer } from "../peer.ts";

/** Messages of one peer that wait for a hook: first in, first out, and bounded. */
export class Backlog {
  readonly #maxMessages: number;
  readonly #maxBytes: number;
  #entries: { readonly message: Message<Peer>; readonly byteLength: number }[] = [];
  #first = 0;
  #bytes = 0;

  constructor(maxMessages: number, maxBytes: number) {
    this.#maxMessages = maxMessages;
    this.#maxBytes = maxBytes;
  }

  get length(): number {
    return this.#entries.length - this.#first;
  }

  get byteLength(): number {
    return this.#bytes;
  }

  /** Whether one more message stays within the bounds. */
  fits(byteLength: number): boolean {
    return this.length < this.#maxMessages && this.#bytes + byteLength <= this.#maxBytes;
  }

  /** Whether it is time to read on. */
  get isHalfEmpty(): boolean {
    return this.length <= this.#maxMessages / 2 && this.#bytes <= this.#maxBytes / 2;
  }

  push(message: Message<Peer>, byteLength: number): void {
    this.#entries.push({ message, byteLength });
    this.#bytes += byteLength;
  }

  /** The oldest message. Only while {@linkcode length} is not 0. */
  shift(): Message<Peer> {
    const { message, byteLength } = this.#entries[this.#first++]!;
    this.#bytes -= byteLength;
    // Dropping the read part now and then keeps this O(1) on average and frees memory.
    if (this.#first >= 64 && this.#first * 2 >= this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
    return message;
  }
}

/** Lets through `perSecond` messages on average, and as many in one burst; at least one, if any. */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #filledAt: number = performance.now();

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#tokens = this.#burst = perSecond && Math.max(1, perSecond);
  }

  /** Whether one more message is within the rate. */
  take(): boolean {
    const now = performance.now();
    const earned = (now - this.#filledAt) / 1000 * this.#perSecond;
    this.#tokens = Math.min(this.#burst, this.#tokens + earned);
    this.#filledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}

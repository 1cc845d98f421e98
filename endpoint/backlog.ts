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

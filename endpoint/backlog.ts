import type { Message } from "../socket/message.ts";
import type { Peer } from "../peer.ts";

/** Most bytes that a runtime reads at a time: half a MiB on Bun 1.4, 64 KiB on Node. */
export const CHUNK = 524_288;

/** Bounded queue of the messages of one peer that wait for a hook. */
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

  /** Whether at most half of each bound is used, so that a paused connection can be read again. */
  get isHalfEmpty(): boolean {
    return this.length <= this.#maxMessages / 2 && this.#bytes <= this.#maxBytes / 2;
  }

  push(message: Message<Peer>, byteLength: number): void {
    this.#entries.push({ message, byteLength });
    this.#bytes += byteLength;
  }

  /** Removes and returns the oldest message. Call only if {@linkcode length} is not 0. */
  shift(): Message<Peer> {
    const { message, byteLength } = this.#entries[this.#first++]!;
    this.#bytes -= byteLength;
    // Entries are dropped in bulk, which costs O(1) for each message on average.
    if (this.#first >= 64 && this.#first * 2 >= this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
    return message;
  }
}

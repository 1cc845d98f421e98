/** Number of messages that count as written in each second, though the runtime reports nothing. */
const WRITTEN_PER_SECOND = 10;

/**
 * Counts the empty messages that a client may not have read yet, on a runtime that counts only the
 * bytes of queued messages. There, a client that reads nothing could queue empty messages without
 * end. Each takes 700 bytes of memory on Deno 2.9.
 *
 * Empty messages have been written for sure if a later message with bytes has been written. A client
 * may get no such message for hours, so a few messages in each second count as written anyway.
 */
export class EmptyMessages {
  #count = 0;
  /** Number of these messages that were sent before the latest message with bytes. */
  #followed = 0;
  #countedAt = Date.now();

  /** Notes a message. */
  sent(byteLength: number): void {
    if (byteLength > 0) this.#followed = this.#count;
    else this.#count++;
  }

  /** Notes that all messages with bytes have been written. */
  written(): void {
    this.#count -= this.#followed;
    this.#followed = 0;
  }

  /** Number of messages that may still be queued. */
  get count(): number {
    const written = Math.floor((Date.now() - this.#countedAt) * WRITTEN_PER_SECOND / 1000);
    if (written <= 0) return this.#count;
    this.#countedAt = Date.now();
    this.#count = Math.max(0, this.#count - written);
    this.#followed = Math.max(0, this.#followed - written);
    return this.#count;
  }
}

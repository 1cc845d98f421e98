import { MAX_NODE_MESSAGE } from "./node_link.ts";

/**
 * Bytes and messages that the broker has not confirmed, at which further messages are dropped. One
 * message may exceed the bytes: else the largest message would pass only if no other one waits.
 */
const MAX_BYTES = MAX_NODE_MESSAGE, MAX_MESSAGES = 10_000;

/** Counts the messages that wait for the broker, or for its confirmation. */
export class Unconfirmed {
  readonly #pending = new Set<Promise<void>>();
  #messages = 0;
  #bytes = 0;

  /** Whether a further message must be dropped. */
  get isFull(): boolean {
    return this.#messages >= MAX_MESSAGES || this.#bytes >= MAX_BYTES;
  }

  /** Whether half of the messages or bytes wait at which further messages are dropped. */
  get isHalfFull(): boolean {
    return this.#messages >= MAX_MESSAGES / 2 || this.#bytes >= MAX_BYTES / 2;
  }

  /** Counts messages and bytes. Names count too: a client may choose long ones. */
  add(messages: number, bytes: number): void {
    this.#messages += messages;
    this.#bytes += bytes;
  }

  /** Counts messages and bytes no more once `work` has settled, and then calls back. */
  track<Result>(
    work: Promise<Result>,
    messages: number,
    bytes: number,
    confirmed: (result: Result) => void,
    rejected: (error: unknown) => void,
  ): void {
    const settle = () => this.add(-messages, -bytes);
    const pending = work.then((result) => {
      settle();
      confirmed(result);
    }, (error) => {
      settle();
      rejected(error);
    }).finally(() => this.#pending.delete(pending));
    this.#pending.add(pending);
  }

  /** Resolves when the broker has confirmed or rejected all tracked messages. */
  async settled(): Promise<void> {
    await Promise.all(this.#pending);
  }
}

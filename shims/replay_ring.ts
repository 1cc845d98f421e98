import type { EventBody } from "./server_sent_event.ts";

/** What an entry costs beside its bytes, about. */
const ENTRY_COST = 64;

/**
 * The latest events of a session, by their numbers, as many as fit into so many bytes. What is only
 * on its way does not count: a client that is slow must not lose what it has not been sent.
 */
export class ReplayRing {
  readonly #most: number;
  #events: (EventBody | undefined)[] = [];
  /** Where the first one is: those before it are gone. */
  #head = 0;
  #size = 0;
  #latest = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** The number of the latest event, 0 before the first. */
  get latest(): number {
    return this.#latest;
  }

  /** Keeps one more event under the next number, and lets go of the oldest, but for `pending` bytes. */
  push(body: EventBody, pending: number): number {
    this.#events.push(body);
    this.#size += body.size + ENTRY_COST;
    while (this.#size > this.#most + pending && this.#head < this.#events.length) {
      this.#size -= this.#events[this.#head]!.size + ENTRY_COST;
      this.#events[this.#head++] = undefined;
    }
    if (this.#head > 32 && this.#head * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#head);
      this.#head = 0;
    }
    return ++this.#latest;
  }

  /** All events after a number, in order; `undefined` where one of them is gone, or the number is of none. */
  since(sequence: number): readonly EventBody[] | undefined {
    const first = this.#latest - (this.#events.length - this.#head) + 1;
    if (!(sequence >= first - 1 && sequence <= this.#latest)) return undefined;
    return this.#events.slice(this.#head + sequence + 1 - first) as EventBody[];
  }

  /** Lets go of everything. */
  clear(): void {
    this.#events = [];
    this.#head = this.#size = 0;
  }
}

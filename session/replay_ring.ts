/** What the ring must know of an event: how many bytes it counts while it waits. */
export interface Sized {
  readonly size: number;
}

/** What an event costs beside what it counts, about. */
const ENTRY_COST = 64;

/**
 * The events of a session by their numbers, from 1 on: those that wait to be sent, and of those
 * that were as many of the latest as fit into so many bytes.
 */
export class ReplayRing<Event extends Sized> {
  readonly #most: number;
  #events: (Event | undefined)[] = [];
  /** Where in `#events` the first is that is still there, and how many were dropped before those. */
  #head = 0;
  #dropped = 0;
  /** The number of the last event that was sent. */
  #sent = 0;
  #sentSize = 0;
  #unsentSize = 0;

  /** @param most bytes of what was sent that are kept. */
  constructor(most: number) {
    this.#most = most;
  }

  /** What the events count that wait. */
  get unsentSize(): number {
    return this.#unsentSize;
  }

  /** Whether one waits. */
  get hasNext(): boolean {
    return this.#sent < this.#latest;
  }

  /** The number of the next event that is sent. */
  get nextNumber(): number {
    return this.#sent + 1;
  }

  /** One more event. */
  push(body: Event): void {
    this.#events.push(body);
    this.#unsentSize += body.size;
  }

  /** The next event that waits; from here on it was sent. */
  next(): Event {
    const body = this.#events[this.#sent++ - this.#dropped]!;
    this.#unsentSize -= body.size;
    this.#sentSize += body.size + ENTRY_COST;
    this.#trim();
    return body;
  }

  /** Has all events after a number wait again; `false` where one of them is gone, or was never sent. */
  rewind(sequence: number): boolean {
    if (sequence < this.#dropped + this.#head || sequence > this.#sent) return false;
    while (this.#sent > sequence) {
      const { size } = this.#events[--this.#sent - this.#dropped]!;
      this.#unsentSize += size;
      this.#sentSize -= size + ENTRY_COST;
    }
    return true;
  }

  /** Lets go of everything. */
  clear(): void {
    this.#dropped = this.#sent = this.#latest;
    this.#events = [];
    this.#head = this.#sentSize = this.#unsentSize = 0;
  }

  get #latest(): number {
    return this.#dropped + this.#events.length;
  }

  #trim(): void {
    while (this.#sentSize > this.#most) {
      this.#sentSize -= this.#events[this.#head]!.size + ENTRY_COST;
      this.#events[this.#head++] = undefined;
    }
    if (this.#head < 64 || this.#head * 2 < this.#events.length) return;
    this.#events = this.#events.slice(this.#head);
    this.#dropped += this.#head;
    this.#head = 0;
  }
}

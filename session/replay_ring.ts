/** The part of an event that the ring uses. */
export interface Sized {
  /** Size of the event in bytes. */
  readonly size: number;
}

/** Approximate memory of an entry, in bytes, in addition to its `size`. */
const ENTRY_COST = 64;

/**
 * Numbered events of one session, from 1 on. The ring holds all queued events, and the latest sent
 * events up to a number of bytes. A client that resumes gets again the sent events that it missed.
 */
export class ReplayRing<Event extends Sized> {
  readonly #most: number;
  #events: (Event | undefined)[] = [];
  /** Index in `#events` of the first event that is kept. */
  #head = 0;
  /** Number of events that were cut off before `#events[0]`. */
  #dropped = 0;
  /** Number of the last event that was sent. */
  #sent = 0;
  #sentSize = 0;
  #unsentSize = 0;

  /** @param most bytes of sent events that are kept. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Size of all queued events, in bytes. */
  get unsentSize(): number {
    return this.#unsentSize;
  }

  /** Whether an event is queued. */
  get hasNext(): boolean {
    return this.#sent < this.#latest;
  }

  /** Number of the event that is sent next. */
  get nextNumber(): number {
    return this.#sent + 1;
  }

  /** Queues an event. */
  push(body: Event): void {
    this.#events.push(body);
    this.#unsentSize += body.size;
  }

  /** Returns the next queued event, and marks the event as sent. Call only if {@linkcode hasNext}. */
  next(): Event {
    const body = this.#events[this.#sent++ - this.#dropped]!;
    this.#unsentSize -= body.size;
    this.#sentSize += body.size + ENTRY_COST;
    this.#trim();
    return body;
  }

  /**
   * Queues all sent events after `sequence` again. Returns `false`, and changes nothing, if one of
   * these events is no longer kept or no event with this number was sent.
   */
  rewind(sequence: number): boolean {
    if (sequence < this.#dropped + this.#head || sequence > this.#sent) return false;
    while (this.#sent > sequence) {
      const { size } = this.#events[--this.#sent - this.#dropped]!;
      this.#unsentSize += size;
      this.#sentSize -= size + ENTRY_COST;
    }
    return true;
  }

  /** Drops all events. */
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

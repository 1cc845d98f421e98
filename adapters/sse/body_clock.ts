import type { RequestBody } from "./request_body.ts";
import type { Timers } from "../../common/timers.ts";

/** Looks in the time that a body may take. */
const LOOKS = 4;

/**
 * Gives up bodies that take too long, a fourth of that time late at most. One timer for all: one for
 * each costs a third as much as all else that a message by POST takes on Deno 2.9.
 */
export class BodyClock {
  readonly #timers: Timers;
  readonly #interval: number;
  /** How often each was seen. */
  readonly #seen = new Map<RequestBody, number>();
  #stop: (() => void) | undefined;
  #isNobodyHere = false;

  /** @param timeout milliseconds that a body may take. */
  constructor(timers: Timers, timeout: number) {
    this.#timers = timers;
    this.#interval = timeout / LOOKS;
  }

  /** Somebody begins to read. */
  began(body: RequestBody): void {
    this.#isNobodyHere = false;
    this.#seen.set(body, 0);
    // Goes on for a while where nothing is read: what is sent now and then starts no timer each time.
    this.#stop ??= this.#timers.every(this.#interval, () => this.#look());
  }

  /** Nobody reads any more. */
  ended(body: RequestBody): void {
    this.#seen.delete(body);
    if (this.#isNobodyHere) this.rest();
  }

  /** Nobody is here who could send. */
  rest(): void {
    this.#isNobodyHere = true;
    if (this.#seen.size > 0) return;
    this.#stop?.();
    this.#stop = undefined;
  }

  #look(): void {
    if (this.#seen.size === 0) return this.rest();
    for (const [body, times] of this.#seen) {
      if (times < LOOKS) this.#seen.set(body, times + 1);
      else body.stop("too late");
    }
  }
}

import type { RequestBody } from "./request_body.ts";
import type { Timers } from "../../common/timers.ts";

/** Number of checks within the time that a body may take. */
const CHECKS = 4;

/**
 * Stops request bodies that take too long. A stop is late by at most a fourth of the time limit. All
 * bodies share one timer: on Deno 2.9 a timer for each body would make a message by POST a third more
 * expensive.
 */
export class BodyClock {
  readonly #timers: Timers;
  readonly #interval: number;
  /** Number of checks so far, by body. */
  readonly #checks = new Map<RequestBody, number>();
  #stop: (() => void) | undefined;
  #isResting = false;

  /** @param timeout milliseconds that a body may take. */
  constructor(timers: Timers, timeout: number) {
    this.#timers = timers;
    this.#interval = timeout / CHECKS;
  }

  /** Starts checking a body. Call when a read begins. */
  began(body: RequestBody): void {
    this.#isResting = false;
    this.#checks.set(body, 0);
    // The timer stays for a while after the last body, so that rare messages do not start it each time.
    this.#stop ??= this.#timers.every(this.#interval, () => this.#check());
  }

  /** Stops checking a body. Call when the read has ended. */
  ended(body: RequestBody): void {
    this.#checks.delete(body);
    if (this.#isResting) this.rest();
  }

  /** Stops the timer as soon as no body is being read. Call when the last session has ended. */
  rest(): void {
    this.#isResting = true;
    if (this.#checks.size > 0) return;
    this.#stop?.();
    this.#stop = undefined;
  }

  #check(): void {
    if (this.#checks.size === 0) return this.rest();
    for (const [body, times] of this.#checks) {
      if (times < CHECKS) this.#checks.set(body, times + 1);
      else body.stop("too late");
    }
  }
}

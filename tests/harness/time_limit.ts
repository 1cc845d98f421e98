import { Deferred } from "../../common/deferred.ts";
import { Machine, type MachineClock } from "./machine.ts";

/** Longest time in milliseconds between two readings of the clock. */
const STEP_MS = 50;
/** Most milliseconds that one reading counts: more means that this process was too busy to read. */
const MOST_PER_STEP_MS = 2 * STEP_MS;
/** Share of busy time that counts, so that a limit ends on a machine that is always busy. */
const FLOOR = 1 / 30;

/**
 * Time limit that distinguishes a stuck test from a slow one. While a processor works, only a
 * thirtieth of the time counts, as the test may be working or waiting for a processor. A stuck test
 * leaves the processors idle, so its limit passes as usual.
 */
export class TimeLimit {
  readonly ms: number;
  readonly #clock: MachineClock;
  #counted = 0;
  #seenAt: number;
  #busyAt: number;

  constructor(ms: number, clock: MachineClock = Machine.clock()) {
    this.ms = ms;
    this.#clock = clock;
    this.#seenAt = clock.now();
    this.#busyAt = clock.busy();
  }

  /** Milliseconds counted so far. */
  get elapsed(): number {
    const now = this.#clock.now(), busyNow = this.#clock.busy();
    const passed = now - this.#seenAt;
    const busy = Math.min(passed, Math.max(0, busyNow - this.#busyAt));
    this.#seenAt = now;
    this.#busyAt = busyNow;
    this.#counted += Math.max(passed * FLOOR, Math.min(passed - busy, MOST_PER_STEP_MS));
    return this.#counted;
  }

  /** Milliseconds left, at least 0. */
  get left(): number {
    return Math.max(0, this.ms - this.elapsed);
  }

  get isOver(): boolean {
    return this.elapsed >= this.ms;
  }

  /** Waits for a promise or for the next reading of the clock, whichever comes first. */
  async pause(woken?: Promise<unknown>): Promise<void> {
    const step = Math.max(1, Math.min(STEP_MS, this.ms - this.#counted));
    const over = new Deferred(), timer = setTimeout(over.resolve, step);
    await Promise.race([woken ?? over.promise, over.promise]);
    clearTimeout(timer);
  }

  /**
   * Returns the result of a promise, or rejects with an error of this text if the limit passes
   * first.
   */
  async race<T>(promise: Promise<T>, text: string): Promise<T> {
    let isSettled = false;
    const settled = promise.finally(() => isSettled = true);
    settled.catch(() => {});
    while (!isSettled) {
      await this.pause(settled);
      if (!isSettled && this.isOver) throw new Error(text);
    }
    return await promise;
  }
}

/**
 * Starts a stopwatch for upper bounds, which counts time like a {@linkcode TimeLimit}.
 *
 * @returns a function that stops the watch, and returns the counted milliseconds.
 */
export function stopwatch(clock: MachineClock = Machine.clock()): () => number {
  const watch = new TimeLimit(Infinity, clock);
  const timer = setInterval(() => watch.elapsed, STEP_MS);
  return () => {
    clearInterval(timer);
    return watch.elapsed;
  };
}

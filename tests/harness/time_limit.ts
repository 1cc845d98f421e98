/** Clock that a {@linkcode TimeLimit} reads. */
export interface MachineClock {
  /** Milliseconds since some moment. */
  now(): number;
  /** Milliseconds since some moment in which a process was ready to run and got no processor. */
  starved(): number;
}

/** Longest time between two looks at the clock. */
const STEP_MS = 50;
/** Most that one look counts: more means that this process itself was too busy to look. */
const MOST_PER_STEP_MS = 2 * STEP_MS;
/** Share of starved time that counts, so that even a machine that is always busy ends a limit. */
const FLOOR = 0.1;

/**
 * Time limit that distinguishes a stuck test from a slow one. Time in which the machine had no
 * processor for a process that was ready to run counts for a tenth. A stuck test leaves the
 * processors alone, so that its limit passes as usual.
 */
export class TimeLimit {
  readonly ms: number;
  readonly #clock: MachineClock;
  #counted = 0;
  #seenAt: number;
  #starvedAt: number;

  constructor(ms: number, clock: MachineClock = Machine.clock()) {
    this.ms = ms;
    this.#clock = clock;
    this.#seenAt = clock.now();
    this.#starvedAt = clock.starved();
  }

  /** Milliseconds that have counted so far. */
  get elapsed(): number {
    const now = this.#clock.now(), starvedNow = this.#clock.starved();
    const passed = now - this.#seenAt;
    const starved = Math.min(passed, Math.max(0, starvedNow - this.#starvedAt));
    this.#seenAt = now;
    this.#starvedAt = starvedNow;
    this.#counted += Math.max(passed * FLOOR, Math.min(passed - starved, MOST_PER_STEP_MS));
    return this.#counted;
  }

  /** Milliseconds that are left, 0 at least. */
  get left(): number {
    return Math.max(0, this.ms - this.elapsed);
  }

  get isOver(): boolean {
    return this.elapsed >= this.ms;
  }

  /** Waits for a promise or for the next look at the clock, whichever comes first. */
  async pause(woken?: Promise<unknown>): Promise<void> {
    const step = Math.max(1, Math.min(STEP_MS, this.ms - this.#counted));
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, step);
    await Promise.race([woken ?? promise, promise]);
    clearTimeout(timer);
  }

  /** Result of a promise; rejects with an error of this text if the limit passes first. */
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
 * Stopwatch for upper bounds: counts time as a {@linkcode TimeLimit} does, from its start on.
 *
 * @returns a function that stops the watch, and returns the milliseconds that counted.
 */
export function stopwatch(clock: MachineClock = Machine.clock()): () => number {
  const watch = new TimeLimit(Infinity, clock);
  const timer = setInterval(() => watch.elapsed, STEP_MS);
  return () => {
    clearInterval(timer);
    return watch.elapsed;
  };
}

/** Fewest milliseconds between two readings of the kernel's figures. */
const FRESH_MS = 5;
const PRESSURE = "/proc/pressure/cpu";

/** Clock of this machine: Linux's pressure stall figures, or the idle time of its processors. */
class Machine implements MachineClock {
  static #clock: Machine | undefined;

  /** Returns the clock, made at the first use: programs of workerd load this module too. */
  static clock(): Machine {
    return this.#clock ??= new Machine();
  }

  readonly #read: (passed: number) => number;
  #readAt = performance.now();
  #starved = 0;

  constructor() {
    this.#read = pressureReader() ?? idleReader();
  }

  now(): number {
    return performance.now();
  }

  starved(): number {
    const now = performance.now(), passed = now - this.#readAt;
    if (passed >= FRESH_MS) {
      this.#readAt = now;
      this.#starved += this.#read(passed);
    }
    return this.#starved;
  }
}

/** Reads how long tasks have waited for a processor; `undefined` if the kernel does not say. */
function pressureReader(): (() => number) | undefined {
  const total = () => Number(/^some .*total=(\d+)/m.exec(Deno.readTextFileSync(PRESSURE))![1]);
  try {
    let last = total();
    return () => {
      const now = total(), starved = (now - last) / 1000;
      last = now;
      return starved;
    };
  } catch {
    return undefined;
  }
}

/** Takes time in which no processor was idle for time in which a process had to wait. */
function idleReader(): (passed: number) => number {
  // No import: programs for workerd load this module, and workerd of 2025 lacks node:os.
  const { process } = globalThis as unknown as {
    process: { getBuiltinModule(name: "node:os"): typeof import("node:os") };
  };
  const { cpus } = process.getBuiltinModule("node:os");
  const idle = () => cpus().reduce((sum, { times }) => sum + times.idle, 0);
  let last = idle(), owed = 0;
  return (passed) => {
    const now = idle();
    // The kernel counts idle time in steps of 10 ms.
    owed += passed - (now - last);
    last = now;
    const starved = Math.max(0, Math.min(owed, passed));
    owed = Math.max(-FRESH_MS * 4, owed - starved);
    return starved;
  };
}

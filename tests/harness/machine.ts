/** Clock that a `TimeLimit` reads. */
export interface MachineClock {
  /** Milliseconds since a fixed moment. */
  now(): number;
  /** Milliseconds in which at least one processor worked, since the same moment. */
  busy(): number;
}

/** Clock for limits that count all time, however busy the machine is. */
export const WALL_CLOCK: MachineClock = { now: () => performance.now(), busy: () => 0 };

/** Fewest milliseconds between two readings of the processors' idle times. */
const FRESH_MS = 20;

/** Clock of this machine, with the idle time of its processors. */
export class Machine implements MachineClock {
  static #clock: Machine | undefined;

  /** Returns the clock, created at the first use, as programs of workerd load this module too. */
  static clock(): Machine {
    return this.#clock ??= new Machine();
  }

  #readAt = performance.now();
  #idle = sum(idleTimes());
  #busy = 0;

  now(): number {
    return performance.now();
  }

  busy(): number {
    const now = performance.now(), passed = now - this.#readAt;
    if (passed >= FRESH_MS) {
      const times = idleTimes(), idle = sum(times);
      const worked = passed * times.length - (idle - this.#idle);
      this.#busy += Math.max(0, Math.min(passed, worked));
      this.#readAt = now;
      this.#idle = idle;
    }
    return this.#busy;
  }
}

/** Waits, and returns the share of the processors' time that was idle meanwhile: 0 to 1. */
export async function idleShare(ms: number): Promise<number> {
  const started = performance.now(), before = sum(idleTimes());
  await new Promise((resolve) => setTimeout(resolve, ms));
  const times = idleTimes();
  return (sum(times) - before) / times.length / (performance.now() - started);
}

/**
 * Idle times of the processors in milliseconds; Linux counts in steps of 10 ms. Reads
 * `/proc/stat`: in Deno 2.9, loading `node:process` changes the order of tasks, and breaks tests of
 * the client.
 */
function idleTimes(): number[] {
  try {
    const lines = Deno.readTextFileSync("/proc/stat").matchAll(/^cpu\d+ \d+ \d+ \d+ (\d+)/gm);
    return Array.from(lines, ([, idle]) => 10 * Number(idle));
  } catch {
    // No static import: programs for workerd load this module, and workerd of 2025 lacks node:os.
    const { process } = globalThis as unknown as {
      process: { getBuiltinModule(name: "node:os"): typeof import("node:os") };
    };
    return process.getBuiltinModule("node:os").cpus().map(({ times }) => times.idle);
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

import type { Runtime } from "../runtimes/native.ts";
import { fuzz, type FuzzResult } from "./fuzz_run.ts";

/** Returns the command that replays histories, and shows a single one in full. */
export function replayCommand(runtime: Runtime, seed: number, history?: string | number): string {
  const which = history === undefined ? "" : ` --history=${history}`;
  return `deno task fuzz ${runtime.name} --seed=${seed}${which}`;
}

/** Numbers of preceding histories to replay; the first is the number that run at the same time. */
const WINDOWS = [24, 200];

/**
 * Replays the history of the first violation alone, then with the previous histories, until it
 * fails again.
 *
 * @returns the shortest command that reproduces the violation, and its conditions.
 */
export async function shrink(
  runtime: Runtime,
  command: readonly string[],
  { seed, violations }: FuzzResult,
): Promise<string> {
  const history = violations.find((it) => it.history !== undefined)?.history;
  if (history === undefined) {
    return `The violation belongs to no history:\n  ${replayCommand(runtime, seed)}`;
  }
  const failsFrom = async (from: number) => {
    const histories = history - from + 1;
    const again = await fuzz(runtime, command, { seed, from, histories });
    return again.violations.length > 0;
  };
  if (await failsFrom(history)) {
    return `The history fails alone:\n  ${replayCommand(runtime, seed, history)}`;
  }
  for (const window of WINDOWS) {
    const from = Math.max(0, history - window);
    if (await failsFrom(from)) {
      return `The history fails after the previous ones:\n  ${
        replayCommand(runtime, seed, `${from}-${history}`)
      }`;
    }
  }
  return `The history did not fail again, alone or after the ${WINDOWS.at(-1)} previous ones:\n  ${
    replayCommand(runtime, seed, history)
  }`;
}

/** Returns a few lines about the violations. */
export function violationLines({ violations }: FuzzResult, most = 10): string[] {
  const lines = violations.slice(0, most).map(({ history, what }) =>
    history === undefined ? what : `history ${history}: ${what}`
  );
  const more = violations.length - lines.length;
  return more > 0 ? [...lines, `and ${more} more`] : lines;
}

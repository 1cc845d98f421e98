import type { Runtime } from "../runtimes/native.ts";
import { fuzz, type FuzzResult } from "./fuzz_run.ts";

/** The command that plays histories again, and shows one of them in full. */
export function replayCommand(runtime: Runtime, seed: number, history?: string | number): string {
  const which = history === undefined ? "" : ` --history=${history}`;
  return `deno task fuzz ${runtime.name} --seed=${seed}${which}`;
}

/** How far back the cause may lie, in histories: as many as are played at a time. */
const WINDOWS = [24, 200];

/**
 * Plays the history of the first violation by itself, then with the ones before it, until it fails
 * again.
 *
 * @returns the shortest command that shows it, and what was tried.
 */
export async function shrink(
  runtime: Runtime,
  command: readonly string[],
  { seed, violations }: FuzzResult,
): Promise<string> {
  const history = violations.find((it) => it.history !== undefined)?.history;
  if (history === undefined) {
    return `It belongs to no history:\n  ${replayCommand(runtime, seed)}`;
  }
  const failsFrom = async (from: number) => {
    const histories = history - from + 1;
    const again = await fuzz(runtime, command, { seed, from, histories });
    return again.violations.length > 0;
  };
  if (await failsFrom(history)) {
    return `It fails alone:\n  ${replayCommand(runtime, seed, history)}`;
  }
  for (const window of WINDOWS) {
    const from = Math.max(0, history - window);
    if (await failsFrom(from)) {
      return `It fails with those before it:\n  ${
        replayCommand(runtime, seed, `${from}-${history}`)
      }`;
    }
  }
  return `It did not fail again, alone or with the ${WINDOWS.at(-1)} before it:\n  ${
    replayCommand(runtime, seed, history)
  }`;
}

/** What was found, in a few lines. */
export function violationLines({ violations }: FuzzResult, most = 10): string[] {
  const lines = violations.slice(0, most).map(({ history, what }) =>
    history === undefined ? what : `history ${history}: ${what}`
  );
  const more = violations.length - lines.length;
  return more > 0 ? [...lines, `and ${more} more`] : lines;
}

/**
 * Runs random histories against the server of each runtime, and checks both ends:
 * `deno task fuzz --help`.
 *
 * @module
 */
import {
  fuzz,
  type FuzzCounts,
  type FuzzOptions,
  type FuzzResult,
} from "../tests/fuzz/fuzz_run.ts";
import type { FuzzRecord } from "./reliability/fuzz_section.ts";
import { shrink, violationLines } from "../tests/fuzz/shrink.ts";
import { transcriptLines } from "../tests/fuzz/transcript.ts";
import { type Runtime, runtimes } from "../tests/runtimes/native.ts";
import { chosen, fail, readArguments } from "./arguments.ts";
import { record } from "./reliability/record.ts";

const HELP = `deno task fuzz [runtime…] [seconds] [options]

Runs random histories against the server of each runtime: handshakes, frames and hooks, mostly valid
and sometimes broken. Checks the frames that the client got, the calls of hooks, and leaks.

  runtime          ${runtimes.map(({ name }) => name).join(", ")}; default: all
  seconds          time for each runtime; default: 10
  --seed=N         repeats the histories of a seed; default: a random seed
  --frames=N       runs N frames instead of a number of seconds
  --history=N      runs only history N, with a transcript; N-M runs several
  --record         stores the results in docs/reliability/fuzz.json
`;

const args = readArguments({
  help: HELP,
  flags: ["--record"],
  options: ["--seed", "--frames", "--history"],
});
const isSeconds = (name: string) => /^\d+$/.test(name);
const seed = number("--seed") ?? crypto.getRandomValues(new Uint32Array(1))[0]!;
const options: FuzzOptions = { seed, ...bounds() };

let failed = 0;
console.log(`seed ${options.seed}`);
for (const runtime of chosen(runtimes, args.names.filter((name) => !isSeconds(name)))) {
  const command = await runtime.command();
  if ("missing" in command) {
    console.log(`${runtime.title.padEnd(22)} NOT RUN: needs ${command.missing}`);
    continue;
  }
  const result = await fuzz(runtime, command, {
    ...options,
    onProgress: (it) => show(runtime, it),
  });
  console.log(`${line(runtime, result)}  ${result.violations.length || "no"} violations`);
  if (args.has("--record")) {
    await record<FuzzRecord>("fuzz", runtime.name, recordOf(runtime, result));
  }
  if (result.violations.length === 0) continue;
  failed++;
  for (const text of violationLines(result)) console.log(`  ${text}`);
  const isReplay = options.histories !== undefined;
  if (!isReplay) console.log(`  ${(await shrink(runtime, command, result)).replace("\n", "\n  ")}`);
}
Deno.exit(failed > 0 ? 1 : 0);

/** Length of the run: seconds, frames, or histories. */
function bounds(): Omit<FuzzOptions, "seed"> {
  const history = args.value("--history"), frames = number("--frames");
  if (history !== undefined && !/^\d+(-\d+)?$/.test(history)) {
    fail(`--history must be N or N-M: found ${history}`);
  }
  if (history !== undefined) return replay(history);
  return frames === undefined ? { seconds: Number(args.names.find(isSeconds) ?? 10) } : { frames };
}

function number(option: string): number | undefined {
  const value = args.value(option);
  if (value === undefined) return undefined;
  if (!/^\d+$/.test(value)) fail(`${option} must be a number: found ${value}`);
  return Number(value);
}

/** Selects one history with its transcript, or several without. */
function replay(which: string): Omit<FuzzOptions, "seed"> {
  const [from = 0, to = from] = which.split("-").map(Number);
  const histories = to - from + 1;
  if (histories > 1) return { from, histories };
  return {
    from,
    histories,
    onHistory: (evidence, violations) =>
      console.log(transcriptLines(evidence, violations).join("\n")),
  };
}

function line({ title }: Runtime, { frames, histories, seconds }: FuzzCounts): string {
  const count = (number: number) => number.toLocaleString("en").padStart(9);
  return `${title.padEnd(22)}${count(frames)} frames ${count(histories)} histories ${
    seconds.toFixed(1).padStart(6)
  } s  seed ${options.seed}`;
}

function show(runtime: Runtime, counts: FuzzCounts): void {
  if (!Deno.stdout.isTerminal() || options.histories !== undefined) return;
  Deno.stdout.writeSync(new TextEncoder().encode(`${line(runtime, counts)}\r`));
}

function recordOf({ title }: Runtime, { violations, ...rest }: FuzzResult): FuzzRecord {
  return { title, ...rest, violations: violations.length };
}

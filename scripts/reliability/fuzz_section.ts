import type { FuzzResult } from "../../tests/fuzz/fuzz_run.ts";
import { runtimes } from "../../tests/runtimes/native.ts";
import { readRecords } from "./record.ts";

/** The record of a long run of `deno task fuzz`. */
export interface FuzzRecord extends Omit<FuzzResult, "violations"> {
  /** Title of the runtime. */
  readonly title: string;
  /** Number of violations. */
  readonly violations: number;
}

const COLUMNS: readonly (readonly [title: string, cell: (it: FuzzRecord) => string])[] = [
  ["Runtime", ({ title }) => title],
  ["Frames", ({ frames }) => number(frames)],
  ["Histories", ({ histories }) => number(histories)],
  ["Handshakes accepted", ({ handshakes }) => number(handshakes)],
  ["Hook calls", ({ hookCalls }) => number(hookCalls)],
  ["Seconds", ({ seconds }) => number(Math.round(seconds))],
  ["Memory, MiB", ({ before, after }) => `${before.rss} → ${after.rss}`],
  ["Descriptors", ({ before, after }) => `${before.fds} → ${after.fds}`],
  ["Crashes", ({ crashes }) => number(crashes)],
  ["Violations", ({ violations }) => number(violations)],
  ["Seed", ({ seed }) => `${seed}`],
];

/** Renders the results of the last long runs of the fuzzer. */
export async function fuzzSection(): Promise<string> {
  const found = await readRecords<FuzzRecord>("fuzz");
  const records = runtimes.flatMap(({ name }) => found[name] ?? []);
  const rows = records.map((it) => row(COLUMNS.map(([, cell]) => cell(it))));
  return [
    "A history is one random connection, generated from a seed. It has a handshake, frames that are split",
    "at random places, and hooks that return, throw, reject, hang, send, publish or close at random points.",
    "Most histories are valid. Some have flipped bits, wrong lengths, invalid UTF-8, incomplete frames or",
    "TCP resets.",
    "",
    "The fuzzer parses both streams by RFC 6455, and checks the order of the hooks. The fuzzer also checks",
    "that other clients are not affected, and that no resource is leaked. `tests/fuzz/allowances.ts`",
    "declares the deviations of runtimes.",
    "",
    row(COLUMNS.map(([title]) => title)),
    row(COLUMNS.map((_, i) => i === 0 ? "---" : "--:")),
    ...rows,
    "",
    "`deno task fuzz <runtime> --frames=1000000 --seed=<seed>` repeats the histories of a row. CI runs new",
    "histories for 10 s on each runtime. Memory is measured after a warm-up and at the end. Descriptors",
    "are counted before the first client and after the last.",
  ].join("\n");
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function number(value: number): string {
  return value.toLocaleString("en");
}

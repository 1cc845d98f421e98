import type { FuzzResult } from "../../tests/fuzz/fuzz_run.ts";
import { runtimes } from "../../tests/runtimes/native.ts";
import { readRecords } from "./record.ts";

/** What is kept of a long run of `deno task fuzz`. */
export interface FuzzRecord extends Omit<FuzzResult, "violations"> {
  /** Title of the runtime. */
  readonly title: string;
  /** How many were found. */
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

/** The section of the page on reliability: what the last long runs of the fuzzer came to. */
export async function fuzzSection(): Promise<string> {
  const found = await readRecords<FuzzRecord>("fuzz");
  const records = runtimes.flatMap(({ name }) => found[name] ?? []);
  const rows = records.map((it) => row(COLUMNS.map(([, cell]) => cell(it))));
  return [
    "A history is one connection, made of a seed: a handshake, frames cut at random places, and hooks",
    "that return, throw, reject, hang, send, publish or close at random points. Most of it is valid,",
    "some is broken: bits flipped, lengths lied about, text that is no UTF-8, half frames, resets.",
    "Checked are what a reader of RFC 6455 makes of both streams, the order of the hooks, that nobody",
    "else notices, and that nothing is left. What a runtime does otherwise is declared in",
    "`tests/fuzz/allowances.ts`.",
    "",
    row(COLUMNS.map(([title]) => title)),
    row(COLUMNS.map((_, i) => i === 0 ? "---" : "--:")),
    ...rows,
    "",
    "`deno task fuzz <runtime> --frames=1000000 --seed=<seed>` plays them again; CI plays new ones for",
    "10 s on each runtime. Memory is that of the warm server and at the end; descriptors are counted",
    "before the first client and after the last.",
  ].join("\n");
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function number(value: number): string {
  return value.toLocaleString("en");
}

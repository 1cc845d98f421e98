/**
 * Runs the tests in parts, several at once: `deno task test --help`.
 *
 * @module
 */
import { type Counts, mergeReports, type PartResult } from "../tests/harness/gate/junit_report.ts";
import { chosenParts, type Part, partsOf, quickParts } from "../tests/harness/gate/parts.ts";
import { PARTS, runFailedAgain, runParts } from "../tests/harness/gate/run_part.ts";
import { prepare } from "../tests/harness/gate/prepare.ts";
import { deleteReports } from "../tests/harness/report.ts";
import { fail, readArguments } from "./arguments.ts";

const ROOT = new URL("../", import.meta.url);
const REPORT = new URL(".cache/junit.xml", ROOT);
/** One part for each processor. Most parts mostly wait, so further parts fill the idle time. */
const AT_ONCE = Math.max(2, navigator.hardwareConcurrency);
/** Largest number of further parts. They all may need a processor later, at the same time. */
const EXTRA = AT_ONCE;

const { names, has, value } = readArguments({
  help: `deno task test [part…] [--quick] [--at-once=N]

Runs the tests in parts, several at once, and prints a line for each part and every failure in full.
Parts that fail run once more, alone. If they pass then, the last line names them as unstable.

  part         a test file, a runtime, or both in quotes: layers, node24, "faults bun"; default: all
  --quick      unit tests, and the contract on Deno and one Node
  --at-once=N  number of parts that run at the same time; default: ${AT_ONCE}, and up to
               ${EXTRA} more, one by one, while the processors are idle`,
  flags: ["--quick"],
  options: ["--at-once"],
});

const all = partsOf(await Array.fromAsync(Deno.readDir(new URL("tests/", ROOT)), (it) => it.name));
const parts = has("--quick") ? quickParts(all) : chosenParts(all, names);
if (parts.length === 0) fail(`There is no part ${names.join(" ")}`);

const started = performance.now();
await Deno.remove(REPORT).catch(() => {});
await Deno.remove(PARTS, { recursive: true }).catch(() => {});
await Deno.mkdir(PARTS, { recursive: true });
if (parts.length === all.length) await deleteReports();
await prepare(parts);
const atOnce = value("--at-once");
const parallelism = atOnce === undefined
  ? { atOnce: AT_ONCE, extra: EXTRA }
  : { atOnce: Number(atOnce) };
const byPart = await runParts(parts, parallelism, print);
const unstable = await runFailedAgain(byPart, print);
const results = [...byPart.values()];
await Deno.writeTextFile(REPORT, mergeReports(results));

const total: Counts = {
  passed: sum(({ passed }) => passed),
  failed: sum(({ failed }) => failed),
  skipped: sum(({ skipped }) => skipped),
};
console.log(`\n${textOf(total)}   ${seconds(performance.now() - started)}`);
if (unstable.length > 0) {
  console.log(`Unstable, passed only alone: ${unstable.map(({ name }) => name).join(", ")}`);
}
Deno.exit(total.failed > 0 ? 1 : 0);

/** Prints the line of a part that has ended, and its failures. */
function print({ name }: Part, result: PartResult, ms: number): void {
  const mark = result.failed > 0 ? "✗" : "✓";
  console.log(`${mark} ${name.padEnd(28)} ${textOf(result).padEnd(34)} ${seconds(ms)}`);
  for (const { name, text } of result.failures) {
    console.log(`\n    ${name}\n${text.trim().replaceAll(/^/gm, "      ")}\n`);
  }
}

function textOf({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ""}`;
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`.padStart(6);
}

function sum(of: (result: PartResult) => number): number {
  return results.reduce((all, result) => all + of(result), 0);
}

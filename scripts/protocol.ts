/**
 * Runs the protocol battery: `deno task protocol --help`.
 *
 * @module
 */
import { type RowOutcome, runBattery } from "../tests/protocol/battery.ts";
import { sections } from "../tests/protocol/mod.ts";
import type { Section } from "../tests/protocol/row.ts";
import { runtimes } from "../tests/runtimes/native.ts";
import { beginning, chosen, readArguments } from "./arguments.ts";

const MARKS = { ok: "✓", "non-strict": "~", gap: "○", failed: "✗" } as const;
const STATUSES = Object.keys(MARKS) as (keyof typeof MARKS)[];
const WIDTH = Math.max(...sections.map(({ title }) => title.length));

const { names, value } = readArguments({
  help: `deno task protocol [runtime…] [--case=ID]

Tests RFC 6455 and RFC 7692 over raw TCP, on each runtime. Prints a line for each section, and with
--case a line for each row.

  runtime      ${
    runtimes.map(({ name }) => name).join(", ")
  }; default: all; \`node\` selects every Node
  --case=ID    runs one row, or all rows whose id begins with ID: utf8, masking.unmasked
  sections     ${sections.map(({ name }) => name).join(", ")}`,
  options: ["--case"],
});
const only = value("--case")?.replace(/\*$/, "");
beginning(sections.flatMap(({ rows }) => rows), only);

const all: RowOutcome[] = [];
for (const runtime of chosen(runtimes, names)) {
  const started = performance.now();
  const outcomes = await runBattery(runtime, sections, only);
  if ("missing" in outcomes) {
    console.log(`\n${runtime.title}\n  NOT RUN: needs ${outcomes.missing}`);
    continue;
  }
  console.log(`\n${runtime.title}  ${((performance.now() - started) / 1000).toFixed(1)} s`);
  for (const section of sections) {
    printSection(section, outcomes.filter((it) => it.section === section.name));
  }
  const failed = outcomes.find(({ status }) => status === "failed");
  if (failed && !only) {
    console.log(`  To run one: deno task protocol ${runtime.name} --case=${failed.id}`);
  }
  all.push(...outcomes);
}
const rows = `\n${count(all) || "No row was run"}`;
console.log(all.some(({ status }) => status === "gap") ? `${rows} (declared failures)` : rows);
Deno.exit(all.some(({ status }) => status === "failed") ? 1 : 0);

function count(outcomes: readonly RowOutcome[]): string {
  return STATUSES.flatMap((status) => {
    const found = outcomes.filter((it) => it.status === status).length;
    return found > 0 ? [`${found} ${status}`] : [];
  }).join(", ");
}

function printSection({ title }: Section, outcomes: readonly RowOutcome[]): void {
  if (outcomes.length === 0) return;
  const worst = STATUSES.findLast((status) => outcomes.some((it) => it.status === status))!;
  console.log(`  ${MARKS[worst]} ${title.padEnd(WIDTH)}  ${count(outcomes)}`);
  for (const { id, fact, status, detail, reason } of outcomes) {
    if (!only && status !== "failed") continue;
    console.log(`      ${MARKS[status]} ${id}: ${fact}`);
    for (const line of [detail, reason]) if (line) console.log(`        ${line}`);
  }
}

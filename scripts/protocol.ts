/**
 * Runs the protocol battery: `deno task protocol [runtime…] [--case=ID]`; `node` means every Node.
 * Prints a line for each section; with `--case`, a line for each of its rows.
 *
 * @module
 */
import { type RowOutcome, runBattery } from "../tests/protocol/battery.ts";
import { sections } from "../tests/protocol/mod.ts";
import type { Section } from "../tests/protocol/row.ts";
import { type Runtime, runtimes } from "../tests/runtimes.ts";

const MARKS = { ok: "✓", "non-strict": "~", gap: "○", failed: "✗" } as const;
const STATUSES = Object.keys(MARKS) as (keyof typeof MARKS)[];
const WIDTH = Math.max(...sections.map(({ title }) => title.length));

const only = Deno.args.find((arg) => arg.startsWith("--case="))?.slice("--case=".length);
const chosen = choose(Deno.args.filter((arg) => !arg.startsWith("--")));
if (only && !sections.some(({ rows }) => rows.some(({ id }) => id.startsWith(only)))) {
  const names = sections.map(({ name }) => name).join(", ");
  console.error(`No row begins with ${only}: sections are ${names}`);
  Deno.exit(2);
}

const all: RowOutcome[] = [];
for (const runtime of chosen) {
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
    console.log(`  See one: deno task protocol ${runtime.name} --case=${failed.id}`);
  }
  all.push(...outcomes);
}
const rows = `\n${count(all) || "nothing was run"}`;
console.log(all.some(({ status }) => status === "gap") ? `${rows} (declared failures)` : rows);
Deno.exit(all.some(({ status }) => status === "failed") ? 1 : 0);

function choose(names: readonly string[]): readonly Runtime[] {
  const unknown = names.filter((name) => !runtimes.some((it) => it.name.startsWith(name)));
  if (unknown.length > 0) {
    const known = runtimes.map(({ name }) => name).join(", ");
    console.error(`No runtime ${unknown.join(", ")}: known are ${known}`);
    Deno.exit(2);
  }
  return runtimes.filter((it) =>
    names.length === 0 || names.some((name) => it.name.startsWith(name))
  );
}

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

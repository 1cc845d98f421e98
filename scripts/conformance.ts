/**
 * Executes the contract: `deno task conformance [runtime…] [--case=ID]; `node` means every Node`. Prints a line per clause.
 *
 * @module
 */
import { cases } from "../tests/cases/mod.ts";
import { durableVariants } from "../tests/durable_runtimes.ts";
import { contractRuntimes } from "../tests/register.ts";
import { type Outcome, runSuite } from "../tests/suite.ts";

const runtimes = [...contractRuntimes, ...durableVariants];
const only = Deno.args.find((arg) => arg.startsWith("--case="))?.slice("--case=".length);
const names = Deno.args.filter((arg) => !arg.startsWith("--"));
const unknown = names.filter((name) => !runtimes.some((it) => it.name.startsWith(name)));
if (unknown.length > 0) {
  console.error(
    `No runtime ${unknown.join(", ")}: known are ${runtimes.map((it) => it.name).join(", ")}`,
  );
  Deno.exit(2);
}

const total = { passed: 0, failed: 0, gap: 0 };
for (
  const runtime of runtimes.filter((it) =>
    names.length === 0 || names.some((name) => it.name.startsWith(name))
  )
) {
  console.log(`\n${runtime.title}`);
  const outcomes = await runSuite(runtime, cases.filter(({ id }) => !only || id.startsWith(only)));
  if ("missing" in outcomes) {
    console.log(`  NOT RUN: needs ${outcomes.missing}`);
    continue;
  }
  for (const clause of new Set(cases.map(({ id }) => id.split(".")[0]!))) {
    printClause(clause, outcomes.filter((outcome) => outcome.clause === clause));
  }
}
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.gap} gaps`);
Deno.exit(total.failed > 0 ? 1 : 0);

function printClause(clause: string, outcomes: readonly Outcome[]): void {
  if (outcomes.length === 0) return;
  const counts = { passed: 0, failed: 0, gap: 0 };
  for (const { status } of outcomes) {
    counts[status]++;
    total[status]++;
  }
  const parts = Object.entries(counts).filter(([, count]) => count > 0);
  const mark = counts.failed ? "✗" : counts.gap ? "○" : "✓";
  console.log(
    `  ${mark} ${clause.padEnd(4)}${parts.map(([name, count]) => `${count} ${name}`).join(", ")}`,
  );
  for (const { id, fact, status, detail } of outcomes) {
    if (status !== "passed") console.log(`      ${status} ${id}: ${fact}\n        ${detail}`);
  }
}

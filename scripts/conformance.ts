/**
 * Runs the contract's cases: `deno task conformance --help`.
 *
 * @module
 */
import { cases } from "../tests/cases/mod.ts";
import { durableVariants } from "../tests/runtimes/durable.ts";
import { contractRuntimes } from "../tests/harness/runtime_suites.ts";
import { caseIds, contractPage, wrongIds } from "../tests/harness/contract_ids.ts";
import { sseCases } from "../tests/cases/sse.ts";
import { type Outcome, runSuite } from "../tests/harness/suite.ts";
import { sseVariants } from "../tests/runtimes/sse.ts";
import { workerVariants } from "../tests/runtimes/workers.ts";
import { beginning, chosen, fail, readArguments } from "./arguments.ts";

const runtimes = [...contractRuntimes, ...durableVariants, ...workerVariants, ...sseVariants];
const all = [...cases, ...sseCases];
const { names, value } = readArguments({
  help: `deno task conformance [runtime…] [--case=ID]

Runs the contract's cases on each runtime, and prints a line for each clause.

  runtime      ${
    runtimes.map(({ name }) => name).join(", ")
  }; default: all; \`node\` selects every Node
  --case=ID    runs one case, or all cases whose id begins with ID: C1, X3.own
  DEBUG=1      in the environment: shows the server's console`,
  options: ["--case"],
});
const wrong = wrongIds(contractPage, caseIds);
if (wrong.length > 0) fail(`Wrong ids in tests/cases/: ${wrong.join(", ")}`);
const wanted = beginning(all, value("--case"));

const total = { passed: 0, failed: 0, gap: 0 };
for (const runtime of chosen(runtimes, names)) {
  console.log(`\n${runtime.title}`);
  const outcomes = await runSuite(
    runtime,
    wanted.filter((it) => runtime.transport === "sse" || !sseCases.includes(it)),
  );
  if ("missing" in outcomes) {
    console.log(`  NOT RUN: needs ${outcomes.missing}`);
    continue;
  }
  for (const clause of new Set(all.map(({ id }) => id.split(".")[0]!))) {
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

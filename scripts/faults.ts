/**
 * Runs the fault suite against the server of each runtime: `deno task faults --help`.
 *
 * @module
 */
import { FarNetwork } from "../tests/faults/far_network.ts";
import { figures } from "../tests/faults/figures.ts";
import { FAULT_SUITE, faults } from "../tests/faults/mod.ts";
import { type Runtime, runtimes } from "../tests/runtimes/native.ts";
import { type Outcome, runSuite } from "../tests/harness/suite.ts";
import type { FaultRecord } from "./reliability/faults_section.ts";
import { beginning, chosen, fail, readArguments } from "./arguments.ts";
import { record } from "./reliability/record.ts";

const MARKS = { passed: "✓", failed: "✗", gap: "○" };

const { names, has, value } = readArguments({
  help: `deno task faults [runtime…] [--case=ID] [--record]

Runs faults against the server of each runtime: clients that vanish, read slowly or flood, dead
connections, 10,000 connects, SIGTERM under load. Prints a line for each case.

  runtime      ${
    runtimes.map(({ name }) => name).join(", ")
  }; default: all; \`node\` selects every Node
  --case=ID    runs one case, or all cases whose id begins with ID: vanish, pressure.bombs
  --record     stores the results for docs/reliability.md`,
  flags: ["--record"],
  options: ["--case"],
});
const mustRecord = has("--record");
if (mustRecord && value("--case")) {
  fail("Cannot record a part of the suite: leave out --case or --record");
}

const canCut = await FarNetwork.isPossible();
const cases = beginning(faults, value("--case"))
  .filter(({ id }) => canCut || !id.startsWith("black-hole."));

const total = { passed: 0, failed: 0, gap: 0 };
for (const runtime of chosen(runtimes, names)) await runOn(runtime);
if (!canCut) {
  console.log("\nNOT RUN: black-hole cases, which need root and `ip` for a network namespace");
}
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.gap} gaps`);
Deno.exit(total.failed > 0 ? 1 : 0);

async function runOn(runtime: Runtime): Promise<void> {
  console.log(`\n${runtime.title}`);
  figures.clear();
  const start = performance.now();
  const outcomes = await runSuite(runtime, cases, { ...FAULT_SUITE, onOutcome: print });
  if ("missing" in outcomes) return console.log(`  NOT RUN: needs ${outcomes.missing}`);
  console.log(`  ${seconds(performance.now() - start)} in total`);
  if (!mustRecord) return;
  const found: FaultRecord = {
    title: runtime.title,
    cases: outcomes.length,
    passed: outcomes.filter(({ status }) => status === "passed").length,
    failed: outcomes.filter(({ status }) => status === "failed").map(({ id }) => id),
    gaps: outcomes.filter(({ status }) => status === "gap")
      .map(({ id, detail = "", link = "" }) => ({ id, reason: detail, link })),
    blackHoles: canCut,
    figures: Object.fromEntries([...figures].sort(([a], [b]) => a < b ? -1 : 1)),
  };
  await record("faults", runtime.name, found);
}

function print({ id, status, detail, ms }: Outcome): void {
  total[status]++;
  console.log(`  ${MARKS[status]} ${id.padEnd(30)}${seconds(ms).padStart(8)}`);
  if (status !== "passed") console.log(`      ${detail}`);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

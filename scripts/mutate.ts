/**
 * Plants faults in the code, and checks that tests fail: `deno task mutate [filter…]`.
 *
 * @module
 */
import type { Failure } from "../tests/mutation/check.ts";
import type { Fault } from "../tests/mutation/fault.ts";
import { areas, faults } from "../tests/mutation/planted/mod.ts";
import { checksOf, countAll, runFaults, runUnchanged } from "../tests/mutation/run.ts";
import type { Verdict } from "../tests/mutation/trial.ts";
import { fail, readArguments } from "./arguments.ts";
import type { MutationRecord } from "./reliability/mutation_section.ts";
import { record } from "./reliability/record.ts";

const HELP =
  `Plants faults, one at a time in a copy of the repository, and runs tests until one fails.

  deno task mutate                 plants every fault; takes about 15 minutes
  deno task mutate hub- peer.ts    plants the faults whose id or file contains one of the words
  deno task mutate --list          lists the faults
  deno task mutate --count hub-    counts the unit tests and cases that fail for each fault

  --parallel=N                     number of faults that are tested at a time; default: 2
  --record                         stores the results for docs/reliability.md

Exits with 1 if a fault survives, which means that no test fails.
The faults are in tests/mutation/planted/.`;

const width = Math.max(...faults.map(({ id }) => id.length));
const args = readArguments({
  help: HELP,
  flags: ["--list", "--count", "--record"],
  options: ["--parallel"],
});
const filters = args.names;
const parallel = Number(args.value("--parallel") ?? 2);
if (!(Number.isInteger(parallel) && parallel > 0)) {
  fail(`--parallel must be a positive integer: found ${args.value("--parallel")}`);
}
const chosen = faults.filter(({ id, file }) =>
  filters.length === 0 || filters.some((word) => id.includes(word) || file.includes(word))
);
if (chosen.length === 0) {
  fail(`No fault contains ${filters.join(" or ")}: see deno task mutate --list`);
}
if (args.has("--list")) list();
else if (args.has("--count")) await countAll(chosen, parallel, printCount);
else Deno.exit(await run() ? 0 : 1);

function list(): void {
  for (const [area, all] of Object.entries(areas)) {
    const shown = all.filter((fault) => chosen.includes(fault));
    if (shown.length > 0) console.log(`\n${area}`);
    for (const { id, file, what } of shown) {
      console.log(`  ${id.padEnd(width)}  ${file.padEnd(25)}  ${what}`);
    }
  }
  console.log(`\n${chosen.length} faults`);
}

/** Plants all chosen faults. Returns whether tests caught all of them. */
async function run(): Promise<boolean> {
  const started = performance.now();
  console.log(
    `${chosen.length} faults, ${parallel} at a time. First the tests run without a fault…`,
  );
  const checks = checksOf(chosen, filters.length === 0);
  const failures = await runUnchanged(checks, parallel);
  if (failures.length > 0) {
    console.error("Cannot check faults, because these tests fail without a fault:");
    for (const failure of failures) console.error(`  ${nameOf(failure)}`);
    return false;
  }
  console.log(`  passed: ${checks.join(", ")}\n`);
  let kept = Promise.resolve();
  const onVerdict = (verdict: Verdict) => {
    print(verdict);
    if (args.has("--record")) kept = kept.then(() => keep(verdict));
  };
  const verdicts = await runFaults(chosen, { parallel, onVerdict });
  await kept;
  const survivors = verdicts.filter(({ caught }) => !caught);
  const seconds = Math.round((performance.now() - started) / 1000);
  console.log(
    `\n${chosen.length - survivors.length} caught, ${survivors.length} survived, in ${seconds} s`,
  );
  if (survivors.length > 0) {
    console.log(
      "\nWrite a test that fails for each of these faults, preferably a case in tests/cases/:",
    );
    for (const { fault } of survivors) console.log(`  ${fault.id} (${fault.file}): ${fault.what}`);
  }
  return survivors.length === 0;
}

async function keep({ fault, caught, seconds }: Verdict): Promise<void> {
  const { id, file, what } = fault;
  const by = caught ? { by: caught.check, test: caught.test, how: caught.how } : {};
  await record<MutationRecord>("mutation", id, { file, what, ...by, seconds });
}

function print({ fault, caught, seconds }: Verdict): void {
  const time = `${seconds.toFixed(1)} s`.padStart(7);
  console.log(
    caught
      ? `  ✓ ${fault.id.padEnd(width)} ${time}  ${nameOf(caught)}`
      : `  ✗ ${fault.id.padEnd(width)} ${time}  SURVIVED: ${fault.what}`,
  );
}

function printCount(fault: Fault, failures: readonly Failure[]): void {
  const names = failures.slice(0, 3).map(nameOf).join("; ");
  console.log(`  ${String(failures.length).padStart(4)}  ${fault.id.padEnd(width)}  ${names}`);
}

function nameOf({ check, test, how }: Failure): string {
  if (test === "") return `${check} ${how}`;
  const [first] = check.split(" ");
  return first === "unit" || first === "test"
    ? `${check}: ${test.length > 70 ? `${test.slice(0, 70)}…` : test}`
    : `${first} ${test.split(":")[0]}`;
}

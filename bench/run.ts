/**
 * Measures onepeer beside what else serves WebSockets: `deno task bench [scenario…] [runtime…]`.
 * Without names everything, which takes a quarter of an hour and writes `docs/benchmarks.md`, as
 * `--record` does of a part; `--report` only writes it, from what was measured before.
 *
 * @module
 */
import { type Cell, cellOf, disturbance, ratio, visited } from "./cells.ts";
import { measure } from "./comparison.ts";
import { compileLoadGenerator, hasCompiler } from "./load_generator.ts";
import { describeMachine } from "./machine.ts";
import { installPackages } from "./packages.ts";
import { writeReport } from "./report/report.ts";
import { type Result, Results } from "./results.ts";
import { allRuntimes } from "./runtimes.ts";
import { runtimesOf, scenarios } from "./scenarios.ts";
import { amount, bound, figure, spread, verdict } from "./words.ts";

/** The share of a core from which on other programs are worth a word. */
const DISTURBED = 0.2;

const OPTIONS = ["--report", "--record"];
const names = Deno.args.filter((arg) => !OPTIONS.includes(arg));
const known = [...scenarios, ...allRuntimes].map(({ name }) => name);
if (names.includes("--help")) {
  console.log(usage());
  Deno.exit(0);
}
const unknown = names.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`There is no ${unknown.join(", ")}: known are ${known.join(", ")}`);
  Deno.exit(2);
}
if (Deno.args.includes("--report")) await writeReport(await Results.read());
else Deno.exitCode = await run();

function usage(): string {
  const list = (items: readonly { readonly name: string }[]) =>
    items.map(({ name }) => name).join(", ");
  return `deno task bench [scenario…] [runtime…] [--record | --report]

Measures onepeer beside the bare runtimes and other toolkits. Everything takes a quarter of an hour and
writes docs/benchmarks.md and its charts.

  scenario   ${list(scenarios)}
  runtime    ${list(allRuntimes)}
  --record   writes the page after a part was measured, too
  --report   measures nothing: writes the page from what was measured before`;
}

async function run(): Promise<number> {
  if (!await hasCompiler()) {
    console.error("The load generator is written in C: this machine needs a compiler, as `cc`");
    return 2;
  }
  const start = performance.now();
  const generator = await compileLoadGenerator();
  await installPackages();
  const results = await Results.read(await describeMachine(chosen(allRuntimes)));
  const cells: Cell[] = [], failures: string[] = [];
  for (const scenario of chosen(scenarios)) {
    for (const runtime of chosen(allRuntimes)) {
      if (!runtimesOf(scenario).includes(runtime.name)) continue;
      const name = `${scenario.name.padEnd(22)}${runtime.name.padEnd(8)}`;
      try {
        const result = await measure(scenario, runtime, generator);
        await results.keep(result);
        const cell = cellOf(scenario, result);
        cells.push(cell);
        const more = beside(cell, result);
        const busy = disturbance(result) ?? 0;
        const warning = busy > DISTURBED ? `, others took ${figure(busy)} of a core` : "";
        console.log(
          `${name}${line(cell)} ${more.padEnd(26)} ${figure(result.seconds)} s${warning}`,
        );
      } catch (error) {
        failures.push(`${scenario.name} on ${runtime.name}`);
        console.log(`${name}FAILED: ${(error as Error).message}`);
      }
    }
  }
  printTable(cells);
  console.log(`\n${figure((performance.now() - start) / 60_000)} minutes`);
  if (failures.length > 0) console.error(`FAILED: ${failures.join(", ")}`);
  else if (names.length === 0 || Deno.args.includes("--record")) await writeReport(results);
  return failures.length > 0 ? 1 : 0;
}

/** Those that were named, or all where none was. */
function chosen<T extends { readonly name: string }>(all: readonly T[]): readonly T[] {
  const some = all.filter(({ name }) => names.includes(name));
  return some.length > 0 ? some : all;
}

/** What else there is to say of a cell. */
function beside({ scenario: { goal, versus }, note }: Cell, result: Result): string {
  const other = versus === "bare" ? "crossws" : "bare";
  if (goal === "ratio") {
    const found = ratio(result, other);
    return found ? `${figure(found.value)}× ${other}` : "";
  }
  const figures = (["bare", "onepeer", "crossws"] as const).flatMap((name) => {
    const found = visited(result, name);
    return found ? [`${name} ${amount(found.value, goal)}`] : [];
  });
  return note ?? figures.join(", ");
}

/** What was reached, between which bounds, and what was to be reached. */
function line(cell: Cell): string {
  const { estimate, scenario: { goal, versus } } = cell;
  return [
    amount(estimate.value, goal).padStart(9),
    spread(estimate).padEnd(11),
    (versus ? `of ${versus}` : "").padEnd(10),
    bound(cell).padEnd(18),
    verdict(cell).padEnd(6),
  ].join(" ");
}

function printTable(cells: readonly Cell[]): void {
  console.log(`\n${"".padEnd(57)}reached 95 %                   target`);
  for (const cell of cells) {
    console.log(`${cell.scenario.title.padEnd(46)}${cell.runtime.padEnd(8)}${line(cell)}`);
  }
}

/**
 * Measures onepeer and other WebSocket toolkits: `deno task bench [scenario…] [runtime…]`.
 *
 * Without names, the run measures everything in a quarter of an hour, and writes
 * `docs/benchmarks.md`. With `--record`, the run of a part writes the page too. With `--report`, the
 * run measures nothing and writes the page from stored results.
 *
 * @module
 */
import { type Cell, cellOf, disturbance, ratio, trialEstimate } from "./cells.ts";
import { measure } from "./comparison.ts";
import { compileLoadGenerator, hasCompiler } from "./load_generator.ts";
import { describeMachine } from "./machine.ts";
import { installPackages } from "./packages.ts";
import { writeReport } from "./report/report.ts";
import { type Result, Results } from "./results.ts";
import { allRuntimes } from "./runtimes.ts";
import { runtimesOf, scenarios } from "./scenarios.ts";
import { amount, bound, figure, spread, verdict } from "./format.ts";

/** Share of a core. If other programs use more, the run prints a warning. */
const DISTURBED = 0.2;

const OPTIONS = ["--report", "--record"];
const names = Deno.args.filter((arg) => !OPTIONS.includes(arg));
const known = [...scenarios, ...allRuntimes].map(({ name }) => name);
if (names.includes("--help")) {
  console.log(usage());
  Deno.exit(0);
}
if (names[0] === "sync") {
  await import("./sync/run.ts");
  Deno.exit();
}
const unknown = names.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`Unknown scenario or runtime: ${unknown.join(", ")}. Known: ${known.join(", ")}`);
  Deno.exit(2);
}
if (Deno.args.includes("--report")) await writeReport(await Results.read());
else Deno.exitCode = await run();

function usage(): string {
  const list = (items: readonly { readonly name: string }[]) =>
    items.map(({ name }) => name).join(", ");
  return `deno task bench [scenario…] [runtime…] [--record | --report]

Measures onepeer, the bare runtimes and other toolkits. Without names, measures everything in a
quarter of an hour, and writes docs/benchmarks.md and its charts.

  scenario   ${list(scenarios)}
  sync       nodes over Redis, beside crossws, with \`ioredis\` or \`node-redis\` if one is named:
             writes docs/benchmarks-sync.md; runs alone
  runtime    ${list(allRuntimes)}
  --record   writes the page, even if only a part was measured
  --report   measures nothing, and writes the page from stored results`;
}

async function run(): Promise<number> {
  if (!await hasCompiler()) {
    console.error("The load generator needs a C compiler: install one as `cc`");
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
        const more = details(cell, result);
        const busy = disturbance(result) ?? 0;
        const warning = busy > DISTURBED ? `, other programs took ${figure(busy)} of a core` : "";
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

/** Returns the items that the command line names, or all items. */
function chosen<T extends { readonly name: string }>(all: readonly T[]): readonly T[] {
  const some = all.filter(({ name }) => names.includes(name));
  return some.length > 0 ? some : all;
}

/** Further figures for a cell. */
function details({ scenario: { goal, versus }, note }: Cell, result: Result): string {
  const other = versus === "bare" ? "crossws" : "bare";
  if (goal === "ratio") {
    const found = ratio(result, other);
    return found ? `${figure(found.value)}× ${other}` : "";
  }
  const figures = (["bare", "onepeer", "crossws"] as const).flatMap((name) => {
    const found = trialEstimate(result, name);
    return found ? [`${name} ${amount(found.value, goal)}`] : [];
  });
  return note ?? figures.join(", ");
}

/** The result, its interval, and the target. */
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

/**
 * Measures onepeer beside what else serves WebSockets: `deno task bench [scenario…] [runtime…]`.
 * Without names everything, which takes a quarter of an hour and writes `docs/benchmarks.md`;
 * `--report` only writes it, from what was measured before.
 *
 * @module
 */
import { type Cell, cellOf, disturbance, ratio } from "./cells.ts";
import { measure } from "./comparison.ts";
import { compileLoadGenerator, hasCompiler } from "./load_generator.ts";
import { describeMachine } from "./machine.ts";
import { installPackages } from "./packages.ts";
import { writeReport } from "./report/report.ts";
import { Results } from "./results.ts";
import { benchRuntimes } from "./runtimes.ts";
import { scenarios } from "./scenarios.ts";
import { amount, bound, figure, spread, verdict } from "./words.ts";

/** The share of a core from which on other programs are worth a word. */
const DISTURBED = 0.2;

const names = Deno.args.filter((arg) => arg !== "--report");
const known = [...scenarios, ...benchRuntimes].map(({ name }) => name);
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
  return `deno task bench [scenario…] [runtime…] [--report]

Measures onepeer beside the bare runtimes and other toolkits. Everything takes a quarter of an hour and
writes docs/benchmarks.md and its charts.

  scenario   ${list(scenarios)}
  runtime    ${list(benchRuntimes)}
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
  const results = await Results.read(await describeMachine(chosen(benchRuntimes)));
  const cells: Cell[] = [], failures: string[] = [];
  for (const scenario of chosen(scenarios)) {
    for (const runtime of chosen(benchRuntimes)) {
      if (scenario.runtimes && !scenario.runtimes.includes(runtime.name)) continue;
      const name = `${scenario.name.padEnd(22)}${runtime.name.padEnd(5)}`;
      try {
        const result = await measure(scenario, runtime, generator);
        await results.keep(result);
        const cell = cellOf(scenario, result);
        cells.push(cell);
        const other = scenario.versus === "bare" ? "crossws" : "bare";
        const beside = ratio(result, other);
        const more = beside ? `${figure(beside.value)}× ${other}` : cell.note ?? "";
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
  else if (names.length === 0) await writeReport(results);
  return failures.length > 0 ? 1 : 0;
}

/** Those that were named, or all where none was. */
function chosen<T extends { readonly name: string }>(all: readonly T[]): readonly T[] {
  const some = all.filter(({ name }) => names.includes(name));
  return some.length > 0 ? some : all;
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
  console.log(`\n${"".padEnd(54)}reached 95 %                   target`);
  for (const cell of cells) {
    console.log(`${cell.scenario.title.padEnd(46)}${cell.runtime.padEnd(5)}${line(cell)}`);
  }
}

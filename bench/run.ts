/**
 * Measures onepeer beside what else serves WebSockets: `deno task bench [scenario…] [runtime…]`.
 * Without names, everything: that takes a quarter of an hour.
 *
 * @module
 */
import { cellOf, ratio } from "./cells.ts";
import { measure } from "./comparison.ts";
import { compileLoadGenerator, hasCompiler } from "./load_generator.ts";
import { installPackages } from "./packages.ts";
import { type Result, Results } from "./results.ts";
import { benchRuntimes } from "./runtimes.ts";
import { type Scenario, scenarios } from "./scenarios.ts";
import { amount, figure, goal, spread, verdict } from "./words.ts";

const names = Deno.args.filter((arg) => !arg.startsWith("--"));
const chosenScenarios = chosen(scenarios), chosenRuntimes = chosen(benchRuntimes);
const known = [...scenarios, ...benchRuntimes].map(({ name }) => name);
const unknown = names.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`There is no ${unknown.join(", ")}: known are ${known.join(", ")}`);
  Deno.exit(2);
}
if (!await hasCompiler()) {
  console.error("The load generator needs a C compiler, as `cc`");
  Deno.exit(2);
}

const start = performance.now();
const results = await Results.read();
const generator = await compileLoadGenerator();
await installPackages();
const failures: string[] = [];
for (const scenario of chosenScenarios) {
  for (const runtime of chosenRuntimes) {
    if (scenario.name === "publish-deflate" && runtime.name === "deno") continue; // it has none
    const name = `${scenario.name.padEnd(22)}${runtime.name.padEnd(5)}`;
    try {
      const result = await measure(scenario, runtime, generator);
      await results.keep(result);
      console.log(`${name} ${summary(scenario, result)}`);
    } catch (error) {
      failures.push(`${scenario.name} ${runtime.name}`);
      console.log(`${name} FAILED: ${(error as Error).message}`);
    }
  }
}
printTable();
const seconds = (performance.now() - start) / 1000;
console.log(`\n${figure(seconds / 60)} minutes`);
if (failures.length > 0) console.error(`FAILED: ${failures.join(", ")}`);
Deno.exit(failures.length > 0 ? 1 : 0);

/** Those that were named, or all where none was. */
function chosen<T extends { readonly name: string }>(all: readonly T[]): readonly T[] {
  const some = all.filter(({ name }) => names.includes(name));
  return some.length > 0 ? some : all;
}

function summary(scenario: Scenario, result: Result): string {
  const cell = cellOf(scenario, result);
  const { estimate, target } = cell;
  const versus = target?.kind === "ratio" ? target.versus : "crossws";
  const other = versus === "bare" ? "crossws" : "bare";
  const beside = ratio(result, other);
  return [
    amount(estimate.value, target).padStart(9),
    `[${spread(estimate)}]`.padEnd(14),
    goal(target).padEnd(18),
    verdict(cell).padEnd(7),
    beside ? `${figure(beside.value)}× ${other}`.padEnd(15) : "",
    cell.note ?? "",
    `${figure(result.seconds)} s`,
  ].join(" ");
}

function printTable(): void {
  console.log(`\n${"".padEnd(54)}reached   95 %           target             `);
  for (const scenario of chosenScenarios) {
    for (const runtime of chosenRuntimes) {
      const result = results.find(scenario.name, runtime.name);
      if (!result) continue;
      const cell = cellOf(scenario, result);
      const { estimate, target } = cell;
      console.log([
        scenario.title.padEnd(52),
        runtime.name.padEnd(5),
        amount(estimate.value, target).padStart(9),
        spread(estimate).padEnd(13),
        goal(target).padEnd(18),
        verdict(cell),
      ].join(" "));
    }
  }
}

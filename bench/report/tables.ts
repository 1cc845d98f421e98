import { type Cell, cellOf, idleMemory, rate, slowOutcome, trialEstimate } from "../cells.ts";
import type { Results } from "../results.ts";
import { allRuntimes, benchRuntimes, type RuntimeName } from "../runtimes.ts";
import type { Scenario } from "../scenario.ts";
import { runtimesOf, scenarios, SLOW } from "../scenarios.ts";
import { type Toolkit, type ToolkitName, toolkits } from "../toolkits.ts";
import { amount, bound, figure, spread } from "../format.ts";

/** Renders a Markdown table. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map((_, index) => index ? ":-:" : "---"), ...rows]
    .map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** All results as cells. */
export function allCells(results: Results): Cell[] {
  return scenarios.flatMap((scenario) => cellsOf(scenario, results));
}

export function cellsOf(scenario: Scenario, results: Results): Cell[] {
  return allRuntimes.flatMap(({ name }) => {
    const result = results.find(scenario.name, name);
    return result ? [cellOf(scenario, result)] : [];
  });
}

/** Results and targets, a row for each scenario. */
export function targetTable(results: Results): string {
  const rows = scenarios.filter((it) => !isDurable(it) && Object.keys(it.targets).length > 0)
    .map((scenario) => {
      const cells = cellsOf(scenario, results);
      return [
        titleAgainst(scenario),
        ...benchRuntimes.map(({ name }) => shown(scenario, name, cells)),
      ];
    });
  return table(["", ...benchRuntimes.map(({ title }) => title)], rows);
}

function isDurable(scenario: Scenario): boolean {
  return runtimesOf(scenario).includes("durable");
}

function titleAgainst({ title, versus }: Scenario): string {
  return versus ? `${title}, against ${versus}` : title;
}

/** Costs of the Durable Object of each toolkit, and the targets. */
export function durableTable(results: Results): string {
  const durable = scenarios.filter(isDurable);
  const columns = toolkits.filter(({ name }) => durable.some((it) => it.toolkits.includes(name)));
  const rows = durable.map((scenario) => {
    const result = results.find(scenario.name, "durable");
    const found = columns.map(({ name }) => result && took(scenario, result, name));
    const reached = shown(scenario, "durable", cellsOf(scenario, results));
    return [titleAgainst(scenario), ...found.map((it) => it ?? ""), reached];
  });
  return table(["", ...columns.map(titleOf), "reached"], rows);
}

function took({ goal }: Scenario, result: Found, toolkit: ToolkitName): string | undefined {
  const perSecond = rate(result, toolkit);
  if (perSecond) return `${figure(1e6 / perSecond.value)} µs`;
  const found = trialEstimate(result, toolkit);
  return found && amount(found.value, goal);
}

function shown(scenario: Scenario, runtime: RuntimeName, cells: readonly Cell[]): string {
  const cell = cells.find((it) => it.runtime === runtime);
  const isLeftOut = scenario.runtimes && !scenario.runtimes.includes(runtime);
  if (!cell) return isLeftOut ? "–" : "not measured";
  const { estimate, isMet } = cell;
  const mark = isMet === undefined ? "" : isMet ? "✓ " : "✗ ";
  const reached = `${mark}**${amount(estimate.value, scenario.goal)}**`;
  const details = [spread(estimate), cell.target && bound(cell)].filter(Boolean).join(" · ");
  return `${reached}<br><sub>${details}</sub>`;
}

/** Messages in a second of CPU time, for all toolkits of a runtime. */
export function rateTable(runtime: RuntimeName, results: Results): string {
  const columns = toolkits.filter((it) => it.name !== "again" && it.runtimes.includes(runtime));
  const rows = scenarios.filter(({ goal, name }) => goal === "ratio" && name !== "noise")
    .flatMap((scenario) => {
      const result = results.find(scenario.name, runtime);
      if (!result) return [];
      const rates = columns.map(({ name }) => rate(result, name)?.value);
      return [[scenario.title, ...rates.map((it) => it === undefined ? "" : thousands(it))]];
    });
  return table(["", ...columns.map(titleOf)], rows);
}

function thousands(perSecond: number): string {
  return figure(perSecond / 1000);
}

/** KiB for each idle peer; for onepeer also with `retainHeaders: []`. */
export function idleTable(results: Results): string {
  return perRuntime("idle", results, (result, { name }) => {
    const lean = results.find("idle-lean", result.runtime);
    return [result, name === "onepeer" ? lean : undefined].flatMap((it) => {
      const estimate = it && idleMemory(it, name);
      return estimate ? [figure(estimate.value)] : [];
    }).join("; lean ");
  });
}

/** Growth of each process, and the outcome for the slow readers. */
export function slowTable(results: Results): string {
  return perRuntime("slow", results, (result, { name }) => {
    const outcome = slowOutcome(result, name);
    if (!outcome) return "";
    const { growth, end: { closeCodes, published, slowReceived } } = outcome;
    const lost = published * SLOW.readers - slowReceived;
    const closed = closeCodes.length > 0
      ? `${closeCodes.length} closed with ${[...new Set(closeCodes)].join(", ")}`
      : lost > 0
      ? `${lost} messages silently lost`
      : "all kept";
    return `${figure(growth)} MiB, ${closed}`;
  });
}

type Found = NonNullable<ReturnType<Results["find"]>>;

function perRuntime(
  scenario: string,
  results: Results,
  cell: (result: Found, toolkit: Toolkit) => string,
): string {
  const shown = scenarios.find(({ name }) => name === scenario)!.toolkits;
  const columns = toolkits.filter(({ name }) => shown.includes(name));
  const rows = benchRuntimes.flatMap(({ name, title }) => {
    const result = results.find(scenario, name);
    return result ? [[title, ...columns.map((toolkit) => cell(result, toolkit))]] : [];
  });
  return table(["", ...columns.map(titleOf)], rows);
}

function titleOf({ title }: Toolkit): string {
  return title;
}

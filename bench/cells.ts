import type { IdleStep, Line, SlowEnd, SlowSample, Window } from "./load_generator.ts";
import type { Result } from "./results.ts";
import type { Scenario, Target } from "./scenarios.ts";
import { SLOW } from "./scenarios.ts";
import { type Estimate, medianEstimate } from "./statistics.ts";
import type { ToolkitName } from "./toolkits.ts";

/** What onepeer reached in a scenario on a runtime, beside what it is to reach. */
export interface Cell {
  readonly estimate: Estimate;
  readonly target: Target | undefined;
  /** Of no target, nothing. */
  readonly isMet: boolean | undefined;
  /** What the number alone does not say. */
  readonly note?: string;
}

const KIB = 1024;

/** Reads a cell out of what was measured. */
export function cellOf({ name, targets }: Scenario, result: Result): Cell {
  const target = targets[result.runtime as keyof typeof targets];
  if (result.nanoseconds) return bounded(medianEstimate(result.nanoseconds), target);
  if (name === "idle") {
    const estimate = idleMemory(result, "onepeer")!;
    if (target?.kind !== "memory" || !target.over) return bounded(estimate, target);
    const base = idleMemory(result, target.over)!.value;
    return bounded(shifted(estimate, -base), target);
  }
  if (name === "slow") return slowCell(result, target);
  const versus = target?.kind === "ratio" ? target.versus : "crossws";
  return bounded(ratio(result, versus)!, target);
}

/**
 * CPU of a server for each message, of another in that of onepeer: over 1 onepeer is the cheaper.
 * The median over the rounds, in each of which they stood side by side.
 */
export function ratio(result: Result, other: ToolkitName): Estimate | undefined {
  const ours = windows(result, "onepeer"), theirs = windows(result, other);
  const ratios = ours.flatMap((our) => {
    const their = theirs.find(({ round }) => round === our.round);
    return their ? [cost(their) / cost(our)] : [];
  });
  return ratios.length > 0 ? medianEstimate(ratios) : undefined;
}

/** Messages that a toolkit handles in a second of its CPU. */
export function rate(result: Result, toolkit: ToolkitName): Estimate | undefined {
  const rates = windows(result, toolkit).map((it) => 1 / cost(it));
  return rates.length > 0 ? medianEstimate(rates) : undefined;
}

/** KiB for each idle peer; the bounds are what the halves of the way give by themselves. */
export function idleMemory(result: Result, toolkit: ToolkitName): Estimate | undefined {
  const steps = linesOf<IdleStep>(result, toolkit).filter((it) => "connections" in it);
  if (steps.length < 2) return undefined;
  const slope = (from: IdleStep, to: IdleStep): number =>
    (to.rssKib - from.rssKib) / (to.connections - from.connections);
  const slopes = steps.slice(1).map((step, index) => slope(steps[index]!, step));
  return {
    value: slope(steps[0]!, steps.at(-1)!),
    low: Math.min(...slopes),
    high: Math.max(...slopes),
  };
}

/** What became of slow readers. */
export interface SlowOutcome {
  readonly samples: readonly SlowSample[];
  readonly end: SlowEnd;
  /** MiB over the most that the process took while all were reading. */
  readonly growth: number;
}

export function slowOutcome(result: Result, toolkit: ToolkitName): SlowOutcome | undefined {
  const lines = linesOf<SlowSample | SlowEnd>(result, toolkit);
  const samples = lines.filter((it) => "time" in it);
  const end = lines.find((it) => "closeCodes" in it);
  if (!end) return undefined;
  const most = (from: (time: number) => boolean): number =>
    Math.max(...samples.filter(({ time }) => from(time)).map(({ rssKib }) => rssKib));
  return { samples, end, growth: (most((time) => time >= 0) - most((time) => time < 0)) / KIB };
}

function slowCell(result: Result, target: Target | undefined): Cell {
  const { growth, end } = slowOutcome(result, "onepeer")!;
  const cell = bounded({ value: growth, low: growth, high: growth }, target);
  const closed = end.closeCodes.filter((code) => code === 1013).length;
  return {
    ...cell,
    isMet: cell.isMet && closed === SLOW.readers,
    note: `${closed} of ${SLOW.readers} closed with 1013`,
  };
}

/** A cell is met when the interval reaches the target: the noise is no one's fault. */
function bounded(estimate: Estimate, target: Target | undefined): Cell {
  if (!target) return { estimate, target, isMet: undefined };
  const isMet = target.kind === "ratio"
    ? estimate.high >= target.atLeast
    : estimate.low <= target.atMost;
  return { estimate, target, isMet };
}

function shifted({ value, low, high }: Estimate, by: number): Estimate {
  return { value: value + by, low: low + by, high: high + by };
}

function windows(result: Result, toolkit: ToolkitName): Window[] {
  return linesOf<Window>(result, toolkit).filter(({ round }) => round > 0);
}

function cost({ cpu, messages }: Window): number {
  return cpu / messages;
}

function linesOf<L>({ lines }: Result, toolkit: ToolkitName): (L & Line)[] {
  return lines.filter(({ name }) => name === toolkit) as (L & Line)[];
}

import type { Trial } from "./durable/trials.ts";
import type { IdleStep, SlowEnd, SlowSample, Window } from "./load_generator.ts";
import type { Result } from "./results.ts";
import type { Scenario, Target } from "./scenario.ts";
import { SLOW } from "./scenarios.ts";
import { type Estimate, exact, medianEstimate, minus } from "./statistics.ts";
import type { ToolkitName } from "./toolkits.ts";

/** The result of onepeer in a scenario on a runtime, and its target. */
export interface Cell {
  readonly scenario: Scenario;
  readonly runtime: Result["runtime"];
  readonly estimate: Estimate;
  readonly target: Target | undefined;
  /** Whether the target is reached; `undefined` without a target. */
  readonly isMet: boolean | undefined;
  /** A fact that the number does not show. */
  readonly note?: string;
}

type AnyLine = Result["lines"][number];

const KIB = 1024;
/** Samples in a second. A mean over a second is not distorted by one garbage collection. */
const SMOOTH = 4;

/** Least seconds of lateness that a note reports. A late server queues for all subscribers. */
const LATE = 0.2;

/** Computes a cell from a result. */
export function cellOf(scenario: Scenario, result: Result): Cell {
  const { runtime } = result;
  const target = scenario.targets[runtime];
  const estimate = reached(scenario, result, target);
  const cell = { scenario, runtime, estimate, target };
  // The interval has to reach the target, because the value alone is subject to noise.
  const isNear = target &&
    (scenario.goal === "ratio" ? estimate.high >= target.value : estimate.low <= target.value);
  if (scenario.goal !== "growth") return { ...cell, isMet: isNear };
  const { samples, end } = slowOutcome(result, "onepeer")!;
  const closed = end.closeCodes.filter((code) => code === 1013);
  const late = Math.max(...samples.map(({ behind }) => behind));
  const lateness = late > LATE ? `, while the server was ${late.toFixed(1)} s late` : "";
  return {
    ...cell,
    isMet: isNear && closed.length === SLOW.readers,
    note: `${closed.length} of ${SLOW.readers} closed with 1013${lateness}`,
  };
}

function reached({ goal, versus }: Scenario, result: Result, target?: Target): Estimate {
  switch (goal) {
    case "ratio":
      return ratio(result, versus!)!;
    case "nanoseconds":
      return result.nanoseconds
        ? medianEstimate(result.nanoseconds)
        : trialEstimate(result, "onepeer")!;
    case "milliseconds":
      return extraTime(result, versus!)!;
    case "growth":
      return exact(slowOutcome(result, "onepeer")!.growth);
    case "memory": {
      const estimate = idleMemory(result, "onepeer")!;
      return target?.over ? minus(estimate, idleMemory(result, target.over)!.value) : estimate;
    }
  }
}

/**
 * CPU time per message of another toolkit, divided by that of onepeer. Over 1 means that onepeer is
 * cheaper.
 * The median over the rounds. Each round measures both toolkits.
 */
export function ratio(result: Result, other: ToolkitName): Estimate | undefined {
  const theirs = new Map(windows(result, other).map((it) => [it.round, it]));
  const ratios = windows(result, "onepeer").flatMap((our) => {
    const their = theirs.get(our.round);
    return their ? [cost(their) / cost(our)] : [];
  });
  return ratios.length > 0 ? medianEstimate(ratios) : undefined;
}

/** Messages that a toolkit handles in a second of CPU time. */
export function rate(result: Result, toolkit: ToolkitName): Estimate | undefined {
  const rates = windows(result, toolkit).map((it) => 1 / cost(it));
  return rates.length > 0 ? medianEstimate(rates) : undefined;
}

/** The median over the trials of a toolkit's Durable Object. */
export function trialEstimate(result: Result, toolkit: ToolkitName): Estimate | undefined {
  const values = trials(result, toolkit).map(({ value }) => value);
  return values.length > 0 ? medianEstimate(values) : undefined;
}

/** Extra time of onepeer over another toolkit: the median over the rounds. */
export function extraTime(result: Result, other: ToolkitName): Estimate | undefined {
  const theirs = new Map(trials(result, other).map(({ round, value }) => [round, value]));
  const over = trials(result, "onepeer").flatMap(({ round, value }) => {
    const their = theirs.get(round);
    return their === undefined ? [] : [value - their];
  });
  return over.length > 0 ? medianEstimate(over) : undefined;
}

function trials(result: Result, toolkit: ToolkitName): Trial[] {
  return linesOf<Trial>(result, toolkit).filter((it) => "value" in it);
}

/** KiB for each idle peer. The bounds are the smallest and largest slope from one step to the next. */
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

/** The result of the scenario with slow readers. */
export interface SlowOutcome {
  readonly samples: readonly SlowSample[];
  readonly end: SlowEnd;
  /** MiB from the peak while all subscribers were reading to the later peak. */
  readonly growth: number;
}

export function slowOutcome(result: Result, toolkit: ToolkitName): SlowOutcome | undefined {
  const lines = linesOf<SlowSample | SlowEnd>(result, toolkit);
  const samples = lines.filter((it) => "time" in it);
  const end = lines.find((it) => "closeCodes" in it);
  if (!end) return undefined;
  const before = samples.filter(({ time }) => time < 0);
  const after = samples.filter(({ time }) => time >= 0);
  return { samples, end, growth: (most(after) - most(before)) / KIB };
}

/** Returns the peak of a process's memory. Each value is the mean over a second. */
function most(samples: readonly SlowSample[]): number {
  const means = samples.slice(SMOOTH - 1).map((_, start) => {
    const second = samples.slice(start, start + SMOOTH);
    return second.reduce((sum, { rssKib }) => sum + rssKib, 0) / SMOOTH;
  });
  return Math.max(...means);
}

/** Share of a core that other programs used during the measurement, which widens the intervals. */
export function disturbance({ lines }: Result): number | undefined {
  const windows = lines.filter((it) => "machineCpu" in it);
  if (windows.length === 0) return undefined;
  const sum = (of: (it: Window | Trial) => number): number =>
    windows.reduce((all, it) => all + of(it), 0);
  const others = sum(({ machineCpu, cpu, ownCpu }) => machineCpu - cpu - ownCpu);
  return Math.max(others / sum(({ wall }) => wall), 0);
}

function windows(result: Result, toolkit: ToolkitName): Window[] {
  return linesOf<Window>(result, toolkit).filter((it) => "messages" in it && it.round > 0);
}

function cost({ cpu, messages }: Window): number {
  return cpu / messages;
}

function linesOf<L>({ lines }: Result, toolkit: ToolkitName): (L & AnyLine)[] {
  return lines.filter(({ name }) => name === toolkit) as (L & AnyLine)[];
}

import type { Cell } from "./cells.ts";
import type { Goal } from "./scenario.ts";
import type { Estimate } from "./statistics.ts";

const UNITS: Readonly<Record<Goal, string>> = {
  ratio: "×",
  nanoseconds: " ns",
  milliseconds: " ms",
  memory: " KiB",
  growth: " MiB",
};

/** A number with three significant digits. */
export function figure(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size < 10 ? 2 : size < 100 ? 1 : 0);
}

/** A value with its unit: `1.28×`. */
export function amount(value: number, goal: Goal): string {
  return figure(value) + UNITS[goal];
}

/** An interval: `1.22–1.33`; empty without one. */
export function spread({ low, high }: Estimate): string {
  return low === high ? "" : `${figure(low)}–${figure(high)}`;
}

/** A target: `≥ 1.05×`. */
export function bound({ scenario: { goal }, target }: Pick<Cell, "scenario" | "target">): string {
  if (!target) return "–";
  const over = target.over ? ` over ${target.over}` : "";
  return `${goal === "ratio" ? "≥" : "≤"} ${target.value}${UNITS[goal]}${over}`;
}

export function verdict({ isMet }: Pick<Cell, "isMet">): string {
  return isMet === undefined ? "" : isMet ? "met" : "missed";
}

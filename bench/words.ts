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

/** A number with the three digits that count. */
export function figure(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size < 10 ? 2 : size < 100 ? 1 : 0);
}

/** `1.28×`. */
export function amount(value: number, goal: Goal): string {
  return figure(value) + UNITS[goal];
}

/** `1.22–1.33`; nothing where there is no spread. */
export function spread({ low, high }: Estimate): string {
  return low === high ? "" : `${figure(low)}–${figure(high)}`;
}

/** `≥ 1.05×`. */
export function bound({ scenario: { goal }, target }: Pick<Cell, "scenario" | "target">): string {
  if (!target) return "–";
  const over = target.over ? ` over ${target.over}` : "";
  return `${goal === "ratio" ? "≥" : "≤"} ${target.value}${UNITS[goal]}${over}`;
}

export function verdict({ isMet }: Pick<Cell, "isMet">): string {
  return isMet === undefined ? "" : isMet ? "met" : "missed";
}

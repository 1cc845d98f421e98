import type { Cell } from "./cells.ts";
import type { Target } from "./scenarios.ts";
import type { Estimate } from "./statistics.ts";

/** A number with three digits that count. */
export function figure(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size < 10 ? 2 : size < 100 ? 1 : 0);
}

const UNITS = { ratio: "×", nanoseconds: " ns", memory: " KiB", growth: " MiB" } as const;

/** `1.28×`. */
export function amount(value: number, target: Target | undefined): string {
  return figure(value) + UNITS[target?.kind ?? "ratio"];
}

/** `1.22–1.33`. */
export function spread({ low, high }: Estimate): string {
  return low === high ? "" : `${figure(low)}–${figure(high)}`;
}

/** `≥ 1.05 of bare`. */
export function goal(target: Target | undefined): string {
  if (!target) return "–";
  if (target.kind === "ratio") return `≥ ${target.atLeast}× ${target.versus}`;
  const over = target.kind === "memory" && target.over ? ` over ${target.over}` : "";
  return `≤ ${target.atMost}${UNITS[target.kind]}${over}`;
}

export function verdict({ isMet }: Cell): string {
  return isMet === undefined ? "" : isMet ? "met" : "missed";
}

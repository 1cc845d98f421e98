import type { Limits } from "../../common/limits.ts";

/** Limits of one peer as its saved state holds them. JSON has no infinity, so `null` stands for it. */
export type SavedLimits = Readonly<Partial<Record<keyof Limits, string | number | null>>>;

/** Returns the limits of a peer that differ from the usual ones; `undefined` if none does. */
export function differingLimits(own: Limits, usual: Limits): SavedLimits | undefined {
  if (own === usual) return undefined;
  const differing = Object.entries(own).filter(([name, value]) => {
    return value !== usual[name as keyof Limits];
  });
  if (differing.length === 0) return undefined;
  return Object.fromEntries(
    differing.map(([name, value]) => [name, value === Infinity ? null : value]),
  );
}

/** Returns the limits of a peer: the saved ones, and the usual ones for the rest. */
export function limitsOf(saved: SavedLimits | undefined, usual: Limits): Limits {
  if (!saved) return usual;
  const own = Object.entries(saved).map(([name, value]) => [name, value ?? Infinity]);
  return { ...usual, ...Object.fromEntries(own) };
}

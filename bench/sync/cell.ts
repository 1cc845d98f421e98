/** Libraries that are compared. */
export type Toolkit = "onepeer" | "crossws";

/** Figures of one cell, by toolkit: one value for each run. */
export interface Cell {
  readonly name: string;
  readonly client: string;
  readonly unit: string;
  /** Whether a larger value is better. */
  readonly isRate: boolean;
  /** Bound of the ratio onepeer / crossws that the project wants to reach. */
  readonly target?: number;
  readonly values: Readonly<Record<Toolkit, readonly number[]>>;
}

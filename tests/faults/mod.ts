import type { Case } from "../fixtures/case.ts";
import { blackHole } from "./black_hole.ts";
import { churn } from "./churn.ts";
import { pressure } from "./pressure.ts";
import { shutdown } from "./shutdown.ts";
import { slowReaders } from "./slow_readers.ts";
import { vanishing } from "./vanishing.ts";

/** Faults that a server must survive. */
export const faults: readonly Case[] = [
  ...vanishing,
  ...blackHole,
  ...slowReaders,
  ...churn,
  ...shutdown,
  ...pressure,
];

/** Options for running the cases. */
export const FAULT_SUITE = { host: "0.0.0.0", maxCaseMs: 15_000, parallel: 6 } as const;

import type { Visits } from "./durable/visits.ts";
import type { RuntimeName } from "./runtimes.ts";
import type { Workload } from "./servers/protocol.ts";
import type { ToolkitName } from "./toolkits.ts";

/** Something that is measured, and what onepeer is to reach there. */
export interface Scenario {
  /** Argument of `deno task bench`. */
  readonly name: string;
  readonly title: string;
  /** How the servers serve and the load generator loads; nothing where no server is needed. */
  readonly load?: { readonly workload: Workload; readonly args: readonly string[] };
  /** In place of a load. */
  readonly visits?: Visits;
  readonly toolkits: readonly ToolkitName[];
  /** What onepeer is compared with, where it is a comparison. */
  readonly versus?: ToolkitName;
  readonly goal: Goal;
  /** What is to be reached. A runtime that is not named has no target. */
  readonly targets: Targets;
  /** All but Durable Objects, if left out. */
  readonly runtimes?: readonly RuntimeName[];
}

/** What a figure is, and so which way it is good. */
export type Goal =
  /** At least: CPU per message of {@linkcode Scenario.versus}, in CPU per message of onepeer. */
  | "ratio"
  /** At most: nanoseconds from the internal socket into the hook, or for what is saved after it. */
  | "nanoseconds"
  /** At most: milliseconds over {@linkcode Scenario.versus}. */
  | "milliseconds"
  /** At most: KiB for each peer that says nothing. */
  | "memory"
  /** At most: MiB that the process grows by while some do not read; these are closed with 1013. */
  | "growth";

export type Targets = Readonly<Partial<Record<RuntimeName, Target>>>;

/** A bound; `over` another toolkit's figure, or by itself. */
export interface Target {
  readonly value: number;
  readonly over?: ToolkitName;
}

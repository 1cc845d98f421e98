import type { TrialPlan } from "./durable/trials.ts";
import type { RuntimeName } from "./runtimes.ts";
import type { Workload } from "./servers/protocol.ts";
import type { ToolkitName } from "./toolkits.ts";

/** A measurement, and the targets of onepeer. */
export interface Scenario {
  /** Argument of `deno task bench`. */
  readonly name: string;
  readonly title: string;
  /** The work of the servers, and arguments of the load generator. `undefined` without servers. */
  readonly load?: { readonly workload: Workload; readonly args: readonly string[] };
  /** Trials of Durable Objects, in place of a load. */
  readonly trials?: TrialPlan;
  readonly toolkits: readonly ToolkitName[];
  /** The toolkit that onepeer is compared with. */
  readonly versus?: ToolkitName;
  readonly goal: Goal;
  /** Targets, by runtime. */
  readonly targets: Targets;
  /** Runtimes of the scenario; if left out, all except Durable Objects. */
  readonly runtimes?: readonly RuntimeName[];
}

/** Kind of a figure, which also says whether less or more is better. */
export type Goal =
  /** At least: CPU time per message of {@linkcode Scenario.versus}, divided by that of onepeer. */
  | "ratio"
  /** At most: nanoseconds from the internal socket to the hook, or for saving a context. */
  | "nanoseconds"
  /** At most: milliseconds over {@linkcode Scenario.versus}. */
  | "milliseconds"
  /** At most: KiB for each silent peer. */
  | "memory"
  /** At most: MiB of growth while some subscribers do not read. onepeer closes them with 1013. */
  | "growth";

export type Targets = Readonly<Partial<Record<RuntimeName, Target>>>;

/** A bound, absolute or `over` the figure of another toolkit. */
export interface Target {
  readonly value: number;
  readonly over?: ToolkitName;
}

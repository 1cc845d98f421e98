import type { Scenario } from "../scenario.ts";
import type { ToolkitName } from "../toolkits.ts";
import type { TrialPlan } from "./trials.ts";

const THREE: readonly ToolkitName[] = ["bare", "onepeer", "crossws"];
// Without crossws, which keeps at most 16 KiB of topics on the socket, and no context.
const RESTORING: readonly ToolkitName[] = ["empty", "bare", "onepeer"];

const SMALL = "?context=1024&messages=10&topics=3";
const LARGE = "?context=100000&messages=1000&topics=1500";
const TEXT = "?context=1024&messages=1&topics=3";

/** The scenarios of Durable Objects. */
export const durableScenarios: readonly Scenario[] = [
  {
    name: "durable-publish",
    title: "publish to 1,000 in a Durable Object",
    load: { workload: "publish", args: ["publish", "--window=300", "--rounds=21"] },
    toolkits: THREE,
    versus: "bare",
    goal: "ratio",
    targets: { durable: { value: 0.95 } },
    runtimes: ["durable"],
  },
  {
    ...waking("read", SMALL),
    name: "durable-wake",
    title: "wake with 1 KiB of context",
    toolkits: THREE,
    versus: "bare",
    targets: { durable: { value: 2 } },
  },
  {
    ...waking("read", LARGE),
    name: "durable-restore",
    title: "wake with 1,500 topics and 100 kB of context",
    toolkits: RESTORING,
    versus: "empty",
    targets: { durable: { value: 2 } },
  },
  {
    ...waking("update", LARGE),
    name: "durable-restore-save",
    title: "the same wake, and save a changed context",
    toolkits: RESTORING,
    versus: "empty",
    targets: {},
  },
  saving("durable-save", "save 1 KiB of context, ten objects", SMALL),
  saving("durable-save-text", "save 1 KiB of context, one text", TEXT),
];

function saving(name: string, title: string, query: string): Scenario {
  return {
    name,
    title,
    trials: { kind: "save", message: "count", query, rounds: 15, warmup: 2 },
    toolkits: ["bare", "onepeer"],
    goal: "nanoseconds",
    targets: { durable: { value: 1000 } },
    runtimes: ["durable"],
  };
}

function waking(
  message: TrialPlan["message"],
  query: string,
): Pick<Scenario, "trials" | "goal" | "runtimes"> {
  const trials: TrialPlan = { kind: "wake", message, query, rounds: 60, warmup: 10 };
  return { trials, goal: "milliseconds", runtimes: ["durable"] };
}

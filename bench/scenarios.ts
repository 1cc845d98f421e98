import { durableScenarios } from "./durable/scenarios.ts";
import { benchRuntimes, type RuntimeName } from "./runtimes.ts";
import type { Scenario, Targets } from "./scenario.ts";
import type { ToolkitName } from "./toolkits.ts";

const targets = (values: Readonly<Partial<Record<RuntimeName, number>>>): Targets =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value }]));

const THREE: readonly ToolkitName[] = ["bare", "onepeer", "crossws"];
/** Toolkits of scenarios that show further toolkits for context. */
const ECHOING: readonly ToolkitName[] = [...THREE, "hono", "socket.io"];
const PUBLISHING: readonly ToolkitName[] = [...THREE, "socket.io"];
// All servers of a comparison are connected at once. With 9,500 peers each, a third toolkit would exceed
// the limit of open files.
const CROWDED: readonly ToolkitName[] = ["onepeer", "crossws"];

const ECHO = targets({ deno: 0.97, node: 1.05, uws: 0.97, bun: 0.97 });
const PIPELINED = targets({ deno: 0.95, node: 3.5, uws: 0.95, bun: 0.95 });

const SSE: readonly RuntimeName[] = ["deno", "node", "bun"];

/** Slow readers: their number, the most MiB queued for each, and the seconds without reading. */
export const SLOW = { readers: 10, maxBufferedMib: 1, seconds: 12 };
const BOUND = SLOW.readers * SLOW.maxBufferedMib;

export const scenarios: readonly Scenario[] = [
  echo("echo", "echo, 32 B of text, 1 in flight", []),
  echo("echo-pipelined", "echo, 32 B of text, 16 in flight", ["--depth=16"]),
  echo("echo-binary", "echo, 1 KiB of bytes, 1 in flight", ["--binary", "--size=1024"]),
  echo("echo-binary-pipelined", "echo, 1 KiB of bytes, 16 in flight", [
    "--binary",
    "--size=1024",
    "--depth=16",
  ]),
  {
    name: "publish",
    title: "publish to 1,000, 1 per tick",
    load: { workload: "publish", args: ["publish"] },
    toolkits: PUBLISHING,
    versus: "crossws",
    goal: "ratio",
    targets: targets({ deno: 1, node: 1.3, uws: 0.95, bun: 0.95 }),
  },
  {
    name: "publish-batched",
    title: "publish to 1,000, 10 per tick",
    load: { workload: "publish", args: ["publish", "--times=10"] },
    toolkits: PUBLISHING,
    versus: "crossws",
    goal: "ratio",
    targets: targets({ deno: 1, node: 14, uws: 0.95, bun: 0.95 }),
  },
  {
    name: "chat",
    title: "chat, 16 publishers to 1,000, 16 in flight",
    load: { workload: "publish", args: ["publish", "--publishers=16", "--in-flight=16"] },
    toolkits: PUBLISHING,
    versus: "crossws",
    goal: "ratio",
    targets: targets({ deno: 1, node: 15, uws: 0.95, bun: 0.95 }),
  },
  {
    name: "publish-deflate",
    title: "publish to 1,000, 1 KiB of text with deflate",
    load: {
      workload: "publish-deflate",
      args: ["publish", "--deflate", "--size=1024", "--window=200"],
    },
    toolkits: THREE,
    versus: "crossws",
    goal: "ratio",
    targets: targets({ node: 9, uws: 0.95, bun: 0.95 }),
    runtimes: ["node", "uws", "bun"], // Deno 2.9 has no compression
  },
  {
    name: "rooms",
    title: "9,500 peers, 10 per topic",
    load: { workload: "publish", args: ["publish", "--subscribers=9500", "--topics=950"] },
    toolkits: CROWDED,
    versus: "crossws",
    goal: "ratio",
    targets: targets({ deno: 1.9, node: 3.2, uws: 1, bun: 1 }),
  },
  {
    name: "rooms-of-two",
    title: "9,500 peers, 2 per topic",
    load: { workload: "publish", args: ["publish", "--subscribers=9500", "--topics=4750"] },
    toolkits: CROWDED,
    versus: "crossws",
    goal: "ratio",
    targets: {},
  },
  {
    name: "handshakes",
    title: "handshakes with 11 headers",
    load: { workload: "echo", args: ["handshakes", "--warmup=5", "--window=200"] },
    toolkits: THREE,
    versus: "bare",
    goal: "ratio",
    targets: targets({ deno: 0.8, node: 1, uws: 0.9, bun: 0.95 }),
  },
  {
    name: "dispatch",
    title: "dispatch of a message to its hook",
    toolkits: ["onepeer"],
    goal: "nanoseconds",
    targets: targets({ deno: 45, node: 45, uws: 45, bun: 25 }),
  },
  {
    name: "idle",
    title: "memory of an idle peer",
    load: { workload: "echo", args: ["idle", "--steps=4000,9000,14000"] },
    toolkits: THREE,
    goal: "memory",
    targets: { ...targets({ node: 6, uws: 2, bun: 2 }), deno: { value: 1.5, over: "bare" } },
  },
  {
    name: "idle-lean",
    title: "memory of an idle peer, with `retainHeaders: []`",
    load: { workload: "echo-lean", args: ["idle", "--steps=4000,9000,14000"] },
    toolkits: ["bare", "onepeer"],
    goal: "memory",
    targets: {},
  },
  {
    name: "slow",
    title: "10 of 1,000 never read",
    load: {
      workload: "publish-bounded",
      args: ["slow", "--size=16384", `--slow=${SLOW.readers}`, `--seconds=${SLOW.seconds}`],
    },
    toolkits: THREE,
    goal: "growth",
    targets: targets({ deno: BOUND, node: BOUND, uws: BOUND, bun: BOUND }),
  },
  ...durableScenarios,
  {
    name: "sse-publish",
    title: "publish to 1,000 over SSE, 1 per tick",
    load: { workload: "sse", args: ["publish"] },
    toolkits: THREE,
    versus: "crossws",
    goal: "ratio",
    targets: targets({ deno: 3, node: 3, bun: 3 }),
    runtimes: SSE,
  },
  {
    name: "sse-publish-batched",
    title: "publish to 1,000 over SSE, 10 per tick",
    load: { workload: "sse", args: ["publish", "--times=10"] },
    toolkits: THREE,
    versus: "crossws",
    goal: "ratio",
    targets: targets({ deno: 3, node: 3, bun: 3 }),
    runtimes: SSE,
  },
  {
    name: "sse-post",
    title: "a message by POST beside SSE",
    load: { workload: "sse", args: ["posts"] },
    toolkits: THREE,
    versus: "bare",
    goal: "ratio",
    // At most 1.5 times the CPU time of a bare POST.
    targets: targets({ deno: 0.67, node: 0.67, bun: 0.67 }),
    runtimes: SSE,
  },
  {
    name: "noise",
    title: "onepeer beside itself, echo",
    load: { workload: "echo", args: ["echo"] },
    toolkits: ["onepeer", "again"],
    versus: "again",
    goal: "ratio",
    targets: {},
  },
];

function echo(name: string, title: string, args: readonly string[]): Scenario {
  const isBinary = args.includes("--binary");
  const workload = isBinary ? "echo-binary" : "echo";
  return {
    name,
    title,
    load: { workload, args: ["echo", ...args] },
    toolkits: isBinary ? THREE : ECHOING,
    versus: "bare",
    goal: "ratio",
    targets: args.includes("--depth=16") ? PIPELINED : ECHO,
  };
}

/** Runtimes of a scenario. */
export function runtimesOf({ runtimes }: Scenario): readonly RuntimeName[] {
  return runtimes ?? benchRuntimes.map(({ name }) => name);
}

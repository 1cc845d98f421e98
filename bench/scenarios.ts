import type { RuntimeName } from "./runtimes.ts";
import type { Workload } from "./servers/protocol.ts";
import type { ToolkitName } from "./toolkits.ts";

/** Something that is measured, and what onepeer is to reach there. */
export interface Scenario {
  /** Argument of `deno task bench`. */
  readonly name: string;
  readonly title: string;
  /** How the load generator loads, and the servers serve; nothing where no server is needed. */
  readonly load?: { readonly workload: Workload; readonly args: readonly string[] };
  readonly toolkits: readonly ToolkitName[];
  readonly targets: Readonly<Partial<Record<RuntimeName, Target>>>;
}

/** What a cell of the table is to reach. */
export type Target =
  /** CPU per message of another, in CPU per message of onepeer. */
  | { readonly kind: "ratio"; readonly versus: "bare" | "crossws"; readonly atLeast: number }
  /** Nanoseconds from the internal socket into the hook. */
  | { readonly kind: "nanoseconds"; readonly atMost: number }
  /** KiB for each peer that says nothing; over what the bare runtime takes, or in all. */
  | { readonly kind: "memory"; readonly atMost: number; readonly over?: "bare" }
  /** MiB that the process grows by while some do not read, who then are closed with 1013. */
  | { readonly kind: "growth"; readonly atMost: number };

type Ratios = Readonly<Partial<Record<RuntimeName, number>>>;

const versus = (versus: "bare" | "crossws", ratios: Ratios): Scenario["targets"] =>
  Object.fromEntries(
    Object.entries(ratios).map(([name, atLeast]) => [name, { kind: "ratio", versus, atLeast }]),
  );

const THREE = ["bare", "onepeer", "crossws"] as const;
const ECHO = { deno: 0.97, node: 1.05, uws: 0.97, bun: 0.97 };
const PIPELINED = { deno: 0.95, node: 3.5, uws: 0.95, bun: 0.95 };
const ONCE = { deno: 1.0, node: 1.3, uws: 0.95, bun: 0.95 };
const TEN_TIMES = { deno: 1.0, node: 14, uws: 0.95, bun: 0.95 };
const CHAT = { deno: 1.0, node: 15, uws: 0.95, bun: 0.95 };
const ROOMS = { deno: 1.9, node: 3.2, uws: 1.0, bun: 1.0 };

/** Of slow readers: how many, and what may wait for each of them. */
export const SLOW = { readers: 10, maxBufferedMib: 1, seconds: 12 };

export const scenarios: readonly Scenario[] = [
  {
    name: "echo",
    title: "echo, 32 B of text, 1 in flight",
    load: { workload: "echo", args: ["echo", "--window=150"] },
    toolkits: [...THREE, "hono", "socket.io"],
    targets: versus("bare", ECHO),
  },
  {
    name: "echo-pipelined",
    title: "echo, 32 B of text, 16 in flight",
    load: { workload: "echo", args: ["echo", "--depth=16", "--window=150"] },
    toolkits: [...THREE, "hono", "socket.io"],
    targets: versus("bare", PIPELINED),
  },
  {
    name: "echo-binary",
    title: "echo, 1 KiB of bytes, 1 in flight",
    load: {
      workload: "echo-binary",
      args: ["echo", "--size=1024", "--binary", "--window=150"],
    },
    toolkits: THREE,
    targets: versus("bare", ECHO),
  },
  {
    name: "echo-binary-pipelined",
    title: "echo, 1 KiB of bytes, 16 in flight",
    load: {
      workload: "echo-binary",
      args: ["echo", "--size=1024", "--binary", "--depth=16", "--window=150"],
    },
    toolkits: THREE,
    targets: versus("bare", PIPELINED),
  },
  {
    name: "publish",
    title: "publish to 1,000, 1 per tick",
    load: { workload: "publish", args: ["publish"] },
    toolkits: [...THREE, "socket.io"],
    targets: versus("crossws", ONCE),
  },
  {
    name: "publish-batched",
    title: "publish to 1,000, 10 per tick",
    load: { workload: "publish", args: ["publish", "--times=10"] },
    toolkits: [...THREE, "socket.io"],
    targets: versus("crossws", TEN_TIMES),
  },
  {
    name: "chat",
    title: "chat: 16 publishers, 1,000 subscribers, 16 in flight",
    load: { workload: "publish", args: ["publish", "--publishers=16", "--in-flight=16"] },
    toolkits: [...THREE, "socket.io"],
    targets: versus("crossws", CHAT),
  },
  {
    name: "publish-deflate",
    title: "publish to 1,000, 1 KiB of text with deflate",
    load: { workload: "publish-deflate", args: ["publish", "--deflate", "--size=1024"] },
    toolkits: THREE,
    targets: versus("crossws", { node: 9, uws: 0.95, bun: 0.95 }),
  },
  {
    name: "rooms",
    title: "9,500 peers, 10 per topic",
    load: {
      workload: "publish",
      args: ["publish", "--subscribers=9500", "--topics=950"],
    },
    // All are connected at once: a third toolkit would need more open files than one may have.
    toolkits: ["onepeer", "crossws"],
    targets: versus("crossws", ROOMS),
  },
  {
    name: "rooms-of-two",
    title: "9,500 peers, 2 per topic",
    load: {
      workload: "publish",
      args: ["publish", "--subscribers=9500", "--topics=4750"],
    },
    toolkits: ["onepeer", "crossws"],
    targets: {},
  },
  {
    name: "handshakes",
    title: "handshakes with 11 headers",
    load: { workload: "echo", args: ["handshakes"] },
    toolkits: THREE,
    targets: versus("bare", { deno: 0.8, node: 1.0, uws: 0.9, bun: 0.95 }),
  },
  {
    name: "dispatch",
    title: "dispatch of a message into its hook",
    toolkits: ["onepeer"],
    targets: {
      deno: { kind: "nanoseconds", atMost: 45 },
      node: { kind: "nanoseconds", atMost: 45 },
      uws: { kind: "nanoseconds", atMost: 45 },
      bun: { kind: "nanoseconds", atMost: 25 },
    },
  },
  {
    name: "idle",
    title: "memory of an idle peer",
    load: { workload: "echo", args: ["idle", "--steps=4000,9000,14000"] },
    toolkits: THREE,
    targets: {
      deno: { kind: "memory", atMost: 1.5, over: "bare" },
      node: { kind: "memory", atMost: 6 },
      uws: { kind: "memory", atMost: 2 },
      bun: { kind: "memory", atMost: 2 },
    },
  },
  {
    name: "slow",
    title: "10 of 1,000 never read",
    load: {
      workload: "publish-bounded",
      args: ["slow", "--size=16384", `--slow=${SLOW.readers}`, `--seconds=${SLOW.seconds}`],
    },
    toolkits: THREE,
    targets: Object.fromEntries(
      ["deno", "node", "uws", "bun"].map((name) => [
        name,
        { kind: "growth", atMost: SLOW.readers * SLOW.maxBufferedMib },
      ]),
    ),
  },
];

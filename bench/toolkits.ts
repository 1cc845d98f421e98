import type { RuntimeName } from "./runtimes.ts";
import type { Workload } from "./servers/protocol.ts";

/** A toolkit that serves WebSockets. */
export interface Toolkit {
  readonly name: ToolkitName;
  readonly title: string;
  readonly runtimes: readonly RuntimeName[];
  /** Folder of its programs; by default its name. */
  readonly folder?: string;
  /** Protocol of the load generator, if not plain WebSocket. */
  readonly protocol?: "socket.io";
}

export type ToolkitName = "empty" | "bare" | "onepeer" | "again" | "crossws" | "hono" | "socket.io";

const ALL: readonly RuntimeName[] = ["deno", "node", "uws", "bun", "durable"];

/** All toolkits, in the order of the measurement: onepeer stands next to the compared ones. */
export const toolkits: readonly Toolkit[] = [
  { name: "empty", title: "bare, empty", runtimes: ["durable"], folder: "bare" },
  { name: "bare", title: "bare", runtimes: ALL },
  { name: "onepeer", title: "onepeer", runtimes: ALL },
  { name: "again", title: "onepeer again", runtimes: ALL, folder: "onepeer" },
  { name: "crossws", title: "crossws", runtimes: ALL },
  { name: "hono", title: "Hono", runtimes: ["deno", "node", "bun"] },
  { name: "socket.io", title: "Socket.IO", runtimes: ["node"], protocol: "socket.io" },
];

/** The server of a toolkit on a runtime. Over SSE, one program serves all toolkits of a runtime. */
export function serverProgram(
  { name, folder = name }: Toolkit,
  runtime: RuntimeName,
  workload?: Workload,
): URL {
  return new URL(`servers/${workload === "sse" ? "sse" : folder}/${runtime}.ts`, import.meta.url);
}

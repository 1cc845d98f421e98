import type { RuntimeName } from "./runtimes.ts";
import type { Workload } from "./servers/protocol.ts";

/** What serves WebSockets. */
export interface Toolkit {
  readonly name: ToolkitName;
  readonly title: string;
  readonly runtimes: readonly RuntimeName[];
  /** Whose programs it runs; its own, if left out. */
  readonly folder?: string;
  /** How the load generator must speak to it, where that is not plain WebSocket. */
  readonly dialect?: "socket.io";
}

export type ToolkitName = "empty" | "bare" | "onepeer" | "again" | "crossws" | "hono" | "socket.io";

const ALL: readonly RuntimeName[] = ["deno", "node", "uws", "bun", "durable"];

/** In the order in which they are visited: onepeer stands beside what it is compared with. */
export const toolkits: readonly Toolkit[] = [
  { name: "empty", title: "bare, empty", runtimes: ["durable"], folder: "bare" },
  { name: "bare", title: "bare", runtimes: ALL },
  { name: "onepeer", title: "onepeer", runtimes: ALL },
  { name: "again", title: "onepeer again", runtimes: ALL, folder: "onepeer" },
  { name: "crossws", title: "crossws", runtimes: ALL },
  { name: "hono", title: "Hono", runtimes: ["deno", "node", "bun"] },
  { name: "socket.io", title: "Socket.IO", runtimes: ["node"], dialect: "socket.io" },
];

/** The program that serves by this toolkit on a runtime. Over SSE a runtime has one, told the toolkit. */
export function serverProgram(
  { name, folder = name }: Toolkit,
  runtime: RuntimeName,
  workload?: Workload,
): URL {
  return new URL(`servers/${workload === "sse" ? "sse" : folder}/${runtime}.ts`, import.meta.url);
}

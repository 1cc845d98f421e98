import type { RuntimeName } from "./runtimes.ts";

/** What serves WebSockets. */
export interface Toolkit {
  readonly name: ToolkitName;
  readonly title: string;
  readonly runtimes: readonly RuntimeName[];
  /** How the load generator must speak to it, where that is not plain WebSocket. */
  readonly dialect?: "socket.io";
}

export type ToolkitName = "bare" | "onepeer" | "crossws" | "hono" | "socket.io";

const ALL: readonly RuntimeName[] = ["deno", "node", "uws", "bun"];

/** In the order in which they are visited: onepeer between the two that it is compared with. */
export const toolkits: readonly Toolkit[] = [
  { name: "bare", title: "the runtime's own", runtimes: ALL },
  { name: "onepeer", title: "onepeer", runtimes: ALL },
  { name: "crossws", title: "crossws", runtimes: ALL },
];

/** The program that serves by this toolkit on a runtime. */
export function serverProgram({ name }: Toolkit, runtime: RuntimeName): URL {
  return new URL(`servers/${name}/${runtime}.ts`, import.meta.url);
}

/**
 * The protocol between the load generator and the servers.
 *
 * A server process has one {@linkcode Workload}. So a server handles all messages in one way, as an
 * application does.
 *
 * - `GET /echo…` upgrades. For the workloads `echo…`, the server echoes each message.
 * - `GET /topics?topic=00042` upgrades, and subscribes to topic `00042`.
 * - A text `p00042x10…` makes the server publish the text ten times in one turn to topic `00042`.
 * - For `GET /collect`, the server collects garbage and answers 200.
 *
 * The server prints `LISTENING` and its port, and ends when its standard input ends.
 *
 * @module
 */
import process from "node:process";

export { readCommand, topicOf } from "./commands.ts";

/** The work of a server. */
export type Workload =
  /** Messages are text. */
  | "echo"
  /** Messages are binary. */
  | "echo-binary"
  /** Messages are text, and the toolkit keeps as little memory per peer as possible. */
  | "echo-lean"
  | "publish"
  /** Publishes, and compresses with permessage-deflate if the runtime supports it. */
  | "publish-deflate"
  /** Publishes; at most 1 MiB is queued for a peer, if the toolkit has such a limit. */
  | "publish-bounded"
  /** Publishes server-sent events, or receives messages by POST: see `sse/handler.ts`. */
  | "sse";

/** The workload of this process. */
export const workload: Workload = process.argv[2] as Workload;
export const isEcho: boolean = workload.startsWith("echo");
export const isCompressed: boolean = workload === "publish-deflate";
/** Most bytes queued for a peer, for `publish-bounded`. */
export const MAX_BUFFERED: number = 2 ** 20;

/** Collects garbage, and returns the body of the response. */
export function collectGarbage(): string {
  const { gc, Bun } = globalThis as { gc?: () => void; Bun?: { gc(isSync: boolean): void } };
  if (Bun) Bun.gc(true);
  else gc!(); // exists with `--expose-gc`
  return "collected\n";
}

/** Reports the port to the bench, and runs until the bench closes standard input. */
export function announce(port: number): void {
  console.log(`LISTENING ${port}`);
  process.stdin.resume();
  process.stdin.on("end", () => process.exit(0));
}

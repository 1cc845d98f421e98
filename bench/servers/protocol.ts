/**
 * What the load generator and every server of the bench have agreed on.
 *
 * A server is started for one {@linkcode Workload}, so that no program has to tell messages apart
 * that its application would not.
 *
 * - `GET /echo…` upgrades; under `echo` each message goes back as it came.
 * - `GET /topics?topic=00042` upgrades, and listens to that topic.
 * - A text `p00042x10…` is published, all of it, ten times in one turn, to topic `00042`.
 * - Any other request collects garbage, and answers 200.
 *
 * The server prints `LISTENING` and its port, and ends with its standard input.
 *
 * @module
 */
import process from "node:process";

export { readCommand, topicOf } from "./commands.ts";

/** What a server is for. */
export type Workload =
  /** Messages are text. */
  | "echo"
  /** Messages are binary. */
  | "echo-binary"
  /** Messages are text, and a peer keeps as little as the toolkit can do with. */
  | "echo-lean"
  | "publish"
  /** Publishes, and compresses by permessage-deflate where the runtime has it. */
  | "publish-deflate"
  /** Publishes; a peer may have 1 MiB waiting for it, if the toolkit has such a bound. */
  | "publish-bounded"
  /** Publishes over server-sent events, or hears messages by POST: see `sse/handler.ts`. */
  | "sse";

/** What this process was started for. */
export const workload: Workload = process.argv[2] as Workload;
export const isEcho: boolean = workload.startsWith("echo");
export const isCompressed: boolean = workload === "publish-deflate";
/** Of `publish-bounded`. */
export const MAX_BUFFERED: number = 2 ** 20;

/** Collects garbage, and says so: the answer to any request over plain HTTP. */
export function collectGarbage(): string {
  const { gc, Bun } = globalThis as { gc?: () => void; Bun?: { gc(isSync: boolean): void } };
  if (Bun) Bun.gc(true);
  else gc!(); // of `--expose-gc`
  return "collected\n";
}

/** Tells the bench that the server is there, and stays until the bench ends. */
export function announce(port: number): void {
  console.log(`LISTENING ${port}`);
  process.stdin.resume();
  process.stdin.on("end", () => process.exit(0));
}

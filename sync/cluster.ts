/**
 * Connects the endpoints of all workers of `node:cluster` on one machine, over the IPC channels.
 * Runs on Node, Deno and Bun.
 *
 * The primary process relays each message to the workers that have a subscriber, and a publish to
 * all namespaces to all workers. A worker notices within 2.5 s that the primary process is stopped
 * or busy. The primary then drops messages that have waited for it for more than two seconds, and
 * the worker counts them. The messages of a turn leave as one IPC message. Set
 * `serialization: "advanced"` in `setupPrimary()`, so that the IPC channel need not carry base64.
 * The primary process also keeps the histories of topics, in its memory: at most 16 MiB for a topic.
 * They outlive each worker, and end with the primary process.
 * A worker ends with its primary process. On Deno 2.9, a worker that was publishing at that time may
 * go on: two seconds later, `stats.sync.up` is 0, and `onError` gets the error.
 * Does not work under PM2: PM2 is the primary process of its workers, and does not relay.
 *
 * @example
 * ```ts
 * import nodeCluster from "node:cluster";
 * import { createEndpoint } from "@onepeer/onepeer";
 * import { cluster, setupPrimaryCluster } from "@onepeer/onepeer/sync/cluster";
 *
 * await setupPrimaryCluster();
 * if (nodeCluster.isWorker) createEndpoint({ sync: cluster({ channel: "chat" }) });
 * ```
 *
 * @module
 */
import { overBroker } from "../pubsub/broker_link.ts";
import type { SyncAdapter } from "../pubsub/sync_adapter.ts";
import { type ClusterWorker, Relay } from "./cluster/relay.ts";
import { WorkerBroker, type WorkerProcess } from "./cluster/worker_broker.ts";
import { type ClusterName, clusterName } from "./cluster_name.ts";

export type { ClusterName } from "./cluster_name.ts";

/** Options of {@linkcode cluster}. */
export type ClusterOptions = ClusterName & {
  /**
   * Whether `ready()` waits until the primary process relays.
   *
   * @default false
   */
  readonly required?: boolean;
};

/**
 * Returns the option `sync` for the endpoints of all workers. Endpoints with the same `channel`
 * hear each other, also within one worker. If the primary process does not call
 * {@linkcode setupPrimaryCluster}, `onError` gets an error a second later.
 *
 * @throws {TypeError} for a missing name, and for an unknown option. `createEndpoint` throws a
 * `TypeError` in a process without an IPC channel, such as the primary process.
 */
export function cluster(options: ClusterOptions): SyncAdapter {
  const name = clusterName(options, ["required"]);
  const required = options.required ?? false;
  return overBroker((node) => new WorkerBroker(workerProcess(), { cluster: name, node, required }));
}

function workerProcess(): WorkerProcess {
  const { process } = globalThis as { readonly process?: WorkerProcess };
  if (typeof process?.send === "function") return process;
  throw new TypeError(
    "Cannot use sync/cluster as this process has no IPC channel: start it with fork() of node:cluster",
  );
}

/** The part of `node:cluster` that this module uses. */
interface Primary {
  readonly isPrimary: boolean;
  readonly workers?: Readonly<Record<string, ClusterWorker | undefined>> | undefined;
  on(event: "message", listener: (worker: ClusterWorker, message: unknown) => void): unknown;
  on(event: "disconnect" | "exit", listener: (worker: ClusterWorker) => void): unknown;
  [RELAY]?: Relay;
}

/** Place of the relay: two copies of this package in one process must not both relay. */
const RELAY = Symbol.for("onepeer.cluster.relay");

/**
 * Makes the primary process relay the messages of its workers. Call the function before or after
 * the start of the workers. It has no effect in a worker, nor when called again.
 */
export async function setupPrimaryCluster(): Promise<void> {
  // Imported at the call, so that the module also loads on runtimes without `node:cluster`.
  const { default: primary }: { readonly default: Primary } = await import("node:cluster");
  if (!primary.isPrimary || primary[RELAY]) return;
  const relay = primary[RELAY] = new Relay();
  primary.on("message", (worker, message) => relay.received(worker, message));
  primary.on("disconnect", (worker) => relay.forget(worker));
  primary.on("exit", (worker) => relay.forget(worker));
  relay.announce(Object.values(primary.workers ?? {}));
}

/**
 * Connects the endpoints of all workers of `node:cluster` on one machine, over the IPC channels.
 * Runs on Node, Deno and Bun.
 *
 * The primary process relays: each message goes only to the workers with a subscriber. The frames of
 * a turn are one IPC message. With `serialization: "advanced"`, frames are bytes instead of base64.
 * PM2 is the primary process of its workers, and does not relay.
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
 * Returns the option `sync` for the endpoints of all workers. Nodes with the same `channel` hear each
 * other, also within one worker. If the primary process does not call
 * {@linkcode setupPrimaryCluster}, `onError` gets an error a second later.
 *
 * @throws {TypeError} for a missing name, and for an unknown option. The endpoint throws a `TypeError`
 * in a process that is not a worker.
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
 * Makes the primary process relay the messages of its workers, before or after it has started them.
 * Without effect in a worker, and at further calls.
 */
export async function setupPrimaryCluster(): Promise<void> {
  // Imported late, as other runtimes can import this module, too.
  const { default: primary }: { readonly default: Primary } = await import("node:cluster");
  if (!primary.isPrimary || primary[RELAY]) return;
  const relay = primary[RELAY] = new Relay();
  primary.on("message", (worker, message) => relay.received(worker, message));
  primary.on("disconnect", (worker) => relay.forget(worker));
  primary.on("exit", (worker) => relay.forget(worker));
  relay.announce(Object.values(primary.workers ?? {}));
}

/** Node's own types fit `sync/cluster`. `deno check` checks this file; no test runs it. */
import type { Worker } from "node:cluster";
import nodeProcess from "node:process";
import { cluster } from "../../sync/cluster.ts";
import { broadcastChannel } from "../../sync/broadcast_channel.ts";
import type { ClusterWorker } from "../../sync/cluster/relay.ts";
import type { WorkerProcess } from "../../sync/cluster/worker_broker.ts";

export const process: WorkerProcess = nodeProcess;
export const toWorker = (worker: Worker): ClusterWorker => worker;

cluster({ channel: "a" });
cluster({ prefix: "a", required: true });
broadcastChannel({ channel: "a" });
broadcastChannel({ prefix: "a" });
// @ts-expect-error the name is missing
cluster({});
// @ts-expect-error one name is enough
cluster({ channel: "a", prefix: "a" });
// @ts-expect-error a channel that is always connected is not awaited
broadcastChannel({ channel: "a", required: true });

import { Buffer } from "node:buffer";
import nodeCluster from "node:cluster";
import { once } from "node:events";
import process from "node:process";
import { cluster, setupPrimaryCluster } from "../../../sync/cluster.ts";
import type { BrokerDriver } from "../driver.ts";

/**
 * Nodes of one worker: their frames still go through the primary process.
 * `tests/local_brokers_test.ts` has nodes in several workers.
 */
function clusterDriver(name: string, serialization: "json" | "advanced"): BrokerDriver {
  return {
    name,
    abilities: ["forge", "history"],
    async runsElsewhere() {
      if (nodeCluster.isWorker) return false;
      nodeCluster.setupPrimary({ serialization });
      await setupPrimaryCluster();
      await once(nodeCluster.fork(), "exit");
      return true;
    },
    start: () =>
      Promise.resolve({
        keepsHistory: true,
        sync: (channel, { required = false } = {}) => cluster({ channel, required }),
        forge(cluster, channel, frame) {
          const node = "stranger";
          process.send!({ onepeer: "hello", node, cluster });
          const batch = [channel, Buffer.from(frame).toString("base64")];
          process.send!({ onepeer: "publish", node, batch });
          process.send!({ onepeer: "bye", node });
          return Promise.resolve();
        },
        [Symbol.asyncDispose]() {
          nodeCluster.worker!.disconnect(); // Node keeps a worker alive until then
          return Promise.resolve();
        },
      }),
  };
}

/** Drivers for both serializations of the IPC channel. */
export const clusterDrivers: readonly BrokerDriver[] = [
  clusterDriver("cluster", "json"),
  clusterDriver("cluster-advanced", "advanced"),
];

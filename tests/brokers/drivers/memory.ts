import type { SyncAdapter } from "../../../pubsub/sync_adapter.ts";
import { memory } from "../../../sync/memory.ts";
import type { BrokerDriver } from "../driver.ts";

/** The broker within one process: the reference of the suite. */
export const memoryDriver: BrokerDriver = {
  name: "memory",
  abilities: ["history"],
  start() {
    const clusters = new Map<string, SyncAdapter>();
    return Promise.resolve({
      keepsHistory: true,
      sync(name) {
        let sync = clusters.get(name);
        if (!sync) clusters.set(name, sync = memory());
        return sync;
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  },
};

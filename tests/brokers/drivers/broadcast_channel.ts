import { broadcastChannel } from "../../../sync/broadcast_channel.ts";
import type { BrokerDriver } from "../driver.ts";

/** Nodes of one thread. `tests/local_brokers_test.ts` has nodes in several threads. */
export const broadcastChannelDriver: BrokerDriver = {
  name: "broadcast-channel",
  start: () =>
    Promise.resolve({
      sync: (channel) => broadcastChannel({ channel }),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
};

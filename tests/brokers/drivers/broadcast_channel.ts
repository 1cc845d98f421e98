import { broadcastChannel } from "../../../sync/broadcast_channel.ts";
import type { BrokerDriver } from "../driver.ts";

/** Nodes of one thread. `tests/local_brokers_test.ts` has nodes in several threads. */
export const broadcastChannelDriver: BrokerDriver = {
  name: "broadcast-channel",
  abilities: ["forge"],
  start: () =>
    Promise.resolve({
      sync: (channel) => broadcastChannel({ channel }),
      forge(cluster, channel, frame) {
        const stranger = new BroadcastChannel(`onepeer:${cluster}`);
        stranger.postMessage([{ channel, frame }]);
        stranger.close();
        return Promise.resolve();
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
};

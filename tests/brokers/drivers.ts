import type { BrokerDriver } from "./driver.ts";
import { broadcastChannelDriver } from "./drivers/broadcast_channel.ts";
import { clusterDrivers } from "./drivers/cluster.ts";
import { memoryDriver } from "./drivers/memory.ts";
import { redisDrivers } from "./drivers/redis.ts";

/** All brokers under test. */
export const drivers: readonly BrokerDriver[] = [
  memoryDriver,
  broadcastChannelDriver,
  ...clusterDrivers,
  ...redisDrivers,
];

import { createClient } from "@redis/client";
import { Redis } from "ioredis";
import { Redis as Valkey } from "iovalkey";
import { redis, type RedisClient } from "../../../sync/redis.ts";
import type { BrokerDriver, BrokerServer } from "../driver.ts";
import { freePort, hasCommand, ServerProcess } from "../server_process.ts";

const PASSWORD = "secret";

/** How each library makes a client. */
const CLIENTS: Readonly<Record<string, (port: number, password: string) => RedisClient>> = {
  "redis-node-redis": (port, password) =>
    createClient({ socket: { host: "127.0.0.1", port }, password }),
  "redis-ioredis": (port, password) =>
    new Redis({ host: "127.0.0.1", port, password, lazyConnect: true }),
  "redis-iovalkey": (port, password) =>
    new Valkey({ host: "127.0.0.1", port, password, lazyConnect: true }),
};

/** Redis with each client library. */
export const redisDrivers: readonly BrokerDriver[] = Object.entries(CLIENTS).map(
  ([name, client]) => ({
    name,
    missing: async () => await hasCommand("redis-server") ? undefined : "redis-server",
    start: () => start(client),
  }),
);

async function start(client: typeof CLIENTS[string]): Promise<BrokerServer> {
  const port = await freePort();
  const process = await ServerProcess.start([
    "redis-server",
    ...["--bind", "127.0.0.1", "--port", `${port}`, "--save", "", "--requirepass", PASSWORD],
  ], port);
  return {
    sync: (cluster, { required = false } = {}) =>
      redis({ client: client(port, PASSWORD), prefix: cluster, required }),
    faults: process,
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

import { Buffer } from "node:buffer";
import { createClient } from "@redis/client";
import { Redis } from "ioredis";
import { Redis as Valkey } from "iovalkey";
import { createClient as createClient4 } from "node-redis-4";
import { createClient as createClient5 } from "node-redis-5";
import { redis, type RedisClient } from "../../../sync/redis.ts";
import type { BrokerClient, BrokerDriver, BrokerServer } from "../driver.ts";
import { freePort, hasCommand, ServerProcess } from "../server_process.ts";

const PASSWORD = "secret";

type MakeClient = (port: number, password: string) => RedisClient;

/** Functions that make a client of each library. */
const CLIENTS: Readonly<Record<string, MakeClient>> = {
  "redis-node-redis": (port, password) =>
    createClient({ socket: { host: "127.0.0.1", port }, password }),
  "redis-node-redis-4": (port, password) =>
    createClient4({ socket: { host: "127.0.0.1", port }, password }),
  "redis-node-redis-5": (port, password) =>
    createClient5({ socket: { host: "127.0.0.1", port }, password }),
  "redis-ioredis": (port, password) =>
    new Redis({ host: "127.0.0.1", port, password, lazyConnect: true }),
  "redis-iovalkey": (port, password) =>
    new Valkey({ host: "127.0.0.1", port, password, lazyConnect: true }),
};

/** Libraries that the gate tests: one version of each interface. */
const IN_GATE: readonly string[] = ["redis-node-redis", "redis-ioredis"];

/** Redis with each client library. */
export const redisDrivers: readonly BrokerDriver[] = Object.entries(CLIENTS).map(
  ([name, client]) => ({
    name,
    abilities: [
      "faults",
      "cut",
      "exhaust",
      "forge",
      "connections",
      "child",
      "port",
      "stall",
      "history",
    ],
    isExtra: !IN_GATE.includes(name),
    missing: async () => await hasCommand("redis-server") ? undefined : "redis-server",
    start: () => start(client),
    attach: (address) => attach(client, Number(address)),
  }),
);

function attach(client: MakeClient, serverPort: number): BrokerClient {
  return {
    sync: (cluster, { required = false, isUnauthorized = false, port = serverPort } = {}) =>
      redis({
        client: client(port, isUnauthorized ? "wrong" : PASSWORD),
        prefix: cluster,
        required,
      }),
  };
}

async function start(client: MakeClient): Promise<BrokerServer> {
  const port = await freePort();
  const process = await ServerProcess.start([
    "redis-server",
    ...["--bind", "127.0.0.1", "--port", `${port}`, "--save", "", "--requirepass", PASSWORD],
  ], port);
  const command = (...args: [string, ...(string | Buffer)[]]) => commandOf(port, ...args);
  return {
    ...attach(client, port),
    address: `${port}`,
    port,
    replacesStalled: true,
    keepsHistory: true,
    faults: {
      kill: () => process.kill(),
      restart: () => process.restart(),
      freeze: () => process.freeze(),
      thaw: () => process.thaw(),
      async cut() {
        await command("CLIENT", "KILL", "TYPE", "pubsub");
        await command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
      },
      async exhaust() {
        await command("CONFIG", "SET", "maxmemory", "1");
      },
    },
    async forge(cluster, channel, bytes) {
      await command("PUBLISH", `${cluster}:t:${channel}`, Buffer.from(bytes));
    },
    async connections() {
      const list = String(await command("CLIENT", "LIST"));
      return list.trim().split("\n").length - 1; // without the one that asks
    },
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

/** Sends one command over a connection of its own. */
async function commandOf(
  port: number,
  name: string,
  ...args: (string | Buffer)[]
): Promise<unknown> {
  const admin = new Redis({ host: "127.0.0.1", port, password: PASSWORD }).on("error", () => {});
  try {
    return await admin.call(name, args);
  } finally {
    admin.disconnect();
  }
}

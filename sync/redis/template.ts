import { mustNotBePromise } from "../../common/thenable.ts";
import type { IoredisClient, NodeRedisClient, RedisClient, RedisTemplate } from "./clients.ts";
import { IoredisSocket } from "./ioredis_socket.ts";
import { NodeRedisSocket } from "./node_redis_socket.ts";

/** Methods by which a client is known. */
const METHODS = {
  "node-redis": ["sendCommand", "pSubscribe", "duplicate", "connect", "disconnect"],
  "ioredis": ["call", "pipeline", "duplicate", "connect", "disconnect"],
} as const;

/** Package that is loaded for a URL. */
const PACKAGE = "ioredis";

/**
 * Returns a function that makes sockets with the options of a client.
 *
 * @param connector library of the client, if the caller has named it.
 * @throws {TypeError} for a value that is not a client of a single server.
 */
export function templateOf(client: unknown, connector?: unknown): RedisTemplate {
  if (typeof client !== "object" || client === null) {
    throw new TypeError(
      `Cannot use the client as it must be one of redis, ioredis or iovalkey: found ${
        client === null ? "null" : typeof client
      }${typeof client === "string" ? ": pass an address as url" : ""}`,
    );
  }
  mustNotBePromise("the client", client);
  // A cluster of ioredis or iovalkey, or of node-redis.
  if (("isCluster" in client && client.isCluster) || ("masters" in client && "slots" in client)) {
    throw new TypeError(
      "Cannot use a client of a Redis Cluster: pass a client of a single server",
    );
  }
  const isNodeRedis = connector === undefined
    ? "pSubscribe" in client // the camel case of node-redis
    : connector === "node-redis";
  const library = isNodeRedis ? "node-redis" : "ioredis";
  const missing = METHODS[library].find((name) => {
    return typeof (client as Record<string, unknown>)[name] !== "function";
  });
  // Pools and Sentinel clients of node-redis have no options that a duplicate could keep.
  if (missing !== undefined || !("options" in client)) {
    throw new TypeError(
      `Cannot use the client as it must be one of redis, ioredis or iovalkey, for a single server: ` +
        `found one without ${missing === undefined ? "options" : `${missing}()`}`,
    );
  }
  return isNodeRedis
    ? (host) => new NodeRedisSocket(client as unknown as NodeRedisClient, host)
    : (host) => new IoredisSocket(client as unknown as IoredisClient, host);
}

/**
 * Loads `ioredis`, and makes a client for a URL. The client is the template of all sockets.
 *
 * @throws {Error} with the command that installs the package.
 */
export async function loadTemplate(url: string): Promise<RedisTemplate> {
  let module: { readonly Redis: new (url: string, options: object) => RedisClient };
  try {
    // Not a literal: the package is optional, so neither bundlers nor JSR may look for it.
    module = await import(PACKAGE as string);
  } catch (cause) {
    throw new Error(
      `Cannot connect to Redis by URL as the package ${PACKAGE} cannot be loaded: ` +
        `run \`npm install ${PACKAGE}\`, or pass a client`,
      { cause },
    );
  }
  return templateOf(new module.Redis(url, { lazyConnect: true }));
}

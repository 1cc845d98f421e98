/**
 * Connects the endpoints of many processes over Redis or Valkey.
 *
 * Pass a client of [`redis`](https://www.npmjs.com/package/redis) (or `@redis/client`),
 * [`ioredis`](https://www.npmjs.com/package/ioredis) or
 * [`iovalkey`](https://www.npmjs.com/package/iovalkey). The client is a template and need not be
 * connected: each endpoint makes two connections with the same options, and ends them in `close()`.
 *
 * Whoever may publish on these channels can send to your clients. Give each application a `prefix`,
 * since all databases of a server share their channels. A user with a least ACL needs:
 *
 * ```text
 * ACL SETUSER chat on >secret &chat:* +publish +subscribe +unsubscribe +eval
 * ```
 *
 * Without `+eval`, all frames of a turn are sent in commands of their own, which costs more.
 *
 * @example
 * ```ts
 * import { createClient } from "@redis/client";
 * import { createEndpoint } from "@onepeer/onepeer";
 * import { redis } from "@onepeer/onepeer/sync/redis";
 *
 * const client = createClient({ url: "redis://127.0.0.1:6379" });
 * await using endpoint = createEndpoint({ sync: redis({ client, prefix: "chat" }) });
 * ```
 *
 * @module
 */
import { checkNames, givenOptions } from "../common/option_names.ts";
import { overBroker } from "../pubsub/broker_link.ts";
import type { SyncAdapter } from "../pubsub/sync_adapter.ts";
import type { RedisClient } from "./redis/clients.ts";
import { RedisBroker } from "./redis/redis_broker.ts";
import { loadTemplate, templateOf } from "./redis/template.ts";

export type { IoredisClient, NodeRedisClient, RedisClient } from "./redis/clients.ts";

/** Options of {@linkcode redis}: a client or a URL, and a prefix. */
export type RedisOptions = RedisSource & RedisPrefix & {
  /**
   * Whether `ready()` of the server waits for Redis.
   *
   * @default false
   */
  readonly required?: boolean | undefined;
};

/** Server to connect to. */
export type RedisSource = {
  /** Client whose options the two connections of an endpoint copy. It need not be connected. */
  readonly client: RedisClient;
  /** Library of the client. Found by itself; crossws has the same option. */
  readonly connector?: "ioredis" | "node-redis" | undefined;
  readonly url?: undefined;
} | {
  /** Address, such as `redis://user:password@host:6379`. Needs the package `ioredis`. */
  readonly url: string;
  readonly client?: undefined;
  readonly connector?: undefined;
};

/** Start of the names of all channels. Endpoints with the same prefix hear each other. */
export type RedisPrefix = {
  /** Start of the names of all channels, such as `chat`. */
  readonly prefix: string;
  readonly channel?: undefined;
} | {
  /** Another name of `prefix`, as crossws has it. */
  readonly channel: string;
  readonly prefix?: undefined;
};

const OPTIONS = ["client", "connector", "url", "prefix", "channel", "required"];
const CONNECTORS: readonly unknown[] = [undefined, "ioredis", "node-redis"];

/**
 * Returns the option `sync` for endpoints that hear each other over Redis or Valkey.
 *
 * If Redis is not reached, clients of this process are served. The endpoint counts and reports lost
 * messages, connects again, and sends nothing late.
 *
 * @throws {TypeError} for a wrong option, and for a client of a Redis Cluster.
 */
export function redis(options: RedisOptions): SyncAdapter {
  checkNames(options, OPTIONS);
  const { client, connector, url, required = false, ...names } = givenOptions(options);
  if (!CONNECTORS.includes(connector)) {
    throw new TypeError(
      `Cannot use connector as it must be "ioredis" or "node-redis": found ${String(connector)}`,
    );
  }
  if (typeof required !== "boolean") {
    throw new TypeError(`Cannot use required as it must be a boolean: found ${typeof required}`);
  }
  const prefix = prefixOf(names);
  if ((client === undefined) === (url === undefined)) {
    throw new TypeError(
      `Cannot use redis() as either client or url must be given: found ${
        client === undefined ? "none" : "both"
      }`,
    );
  }
  if (url !== undefined) {
    checkUrl(url);
    const template = () => loadTemplate(url);
    return overBroker((node) => new RedisBroker({ template, prefix, node, required }));
  }
  const found = templateOf(client, connector), template = () => Promise.resolve(found);
  return overBroker((node) => new RedisBroker({ template, prefix, node, required }));
}

function prefixOf({ prefix, channel }: { prefix?: unknown; channel?: unknown }): string {
  if (prefix !== undefined && channel !== undefined) {
    throw new TypeError("Cannot use channel as it is another name of prefix: found both");
  }
  const name = prefix === undefined && channel !== undefined ? "channel" : "prefix";
  const value = prefix ?? channel;
  if (typeof value === "string" && value !== "" && value.isWellFormed()) return value;
  const found = typeof value === "string" ? JSON.stringify(value) : typeof value;
  throw new TypeError(`Cannot use ${name} as it must be a text that is not empty: found ${found}`);
}

function checkUrl(url: unknown): void {
  const protocol = typeof url === "string" && URL.canParse(url) ? new URL(url).protocol : undefined;
  if (protocol === "redis:" || protocol === "rediss:") return;
  // The URL itself is not shown, as it may contain a password.
  const found = protocol ?? (typeof url === "string" ? "a text that is no URL" : typeof url);
  throw new TypeError(`Cannot use url as it must begin with redis:// or rediss://: found ${found}`);
}

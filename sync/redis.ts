/**
 * Connects the endpoints of many processes over Redis or Valkey.
 *
 * Pass a client of [`redis`](https://www.npmjs.com/package/redis) (or `@redis/client`),
 * [`ioredis`](https://www.npmjs.com/package/ioredis) or
 * [`iovalkey`](https://www.npmjs.com/package/iovalkey). The client is a template and need not be
 * connected: each endpoint makes two connections with the same options, and ends them in `close()`.
 *
 * A program that may publish on the channels of your `prefix` can send to your clients. Give each
 * application its own `prefix`, since all databases of a server share their channels. A user of
 * Redis needs only these rights, for the prefix `chat`:
 *
 * ```text
 * ACL SETUSER chat on >secret &chat:* +publish +subscribe +unsubscribe +eval
 * ```
 *
 * Without `+eval`, each topic of a turn takes a PUBLISH of its own, which costs more.
 *
 * Topics with history (option `topics` of the endpoint) are streams of Redis, of version 5 or newer.
 * They need further rights:
 *
 * ```text
 * ACL SETUSER chat ~chat:* +get +set +xadd +xdel +xrevrange +xinfo +pexpire +info
 * ```
 *
 * With `+info`, a node notices that Redis has lost data: clients are then told that they have missed
 * messages. Without `+info`, this is noticed only if all data are lost.
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
import { setImmediate } from "node:timers";
import { invalidOption } from "../common/errors.ts";
import { givenOptions } from "../common/option_names.ts";
import { overBroker } from "../pubsub/broker_link.ts";
import type { SyncAdapter } from "../pubsub/sync_adapter.ts";
import { type ClusterName, clusterName } from "./cluster_name.ts";
import { LoopBroker } from "./loop_broker.ts";
import type { RedisClient, RedisTemplate } from "./redis/clients.ts";
import { RedisConnection } from "./redis/redis_connection.ts";
import { loadTemplate, templateOf } from "./redis/template.ts";

export type { ClusterName } from "./cluster_name.ts";
export type { IoredisClient, NodeRedisClient, RedisClient } from "./redis/clients.ts";

/** Options of {@linkcode redis}: a client or a URL, and a prefix. */
export type RedisOptions = RedisSource & ClusterName & {
  /**
   * Whether `ready()` of the endpoint and of its adapters waits for Redis.
   *
   * @default false
   */
  readonly required?: boolean | undefined;
};

/** Server to connect to. */
export type RedisSource = {
  /** Client, connected or not, whose options the two connections of an endpoint copy. */
  readonly client: RedisClient;
  /** Library of the client, as in crossws. Default: the library is detected. */
  readonly connector?: "ioredis" | "node-redis" | undefined;
  readonly url?: undefined;
} | {
  /** Address, such as `redis://user:password@host:6379`. Needs the package `ioredis`. */
  readonly url: string;
  readonly client?: undefined;
  readonly connector?: undefined;
};

const CONNECTORS: readonly unknown[] = [undefined, "ioredis", "node-redis"];

/**
 * Returns the option `sync` for endpoints that hear each other over Redis or Valkey.
 *
 * While Redis cannot be reached, the endpoint still serves its own clients. The endpoint counts and
 * reports lost messages, reconnects, and sends nothing late.
 *
 * @throws {TypeError} for a wrong option, and for a client of a Redis Cluster.
 */
export function redis(options: RedisOptions): SyncAdapter {
  const prefix = clusterName(options, ["client", "connector", "url", "required"]);
  const { required = false } = options;
  if (typeof required !== "boolean") {
    throw new TypeError(invalidOption("required", "a boolean", required));
  }
  const template = templateFor(givenOptions(options));
  return overBroker((node) =>
    new LoopBroker({
      name: "Redis",
      required,
      keepsHistory: true,
      connect: (host, lost) => new RedisConnection({ ...host, template, prefix, node }, lost),
      defer: setImmediate,
    })
  );
}

function templateFor({ client, connector, url }: RedisSource): () => Promise<RedisTemplate> {
  if (!CONNECTORS.includes(connector)) {
    throw new TypeError(invalidOption("connector", '"ioredis" or "node-redis"', connector));
  }
  if ((client === undefined) === (url === undefined)) {
    throw new TypeError(
      `Cannot use redis() as either client or url must be given: found ${
        client === undefined ? "none" : "both"
      }`,
    );
  }
  if (url !== undefined) {
    checkUrl(url);
    return () => loadTemplate(url);
  }
  const template = templateOf(client, connector);
  return () => Promise.resolve(template);
}

function checkUrl(url: unknown): void {
  const protocol = typeof url === "string" && URL.canParse(url) ? new URL(url).protocol : undefined;
  if (protocol === "redis:" || protocol === "rediss:") return;
  // The URL itself is not shown, as it may contain a password.
  const found = protocol ?? (typeof url === "string" ? "a text that is no URL" : typeof url);
  throw new TypeError(`Cannot use url as it must begin with redis:// or rediss://: found ${found}`);
}

/**
 * Drivers of the option `sync`, with the names of crossws. Each driver also has an entry of its
 * own, such as `sync/cluster`. `memory()` has only its own entry, `sync/memory`.
 *
 * @example
 * ```ts
 * import { createEndpoint } from "@onepeer/onepeer";
 * import { broadcastChannel } from "@onepeer/onepeer/sync";
 *
 * await using endpoint = createEndpoint({ sync: broadcastChannel({ channel: "chat" }) });
 * ```
 *
 * @module
 */
import type { BroadcastChannelOptions } from "./broadcast_channel.ts";
import type { ClusterOptions } from "./cluster.ts";
import type { NatsOptions } from "./nats.ts";
import type { PostgresOptions } from "./postgres.ts";
import type { RedisOptions } from "./redis.ts";

export { broadcastChannel, type BroadcastChannelOptions } from "./broadcast_channel.ts";
export { cluster, type ClusterName, type ClusterOptions, setupPrimaryCluster } from "./cluster.ts";
export { nats, type NatsOptions } from "./nats.ts";
export { pgsql, postgres, type PostgresOptions } from "./postgres.ts";
export { redis, type RedisOptions } from "./redis.ts";
export { decodeEnvelope, encodeEnvelope, type Envelope } from "./envelope.ts";
export type { LinkMaker, SyncAdapter, SyncDriver, SyncMessage } from "../pubsub/sync_adapter.ts";

/** Options of each driver, by its name. */
export interface SyncDriverOptions {
  /** Options of {@linkcode broadcastChannel}. */
  readonly broadcastChannel: BroadcastChannelOptions;
  /** Options of {@linkcode cluster}. */
  readonly cluster: ClusterOptions;
  /** Options of {@linkcode nats}. */
  readonly nats: NatsOptions;
  /** Options of {@linkcode pgsql}, which is {@linkcode postgres} by its name in crossws. */
  readonly pgsql: PostgresOptions;
  /** Options of {@linkcode redis}. */
  readonly redis: RedisOptions;
}

/** Name of a driver in this module. */
export type SyncDriverName = keyof SyncDriverOptions;

/** Names of all drivers in this module, for tools that choose one by its name. */
export const syncDrivers: readonly SyncDriverName[] = [
  "broadcastChannel",
  "cluster",
  "nats",
  "pgsql",
  "redis",
];

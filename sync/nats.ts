/**
 * Connects the endpoints of many processes over [NATS](https://nats.io), on Node, Deno and Bun.
 *
 * Needs the package [`@nats-io/transport-node`](https://www.npmjs.com/package/@nats-io/transport-node)
 * 3.4, a client over TCP. The WebSocket client of NATS does not notice dead connections.
 *
 * A program that may publish on the subjects of your `prefix` can send to your clients. A user of
 * the NATS server needs only these rights, for the prefix `chat`:
 *
 * ```text
 * authorization {
 *   users = [
 *     { user: chat, password: secret, permissions: { publish: "chat.>", subscribe: "chat.>" } }
 *   ]
 * }
 * ```
 *
 * If a NATS server limits the subscriptions of a connection (`max_subscriptions`), it must allow one
 * for each topic with a subscriber on the node, and one more. Topics beyond the limit are reported to
 * `onError`, and asked for again every ten seconds.
 *
 * Messages larger than 256 KiB, or than `max_payload` of the NATS server, are sent in parts.
 *
 * @example
 * ```ts
 * import { createEndpoint } from "@onepeer/onepeer";
 * import { nats } from "@onepeer/onepeer/sync/nats";
 *
 * const sync = nats({ servers: "nats://127.0.0.1:4222", prefix: "chat" });
 * await using endpoint = createEndpoint({ sync });
 * ```
 *
 * @example With a password
 * ```ts
 * import { connect } from "@nats-io/transport-node";
 * import { createEndpoint } from "@onepeer/onepeer";
 * import { nats } from "@onepeer/onepeer/sync/nats";
 *
 * const sync = nats({
 *   servers: ["nats://127.0.0.1:4222", "nats://127.0.0.1:4223"],
 *   connect: (options) => connect({ ...options, user: "chat", pass: "secret" }),
 *   prefix: "chat",
 * });
 * await using endpoint = createEndpoint({ sync });
 * ```
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { checkNames, givenOptions } from "../common/option_names.ts";
import { overBroker } from "../pubsub/broker_link.ts";
import type { SyncAdapter } from "../pubsub/sync_adapter.ts";
import { LoopBroker } from "./loop_broker.ts";
import { NatsConnection } from "./nats/nats_connection.ts";
import { connectByPackage, type NatsConnect } from "./nats/nats_client.ts";
import { ServerPool } from "./nats/server_pool.ts";

export type {
  NatsConnect,
  NatsConnectionLike,
  NatsConnectOptions,
  NatsSubscription,
} from "./nats/nats_client.ts";

/** Options of {@linkcode nats}: servers, or a function that connects, or both; and a prefix. */
export interface NatsOptions {
  /**
   * Addresses of the servers of one NATS cluster, such as `nats://host:4222`. A node connects to one
   * that answers, and learns the addresses of other servers.
   */
  readonly servers?: string | readonly string[] | undefined;
  /**
   * Makes a connection, with `connect` of `@nats-io/transport-node`. Pass the options on, and add
   * your own: `(options) => connect({ ...options, token })`. Default: `connect` of that package,
   * with no further options.
   *
   * If `servers` is absent, this function must choose the servers. Then a server that accepts
   * connections and never answers may delay the end of the process: the client keeps its sockets.
   */
  readonly connect?: NatsConnect | undefined;
  /**
   * Start of all subjects, such as `chat` or `shop.chat`. Endpoints with the same prefix hear each
   * other.
   */
  readonly prefix: string;
  /**
   * Whether `ready()` of the endpoint and of its adapters waits for NATS.
   *
   * @default false
   */
  readonly required?: boolean | undefined;
}

const OPTIONS = ["servers", "connect", "prefix", "required"];

/**
 * Returns the option `sync` for endpoints that hear each other over NATS.
 *
 * While NATS cannot be reached, the endpoint still serves its own clients. The endpoint counts and
 * reports lost messages, reconnects, and sends nothing late.
 *
 * @throws {TypeError} for a wrong option.
 */
export function nats(options: NatsOptions): SyncAdapter {
  checkNames(options, OPTIONS, { kind: "option of nats()" });
  const { servers, connect = connectByPackage, prefix, required = false } = givenOptions(options);
  if (servers === undefined && connect === connectByPackage) {
    throw new TypeError("Cannot use nats() as servers or connect must be given: found none");
  }
  if (typeof connect !== "function") {
    throw new TypeError(`Cannot use connect as it must be a function: found ${typeof connect}`);
  }
  if (typeof required !== "boolean") {
    throw new TypeError(`Cannot use required as it must be a boolean: found ${typeof required}`);
  }
  checkPrefix(prefix);
  const addresses = servers === undefined ? undefined : addressesOf(servers);
  if (addresses) new ServerPool(addresses); // throws for a wrong address
  return overBroker(() => {
    const pool = addresses && new ServerPool(addresses);
    return new LoopBroker({
      name: "NATS",
      required,
      connect: (host, lost) =>
        new NatsConnection({ ...host, connect, servers: pool, prefix }, lost),
      defer: setImmediate,
    });
  });
}

function addressesOf(servers: unknown): readonly string[] {
  const addresses = Array.isArray(servers) ? [...servers] : [servers];
  if (addresses.length > 0 && addresses.every((it) => typeof it === "string")) return addresses;
  throw new TypeError(
    `Cannot use servers as it must be an address or a list of addresses: found ${
      addresses.length === 0
        ? "an empty list"
        : typeof addresses.find((it) => typeof it !== "string")
    }`,
  );
}

/** Checks that a prefix is a subject without wildcards, and not one of NATS itself (`$SYS`). */
function checkPrefix(prefix: unknown): void {
  if (typeof prefix === "string" && /^[\w-]+(?:\.[\w-]+)*$/.test(prefix)) return;
  throw new TypeError(
    `Cannot use prefix as it must be letters, digits, "_" and "-" in parts between dots: found ${
      typeof prefix === "string" ? JSON.stringify(prefix) : typeof prefix
    }`,
  );
}

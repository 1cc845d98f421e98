/**
 * Connects the endpoints of many processes over PostgreSQL's LISTEN and NOTIFY: no extension, and
 * tables only for topics with history.
 *
 * Pass `connect`, which makes a new client of [`pg`](https://www.npmjs.com/package/pg). Each endpoint
 * has one connection. If the connection is lost, the endpoint makes another one.
 *
 * The endpoints must connect to the same database of the primary server, without a pooler in
 * transaction mode. A role needs only the right to connect. PostgreSQL has no rights for channels:
 * every role that may connect to the database can hear all messages, and can send to your clients.
 * So give the endpoints a database that no other program uses:
 *
 * ```sql
 * CREATE DATABASE sync;
 * REVOKE ALL ON DATABASE sync FROM PUBLIC;
 * CREATE ROLE chat LOGIN PASSWORD 'secret';
 * GRANT CONNECT ON DATABASE sync TO chat;
 * ```
 *
 * Topics with history (option `topics` of the endpoint) need PostgreSQL 13 or newer. They are in
 * unlogged tables of the schema `onepeer_1`. The first endpoint makes the schema, if its role has the
 * right CREATE on the database. Otherwise the owner runs {@linkcode historySchema} and grants these
 * rights:
 *
 * ```sql
 * GRANT USAGE ON SCHEMA onepeer_1 TO chat;
 * GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA onepeer_1 TO chat;
 * ```
 *
 * After a restart or a failover of the server, and after a dump was restored, all histories begin
 * again, and clients that come back are told. Rows of histories that have ended are deleted by later messages.
 *
 * Each statement that publishes uses one transaction id of the server. The publishes of a turn, and
 * those that wait for a running statement, share one statement of up to 512 KiB.
 *
 * @example
 * ```ts
 * import pg from "pg";
 * import { createEndpoint } from "@onepeer/onepeer";
 * import { postgres } from "@onepeer/onepeer/sync/postgres";
 *
 * const connect = () => new pg.Client("postgres://chat:secret@127.0.0.1/sync");
 * await using endpoint = createEndpoint({ sync: postgres({ connect, prefix: "chat" }) });
 * ```
 *
 * @module
 */
import { invalidOption } from "../common/errors.ts";
import { overBroker } from "../pubsub/broker_link.ts";
import type { SyncAdapter } from "../pubsub/sync_adapter.ts";
import { type ClusterName, clusterName } from "./cluster_name.ts";
import { LoopBroker } from "./loop_broker.ts";
import type { PgClient, PostgresJsClient, SessionSource } from "./postgres/clients.ts";
import { SCHEMA_SQL } from "./postgres/history_schema.ts";
import { PostgresConnection } from "./postgres/postgres_connection.ts";
import { clientSource, connectSource, urlSource } from "./postgres/source.ts";

export type { ClusterName } from "./cluster_name.ts";
export type {
  PgClient,
  PgNotification,
  PostgresJsClient,
  PostgresJsListener,
} from "./postgres/clients.ts";

/** Options of {@linkcode postgres}: how to connect, and a prefix. */
export type PostgresOptions = PostgresSource & ClusterName & {
  /**
   * Whether `ready()` of the endpoint and of its adapters waits for PostgreSQL.
   *
   * @default false
   */
  readonly required?: boolean | undefined;
};

/** Server to connect to. */
export type PostgresSource = {
  /** Returns a new client of `pg` that is not connected. Called for each attempt to connect. */
  readonly connect: () => PgClient | Promise<PgClient>;
  readonly client?: undefined;
  readonly connector?: undefined;
  readonly url?: undefined;
} | {
  /**
   * A connected `Client` of `pg` that no other code uses, or a client of postgres.js, as crossws
   * takes them. Both stay open after `close()`.
   *
   * If its connection is lost, a new client with the same parameters replaces a client of `pg`. A
   * `stream`, and a `password` that is a function, are not copied. postgres.js reconnects by
   * itself, which takes 1 to 20 seconds unless its option `backoff` is short. Give postgres.js the
   * option `fetch_types: false`: otherwise version 3.4 rejects a promise that no code can handle, if
   * a connection is cut as it opens (https://github.com/porsager/postgres/issues/1192). That ends a
   * process of Node.
   */
  readonly client: PgClient | PostgresJsClient;
  /** Library of the client, as in crossws. Default: the library is detected. */
  readonly connector?: "pg" | "postgres.js" | undefined;
  readonly connect?: undefined;
  readonly url?: undefined;
} | {
  /** Address, such as `postgres://user:password@host/database`. Needs the package `pg`. */
  readonly url: string;
  readonly client?: undefined;
  readonly connect?: undefined;
  readonly connector?: undefined;
};

const CONNECTORS: readonly unknown[] = [undefined, "pg", "postgres.js"];

/**
 * Returns the option `sync` for endpoints that hear each other over PostgreSQL.
 *
 * While PostgreSQL cannot be reached, the endpoint still serves its own clients. The endpoint
 * counts and reports lost messages, reconnects, and sends nothing late.
 *
 * @throws {TypeError} for a wrong option, and for a `Pool` of `pg`.
 */
export function postgres(options: PostgresOptions): SyncAdapter {
  const prefix = clusterName(options, ["connect", "client", "connector", "url", "required"]);
  const { required = false } = options;
  if (typeof required !== "boolean") {
    throw new TypeError(invalidOption("required", "a boolean", required));
  }
  const makeSource = sourceOf(options);
  return overBroker((node) => {
    const source = makeSource();
    return new LoopBroker({
      name: "PostgreSQL",
      required,
      keepsHistory: true,
      connect: (host, lost) => new PostgresConnection({ ...host, source, prefix, node }, lost),
      closed: () => source.close?.(),
    });
  });
}

/** {@linkcode postgres} by the name that crossws has. */
export const pgsql: typeof postgres = postgres;

/**
 * Statements that make the schema of topics with history, `onepeer_1`: for roles that may not make
 * it themselves. Run them in the database of the endpoints. They may run again.
 *
 * @example
 * ```ts ignore
 * await client.query(historySchema); // as the owner of the database
 * ```
 */
export const historySchema: string = SCHEMA_SQL;

/** Returns a function that makes the source of a node. */
function sourceOf(options: PostgresSource): () => SessionSource {
  const { connect, client, connector, url } = options;
  const given = Object.entries({ connect, client, url }).filter(([, value]) => value !== undefined);
  if (given.length !== 1) {
    const found = given.map(([name]) => name).join(" and ") || "none";
    throw new TypeError(
      `Cannot use postgres() as one of connect, client and url must be given: found ${found}`,
    );
  }
  if (!CONNECTORS.includes(connector)) {
    throw new TypeError(invalidOption("connector", '"pg" or "postgres.js"', connector));
  }
  if (client !== undefined) return clientSource(client, connector);
  if (connector !== undefined) {
    throw new TypeError("Cannot use connector without client");
  }
  if (url !== undefined) {
    checkUrl(url);
    return () => urlSource(url);
  }
  if (typeof connect !== "function") {
    throw new TypeError(`Cannot use connect as it must be a function: found ${typeof connect}`);
  }
  return () => connectSource(connect);
}

function checkUrl(url: unknown): void {
  const protocol = typeof url === "string" && URL.canParse(url) ? new URL(url).protocol : undefined;
  if (protocol === "postgres:" || protocol === "postgresql:") return;
  // The URL itself is not shown, as it may contain a password.
  const found = protocol ?? (typeof url === "string" ? "a text that is no URL" : typeof url);
  throw new TypeError(
    `Cannot use url as it must begin with postgres:// or postgresql://: found ${found}`,
  );
}

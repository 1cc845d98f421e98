import pg from "pg";
import postgresJs from "postgres";
import type { Broker, SyncAdapter } from "../../../pubsub/broker.ts";
import { splitFrame } from "../../../sync/chunks.ts";
import { postgres } from "../../../sync/postgres.ts";
import {
  MAX_NOTIFICATION,
  nameOf,
  NotificationCodec,
  notifyStatement,
} from "../../../sync/postgres/notification.ts";
import type { BrokerClient, BrokerDriver, BrokerServer } from "../driver.ts";
import { PostgresServer } from "./postgres_server.ts";

/** Makes the option `sync` for an address of the server. */
type MakeSync = (url: string, options: { prefix: string; required: boolean }) => SyncAdapter;

/** How each library connects. */
const LIBRARIES: Readonly<Record<string, MakeSync>> = {
  "postgres-pg": (url, options) => postgres({ connect: () => new pg.Client(url), ...options }),
  "postgres-js": (url, options) => {
    const client = postgresJs(url, { max: 2, backoff: () => 0.1 });
    const sync = postgres({ client, ...options });
    return (node) => closesToo(sync(node) as Broker, client);
  },
};

/** PostgreSQL with each client library. */
export const postgresDrivers: readonly BrokerDriver[] = Object.entries(LIBRARIES).map(
  ([name, makeSync]) => ({
    name,
    missing: () => Promise.resolve(PostgresServer.missing()),
    start: () => start(makeSync),
    attach: (address) => attach(makeSync, address),
  }),
);

/** Ends the client of postgres.js after its broker, as its owner does. */
function closesToo(broker: Broker, client: postgresJs.Sql): Broker {
  const close = broker.close.bind(broker);
  return Object.assign(broker, {
    async close() {
      await close();
      await client.end({ timeout: 0 });
    },
  });
}

function attach(makeSync: MakeSync, address: string): BrokerClient {
  return {
    sync(cluster, { required = false, isUnauthorized = false } = {}) {
      const url = isUnauthorized ? address.replace(/:[^:@]*@/, ":wrong@") : address;
      return makeSync(url, { prefix: cluster, required });
    },
  };
}

async function start(makeSync: MakeSync): Promise<BrokerServer> {
  const server = await PostgresServer.start();
  return {
    ...attach(makeSync, server.url()),
    address: server.url(),
    faults: {
      kill: () => server.kill(),
      restart: () => server.restart(),
      freeze: () => server.freeze(),
      thaw: () => server.thaw(),
      async cut() {
        await server.query(`select pg_terminate_backend(pid) ${OTHERS}`);
      },
    },
    async forge(cluster, channel, bytes) {
      const codec = new NotificationCodec("stranger"), name = nameOf(cluster, channel);
      const parts = splitFrame(Uint8Array.from(bytes), MAX_NOTIFICATION);
      const notifications = parts.map((part) => ({ name, payload: codec.encode(part) }));
      await server.query(notifyStatement(notifications));
    },
    async connections() {
      const { rows } = await server.query(`select count(*)::int as count ${OTHERS}`);
      return rows[0]!.count;
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Connections to the server besides the one that asks. */
const OTHERS = "from pg_stat_activity where backend_type = 'client backend' " +
  "and pid <> pg_backend_pid()";

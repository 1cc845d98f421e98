import pg from "pg";
import postgresJs from "postgres";
import type { Broker, BrokerHost, SyncAdapter } from "../../../pubsub/broker.ts";
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
    return (node) => withClient(sync(node) as Broker, client);
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
function withClient(broker: Broker, client: postgresJs.Sql): Broker {
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
  const server = await PostgresServer.start(), client = attach(makeSync, server.url());
  const connected = new Set<Broker>();
  return {
    sync(cluster, options) {
      const sync = client.sync(cluster, options);
      return (node) => watched(sync(node) as Broker, connected);
    },
    address: server.url(),
    faults: {
      async kill() {
        await server.kill();
        // postgres.js does not tell that its connection is lost: the next probe shows that. Without
        // this, a case could take the old connection for the new one.
        while (connected.size > 0) await new Promise((resolve) => setTimeout(resolve, 10));
      },
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

/** Keeps a broker in a set while it is connected. */
function watched(broker: Broker, connected: Set<Broker>): Broker {
  const open = broker.open.bind(broker), close = broker.close.bind(broker);
  return Object.assign(broker, {
    open(host: BrokerHost) {
      open({
        received: (channel, frame) => host.received(channel, frame),
        up(gap) {
          connected.add(broker);
          host.up(gap);
        },
        down(error) {
          connected.delete(broker);
          host.down(error);
        },
      });
    },
    async close() {
      await close();
      connected.delete(broker);
    },
  });
}

/** Connections to the server besides the one that asks. */
const OTHERS = "from pg_stat_activity where backend_type = 'client backend' " +
  "and pid <> pg_backend_pid()";

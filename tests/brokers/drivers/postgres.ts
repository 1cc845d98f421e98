import pg from "pg";
import postgresJs from "postgres";
import type { LinkHost } from "../../../pubsub/node_link.ts";
import type { SyncAdapter } from "../../../pubsub/sync_adapter.ts";
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
    return wrapped(sync, () => client.end({ timeout: 0 })); // as the owner of the client does
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

/**
 * Wraps `sync`.
 *
 * @param closed called when a link has ended, with the host of the link.
 * @param hostOf returns the host that the link gets.
 */
function wrapped(
  sync: SyncAdapter,
  closed: (host: LinkHost) => unknown,
  hostOf: (host: LinkHost) => LinkHost = (host) => host,
): SyncAdapter {
  return (node) => {
    const made = sync(node);
    if (!("link" in made)) throw new TypeError("postgres() returned no link");
    return {
      link(host) {
        const link = made.link(hostOf(host)), close = link.close.bind(link);
        return Object.assign(link, {
          async close() {
            await close();
            await closed(host);
          },
        });
      },
    };
  };
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
  const connected = new Set<LinkHost>();
  return {
    sync(cluster, options) {
      return watched(client.sync(cluster, options), connected);
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

/** Keeps the hosts of links in a set while they are connected. */
function watched(sync: SyncAdapter, connected: Set<LinkHost>): SyncAdapter {
  return wrapped(sync, (host) => connected.delete(host), (host) => ({
    ...host,
    up() {
      connected.add(host);
      host.up();
    },
    down(error) {
      connected.delete(host);
      host.down(error);
    },
  }));
}

/** Connections to the server besides the one that asks. */
const OTHERS = "from pg_stat_activity where backend_type = 'client backend' " +
  "and pid <> pg_backend_pid()";

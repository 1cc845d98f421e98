import pg from "pg";
import postgresJs from "postgres";
import type { LinkMaker, SyncAdapter } from "../../../pubsub/sync_adapter.ts";
import { splitFrame } from "../../../sync/chunks.ts";
import { postgres } from "../../../sync/postgres.ts";
import {
  MAX_NOTIFICATION,
  nameOf,
  notifyStatement,
  senderOf,
} from "../../../sync/postgres/notification.ts";
import type { Ability, BrokerClient, BrokerDriver, BrokerServer } from "../driver.ts";
import { PostgresServer } from "./postgres_server.ts";

/** Makes the option `sync` for an address of the server. */
type MakeSync = (url: string, options: { prefix: string; required: boolean }) => SyncAdapter;

/** Functions that connect with each library. */
const LIBRARIES: Readonly<Record<string, MakeSync>> = {
  "postgres-pg": (url, options) => postgres({ connect: () => new pg.Client(url), ...options }),
  "postgres-js": (url, options) => {
    const client = postgresJs(url, { max: 2, backoff: () => 0.1 });
    return watched(postgres({ client, ...options }), { closed: () => client.end({ timeout: 0 }) });
  },
};

/** Cases that a library cannot pass, by the name of the library. */
const GAPS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "postgres-js": {
    "N6.frozen":
      "after end(), postgres.js 3.4 keeps the process alive until the server has ended " +
      "its half of each connection, which a frozen server does not do",
  },
};

const ABILITIES: readonly Ability[] = [
  "faults",
  "cut",
  "forge",
  "connections",
  "child",
  "port",
  "history",
];

/** PostgreSQL with each client library. */
export const postgresDrivers: readonly BrokerDriver[] = Object.entries(LIBRARIES).map(
  ([name, makeSync]) => ({
    name,
    abilities: name === "postgres-pg" ? [...ABILITIES, "stall"] : ABILITIES,
    isExtra: name === "postgres-js", // the gate has one library of PostgreSQL
    gaps: GAPS[name] ?? {},
    missing: () => Promise.resolve(PostgresServer.missing()),
    start: () => start(name, makeSync),
    attach: (address) => attach(makeSync, address),
  }),
);

function attach(makeSync: MakeSync, address: string): BrokerClient {
  return {
    sync(cluster, { required = false, isUnauthorized = false, port } = {}) {
      const url = new URL(address);
      if (isUnauthorized) url.password = "wrong";
      if (port !== undefined) url.port = `${port}`;
      return makeSync(url.href, { prefix: cluster, required });
    },
  };
}

async function start(name: string, makeSync: MakeSync): Promise<BrokerServer> {
  const server = await PostgresServer.start(), client = attach(makeSync, server.url());
  const connected = new Set<object>();
  return {
    sync: (cluster, options) => watched(client.sync(cluster, options), { connected }),
    address: server.url(),
    port: server.port,
    replacesStalled: name === "postgres-pg",
    keepsHistory: true,
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
      const parts = splitFrame(Uint8Array.from(bytes), MAX_NOTIFICATION);
      const name = nameOf(cluster, channel);
      await server.query(
        notifyStatement(senderOf("stranger"), parts.map((bytes) => ({ name, bytes }))),
      );
    },
    async connections() {
      const { rows } = await server.query(`select count(*)::int as count ${OTHERS}`);
      return rows[0]!.count;
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Observers of the nodes of a test. */
interface Watch {
  /** Gets each node while it is connected. */
  readonly connected?: Set<object>;
  /** Called when a node is closed, as the owner of a client does. */
  closed?(): Promise<void>;
}

/** Returns the option `sync` of nodes that are watched. */
function watched(sync: SyncAdapter, { connected, closed }: Watch): SyncAdapter {
  return (node) => {
    const maker = sync(node) as LinkMaker;
    return {
      link(host) {
        const up = host.up.bind(host), down = host.down.bind(host);
        const link = maker.link({
          ...host,
          up(gap) {
            connected?.add(maker);
            up(gap);
          },
          down(error) {
            connected?.delete(maker);
            down(error);
          },
        });
        const close = link.close.bind(link);
        return Object.assign(link, {
          async close() {
            await close();
            connected?.delete(maker);
            await closed?.();
          },
        });
      },
    };
  };
}

/** Connections to the server besides the one that asks. */
const OTHERS = "from pg_stat_activity where backend_type = 'client backend' " +
  "and pid <> pg_backend_pid()";

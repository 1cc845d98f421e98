import pg from "pg";
import postgresJs from "postgres";
import { postgres } from "../../../sync/postgres.ts";
import type { BrokerDriver, BrokerServer } from "../driver.ts";
import { PostgresServer } from "./postgres_server.ts";

/** PostgreSQL with each client library. */
export const postgresDrivers: readonly BrokerDriver[] = [
  { name: "postgres-pg", missing, start: startPg },
  { name: "postgres-js", missing, start: startPostgresJs },
];

function missing(): Promise<string | undefined> {
  return Promise.resolve(PostgresServer.missing());
}

async function startPg(): Promise<BrokerServer> {
  const server = await PostgresServer.start();
  return {
    sync: (cluster, { required = false } = {}) =>
      postgres({ connect: () => new pg.Client(server.url()), prefix: cluster, required }),
    faults: server,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function startPostgresJs(): Promise<BrokerServer> {
  const server = await PostgresServer.start();
  const clients: postgresJs.Sql[] = [];
  return {
    sync(cluster, { required = false } = {}) {
      const client = postgresJs(server.url(), { max: 2, backoff: () => 0.1 });
      clients.push(client);
      return postgres({ client, prefix: cluster, required });
    },
    faults: server,
    async [Symbol.asyncDispose]() {
      await Promise.all(clients.map((client) => client.end({ timeout: 0 })));
      await server[Symbol.asyncDispose]();
    },
  };
}

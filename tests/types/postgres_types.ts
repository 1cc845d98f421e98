/** Types of `sync/postgres` against the real clients. `deno check` checks this file; no test runs it. */
import pg from "pg";
import postgresJs from "postgres";
import { type PgClient, pgsql, postgres, type PostgresJsClient } from "../../sync/postgres.ts";

postgres({ connect: () => new pg.Client(), prefix: "chat" });
postgres({ connect: () => Promise.resolve(new pg.Client()), channel: "chat", required: true });
postgres({ url: "postgres://localhost", prefix: "chat" });
postgres({ client: new pg.Client(), prefix: "chat" });
postgres({ client: postgresJs(), prefix: "chat" });
// The signature of crossws.
pgsql({ client: new pg.Client(), channel: "chat", connector: "pg" });
pgsql({ client: postgresJs({ types: { point: postgresJs.BigInt } }), channel: "chat" });

export const fits: [PgClient, PostgresJsClient] = [new pg.Client(), postgresJs()];

// @ts-expect-error the prefix is missing
postgres({ connect: () => new pg.Client() });
// @ts-expect-error a client and a URL exclude each other
postgres({ client: new pg.Client(), url: "postgres://localhost", prefix: "chat" });
// @ts-expect-error a pool is no client
postgres({ client: new pg.Pool(), prefix: "chat" });
// @ts-expect-error a pool is no client
postgres({ connect: () => new pg.Pool(), prefix: "chat" });
// @ts-expect-error a client of postgres.js connects again by itself
postgres({ connect: () => postgresJs(), prefix: "chat" });

import assert from "node:assert/strict";
import { NatsConnection } from "../../../sync/nats/nats_connection.ts";
import type { PgClient } from "../../../sync/postgres/clients.ts";
import { PgSession } from "../../../sync/postgres/pg_session.ts";
import type { IoredisClient, NodeRedisClient } from "../../../sync/redis/clients.ts";
import { IoredisSocket } from "../../../sync/redis/ioredis_socket.ts";
import { NodeRedisSocket } from "../../../sync/redis/node_redis_socket.ts";

const redisHost = { received() {}, lost() {} };
const sessionHost = { received: () => true, answered() {}, lost() {} };
const turn = () => new Promise<void>((go) => setTimeout(go));

/** A client whose every method is planned, or does nothing. */
function client<T>(methods: Record<string, unknown>): T {
  const made: unknown = { on() {}, off() {}, duplicate: () => made, options: {}, ...methods };
  return made as T;
}

/** The ways in which the end of a client can fail. */
const ENDS: Readonly<Record<string, () => unknown>> = {
  throws() {
    throw new Error("The client is closed"); // as node-redis 5 does
  },
  rejects: () => Promise.reject(new Error("The client is closed")),
  "returns nothing": () => undefined,
};

for (const [how, end] of Object.entries(ENDS)) {
  Deno.test(`NodeRedisSocket.destroy() accepts a client whose disconnect() ${how}`, async () => {
    new NodeRedisSocket(client<NodeRedisClient>({ disconnect: end }), redisHost).destroy();
    await turn(); // an unhandled rejection fails the test
  });

  Deno.test(`IoredisSocket.destroy() accepts a client whose disconnect() ${how}`, async () => {
    new IoredisSocket(client<IoredisClient>({ disconnect: end }), redisHost).destroy();
    await turn();
  });

  Deno.test(`NatsConnection.destroy() accepts a client whose close() ${how}`, async () => {
    const connection = new NatsConnection({
      connect: () =>
        Promise.resolve(client({
          close: end,
          closed: () => new Promise(() => {}),
          async *status() {},
        })),
      servers: undefined,
      prefix: "chat",
      received() {},
      refused() {},
    }, () => {});
    await connection.open();
    connection.destroy();
    await turn();
  });

  Deno.test(`PgSession.destroy() accepts a client without a connection, whose end() ${how}`, async () => {
    let ends = 0;
    const native = () =>
      client<PgClient>({
        connect: () => Promise.resolve(),
        end: () => (ends++, end()),
      });
    new PgSession(native(), true, sessionHost).destroy(); // before it is connected
    await turn();
    assert.equal(ends, 1, "a client that still connects is ended");
    const open = new PgSession(native(), true, sessionHost);
    await open.open();
    open.destroy();
    // The client does not answer: a second later, the session tries to end it once more.
    while (ends < 3) await turn();
  });

  Deno.test(`PgSession.destroy() accepts a client whose off() and query() ${how}`, async () => {
    const session = new PgSession(client<PgClient>({ off: end, query: end }), false, sessionHost);
    await session.listen(["a"]).catch(() => {});
    session.destroy();
    await turn();
  });
}

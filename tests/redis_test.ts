import assert from "node:assert/strict";
import { createClient } from "@redis/client";
import { Redis } from "ioredis";
import { Redis as Valkey } from "iovalkey";
import type { SyncAdapter } from "../mod.ts";
import { redis, type RedisClient } from "../sync/redis.ts";
import { RedisServer } from "./brokers/redis_server.ts";
import { hasCommand } from "./brokers/server_process.ts";
import { is, TestNode, texts, until } from "./brokers/test_node.ts";

/** What depends on the settings of Redis and its clients. The broker cases cover the rest. */

const isMissing = !await hasCommand("redis-server");
if (isMissing) console.error("\n*** NOT RUN: needs redis-server: tests/redis_test.ts ***\n");

/** Checks that two nodes hear each other. */
async function assertConnected(sync: SyncAdapter): Promise<void> {
  const first = new TestNode({ sync }), second = new TestNode({ sync });
  await Promise.all([first.ready(), second.ready()]);
  const client = await second.client("/room", "a", "b");
  await second.endpoint.topicsConfirmed();
  first.publish("a", "to a", { namespace: "/room" });
  first.publish("b", "to b", { namespace: "/room" });
  await Promise.all([client.until(is("to a")), client.until(is("to b"))]);
  assert.deepEqual(texts(client).toSorted(), ["to a", "to b"]);
  assert.deepEqual([first.failures, second.failures], [[], []]);
  // Without a time limit: fake clients answer no close frame.
  await Promise.all([first.close({ timeout: 0 }), second.close({ timeout: 0 })]);
}

const LIBRARIES: readonly [name: string, client: (port: number) => RedisClient][] = [
  ["node-redis", (port) => createClient({ url: `redis://node:secret@127.0.0.1:${port}` })],
  [
    "ioredis",
    (port) =>
      new Redis({
        host: "127.0.0.1",
        port,
        username: "node",
        password: "secret",
        lazyConnect: true,
      }),
  ],
  [
    "iovalkey",
    (port) =>
      new Valkey({
        host: "127.0.0.1",
        port,
        username: "node",
        password: "secret",
        lazyConnect: true,
      }),
  ],
];

for (const [name, client] of LIBRARIES) {
  Deno.test({
    name: `redis() over ${name} needs only the permissions that its page lists`,
    ignore: isMissing,
    async fn() {
      await using server = await RedisServer.start();
      const page = await Deno.readTextFile(new URL("../sync/redis.ts", import.meta.url));
      const [, rules] = page.match(/ACL SETUSER chat on >secret (.*)$/m)!;
      await server.admin.call("ACL", ["SETUSER", "node", "on", ">secret", ...rules!.split(" ")]);
      await assertConnected(redis({ client: client(server.port), prefix: "chat", required: true }));
      assert.deepEqual(await server.admin.call("ACL", ["LOG"]), [], "nothing was denied");
      assert.ok(await server.calls("eval") > 2, "the frames of a turn are one command");

      await using other = new TestNode({
        sync: redis({ client: client(server.port), prefix: "foreign" }),
      });
      await until(() => other.failures.length > 0);
      assert.match(String(other.failures[0]!.error), /NOPERM/, "other prefixes are denied");
    },
  });

  Deno.test({
    name: `redis() over ${name} works without the permission for EVAL`,
    ignore: isMissing,
    async fn() {
      await using server = await RedisServer.start();
      await server.admin.call("ACL", [
        ...["SETUSER", "node", "on", ">secret", "&chat:*"],
        ...["+publish", "+subscribe", "+unsubscribe"],
      ]);
      await assertConnected(redis({ client: client(server.port), prefix: "chat", required: true }));
      assert.equal(await server.calls("eval"), 0);
      assert.ok(await server.calls("publish") >= 2);
    },
  });
}

Deno.test({
  name: "redis() ignores options of the client that would change frames or channels",
  ignore: isMissing,
  async fn() {
    await using server = await RedisServer.start();
    const { port } = server, host = "127.0.0.1", lazyConnect = true;
    const clients: readonly RedisClient[] = [
      createClient({ RESP: 2, socket: { port, host } }),
      createClient({ url: `redis://${host}:${port}/2`, pingInterval: 10, name: "n" }),
      createClient({ socket: { port, host }, keyPrefix: "x:", commandsQueueMaxLength: 100 }),
      createClient({ socket: { port, host } }).withTypeMapping({ [36]: Buffer }),
      new Redis({ port, host, lazyConnect, keyPrefix: "x:", db: 2, connectionName: "n" }),
      new Redis({ port, host, lazyConnect, protocol: 2, enableAutoPipelining: true }),
      new Redis({ port, host, lazyConnect, stringNumbers: true, replyMapping: "resp3" }),
      new Valkey({ port, host, lazyConnect, keyPrefix: "x:", enableAutoPipelining: true }),
    ];
    const seen = new Set<string>();
    const watcher = server.admin.duplicate();
    watcher.on("pmessage", (_, channel) => void seen.add(channel));
    await watcher.psubscribe("*");
    for (const client of clients) {
      await assertConnected(redis({ client, prefix: "chat", required: true }));
    }
    watcher.disconnect();
    const ofTopics = [...seen].filter((channel) =>
      !/^chat:t:(?:all|node-[0-9a-f]{16})$/.test(channel)
    );
    assert.deepEqual(ofTopics.toSorted(), ["chat:t:=2Froom.a", "chat:t:=2Froom.b"]);
  },
});

Deno.test({
  name: "redis() connects by URL with the package ioredis",
  ignore: isMissing,
  async fn() {
    await using server = await RedisServer.start("--requirepass", "p@ss");
    server.admin.disconnect();
    const url = `redis://:${encodeURIComponent("p@ss")}@127.0.0.1:${server.port}`;
    await assertConnected(redis({ url, prefix: "chat", required: true }));
  },
});

Deno.test({
  name: "redis() leaves the user's client alone",
  ignore: isMissing,
  async fn() {
    await using server = await RedisServer.start();
    const client = new Redis({ host: "127.0.0.1", port: server.port, lazyConnect: true });
    await assertConnected(redis({ client, prefix: "chat", required: true }));
    assert.equal(client.status, "wait", "the client was never connected");
    await client.set("a", "1");
    await assertConnected(redis({ client, prefix: "chat", required: true }));
    assert.equal(await client.get("a"), "1", "the client is still connected");
    client.disconnect();
  },
});

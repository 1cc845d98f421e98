import assert from "node:assert/strict";
import { Redis } from "ioredis";
import { redis } from "../sync/redis.ts";
import { HistoryNode } from "./brokers/history_node.ts";
import { Proxy } from "./brokers/proxy.ts";
import { RedisServer } from "./brokers/redis_server.ts";
import { hasCommand } from "./brokers/server_process.ts";
import { texts, until } from "./brokers/test_node.ts";

/** Histories on a Redis that loses data, or answers as another server. Broker cases cover the rest. */

const isMissing = !await hasCommand("redis-server");
if (isMissing) {
  console.error("\n*** NOT RUN: needs redis-server: tests/redis_history_test.ts ***\n");
}

const namespace = "/";
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Returns a node over a server. */
function nodeOver({ port }: { readonly port: number }, login: object = {}): HistoryNode {
  const client = new Redis({ host: "127.0.0.1", port, lazyConnect: true, ...login });
  return new HistoryNode(redis({ client, prefix: "chat", required: true }));
}

const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name, ignore: isMissing, sanitizeOps: false, sanitizeResources: false, fn });

test("a Redis that comes back from an old snapshot recovers nobody by mistake", async () => {
  const dir = await Deno.makeTempDir();
  await using server = await RedisServer.start("--dir", dir);
  await using node = nodeOver(server);
  await node.ready();
  const { client } = await node.come();
  for (const text of ["1", "2"]) await node.keep(text);
  const old = await node.keep("3");
  await server.admin.call("SAVE");
  for (const text of ["4", "5"]) await node.keep(text);
  const newest = await node.keep("6");
  await server.restart();
  await until(() => !node.isUp || node.gaps.length > 0);
  await until(() => node.isUp && node.gaps.length > 0);
  assert.deepEqual(node.gaps, [{ topics: ["h"], reason: "epoch" }]);
  // Other messages take the offsets that the lost ones had.
  for (const text of ["4'", "5'", "6'", "7'"]) await node.keep(text);
  for (const since of [old, newest]) {
    const back = await node.come(since);
    assert.deepEqual([back.recovered, back.reason, texts(back.client)], [false, "epoch", []]);
  }
  await until(() => texts(client).includes("7'"));
  assert.deepEqual(texts(client), ["1", "2", "3", "4", "5", "6", "4'", "5'", "6'", "7'"]);
  await Deno.remove(dir, { recursive: true });
});

test("after FLUSHALL, subscribers get every message, and old positions count no more", async () => {
  await using server = await RedisServer.start();
  await using first = nodeOver(server);
  await using second = nodeOver(server);
  await Promise.all([first.ready(), second.ready()]);
  const here = await first.come(), there = await second.come();
  const old = await first.keep("1");
  await server.admin.flushall();
  await second.keep("2");
  await first.keep("3");
  for (const { client } of [here, there]) {
    await until(() => texts(client).includes("3"));
    assert.deepEqual(texts(client), ["1", "2", "3"]);
  }
  assert.deepEqual([first.gaps, second.gaps], [[], []], "nobody has missed a message");
  for (const node of [first, second]) {
    const back = await node.come(old);
    assert.deepEqual([back.recovered, back.reason], [false, "epoch"]);
  }
});

test("after a failover to a replica that lags, clients are told, and none recovers by mistake", async () => {
  await using primary = await RedisServer.start("--repl-diskless-sync-delay", "0");
  const dir = await Deno.makeTempDir(); // a replica writes the data that it has got
  const source = ["--replicaof", "127.0.0.1", `${primary.port}`];
  await using replica = await RedisServer.start("--dir", dir, ...source);
  await until(() => replica.admin.status === "ready");
  while (!/master_link_status:up/.test(await replica.admin.info("replication"))) await sleep(20);
  await using proxy = await Proxy.start(primary.port);
  await using node = nodeOver({ port: proxy.port });
  await node.ready();
  const { client } = await node.come();
  const old = await node.keep("1");
  await primary.admin.call("WAIT", ["1", "0"]);
  await replica.admin.call("REPLICAOF", ["NO", "ONE"]); // from now on it lags
  const newest = await node.keep("2");
  await until(() => texts(client).includes("2"));
  proxy.lead(replica.port);
  await until(() => node.gaps.length > 0);
  assert.deepEqual(node.gaps, [{ topics: ["h"], reason: "epoch" }]);
  for (const text of ["2'", "3'"]) await node.keep(text);
  for (const since of [old, newest]) {
    const back = await node.come(since);
    assert.deepEqual([back.recovered, back.reason, texts(back.client)], [false, "epoch", []]);
  }
});

test("however many clients come back at once, a node reads each topic at most once", async () => {
  await using server = await RedisServer.start();
  await using first = nodeOver(server);
  await using second = nodeOver(server);
  await Promise.all([first.ready(), second.ready()]);
  const topics = Array.from({ length: 20 }, (_, i) => `h${i}`), since = new Map<string, string>();
  for (const topic of topics) {
    since.set(topic, await first.keep("0", topic));
    for (let i = 1; i <= 10; i++) await first.keep(`${i}`, topic);
  }
  const calls = () => server.calls("xinfo");
  const before = await calls();
  const comers = await Promise.all(
    [first, second].flatMap((node) =>
      topics.flatMap((topic) =>
        Array.from({ length: 50 }, () => node.come(since.get(topic), topic))
      )
    ),
  );
  const reads = await calls() - before;
  assert.ok(reads <= 2 * topics.length, `${reads} reads`);
  const wanted = Array.from({ length: 10 }, (_, i) => `${i + 1}`);
  for (const { recovered, client } of comers) {
    assert.ok(recovered);
    assert.deepEqual(texts(client), wanted);
  }
});

test("histories need only the permissions that the page of redis() lists", async () => {
  await using server = await RedisServer.start();
  const page = await Deno.readTextFile(new URL("../sync/redis.ts", import.meta.url));
  const [, rules] = page.match(/ACL SETUSER chat on >secret (.*)$/m)!;
  const [, more] = page.match(/ACL SETUSER chat (~chat.*)$/m)!;
  await server.admin.call("ACL", ["SETUSER", "chat", "on", ">secret", ...rules!.split(" ")]);
  await server.admin.call("ACL", ["SETUSER", "chat", ...more!.split(" ")]);
  await using node = nodeOver(server, { username: "chat", password: "secret" });
  await node.ready();
  const { client, position } = await node.come();
  await node.commit("h", "1", { namespace, key: "k" });
  await until(() => texts(client).includes("1"));
  assert.equal((await node.come(position)).recovered, true);
  assert.deepEqual(await server.admin.call("ACL", ["LOG"]), [], "nothing was denied");
  assert.match(
    String(await server.admin.get("chat:run")),
    /^[0-9a-f]{40}$/,
    "the era knows the server",
  );
});

test("without the permission for EVAL, a topic with history says so, and other topics work", async () => {
  await using server = await RedisServer.start();
  await server.admin.call("ACL", [
    ...["SETUSER", "chat", "on", ">secret", "&chat:*"],
    ...["+publish", "+subscribe", "+unsubscribe"],
  ]);
  await using node = nodeOver(server, { username: "chat", password: "secret" });
  await node.ready();
  const live = await node.client(namespace, "live");
  const { recovered, reason } = await node.come(undefined);
  assert.deepEqual([recovered, reason], [false, "unavailable"]);
  await assert.rejects(node.keep("x"), /EVAL/);
  assert.match(String(node.failures[0]!.error), /EVAL/);
  node.publish("live", "1", { namespace });
  await until(() => texts(live).includes("1"));
});

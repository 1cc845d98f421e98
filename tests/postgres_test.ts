import assert from "node:assert/strict";
import pg from "pg";
import postgresJs from "postgres";
import type { SyncAdapter } from "../mod.ts";
import { postgres, type PostgresOptions } from "../sync/postgres.ts";
import { PostgresServer } from "./brokers/drivers/postgres_server.ts";
import { is, sleep, TestNode, texts, until } from "./brokers/test_node.ts";

/** What depends on the settings of PostgreSQL and its clients. The broker cases cover the rest. */

const missing = PostgresServer.missing();
if (missing) console.error(`\n*** NOT RUN: needs ${missing}: tests/postgres_test.ts ***\n`);

function test(name: string, run: (server: PostgresServer) => Promise<void>): void {
  Deno.test({
    name,
    ignore: missing !== undefined,
    async fn() {
      await using server = await PostgresServer.start();
      await run(server);
    },
  });
}

/** Starts two nodes, with a client of topics at the second one. */
async function pair(first: SyncAdapter, second: SyncAdapter, ...topics: readonly string[]) {
  const nodes = [new TestNode({ sync: first }), new TestNode({ sync: second })] as const;
  await until(() => nodes.every(({ stats }) => stats.sync!.up === 1));
  const client = await nodes[1].client("/room", ...topics);
  await nodes[1].endpoint.topicsConfirmed();
  return {
    nodes,
    client,
    async [Symbol.asyncDispose]() {
      await Promise.all(nodes.map((node) => node.close({ timeout: 0 })));
    },
  };
}

/** Names to which a client listens. */
async function namesOf(client: pg.Client): Promise<number> {
  return (await client.query("select pg_listening_channels()")).rowCount!;
}

test("postgres() needs only the permissions that its page lists", async (server) => {
  const page = await Deno.readTextFile(new URL("../sync/postgres.ts", import.meta.url));
  const [, sql] = page.match(/```sql\n([^]*?)```/)!;
  for (const statement of sql!.replaceAll(/^ \* /gm, "").trim().split(";\n")) {
    await server.query(statement.replace(/;$/, ""));
  }
  const url = server.url({ role: "chat", database: "sync" });
  const role = new pg.Client(url);
  await role.connect();
  await assert.rejects(role.query("create temporary table t (a int)"), /permission denied/);
  await assert.rejects(role.query("create table t (a int)"), /permission denied/);
  await role.end();
  const sync = postgres({ connect: () => new pg.Client(url), prefix: "chat" });
  await using started = await pair(sync, sync, "news");
  const { nodes, client } = started;
  nodes[0].publish("news", "x".repeat(100_000), { namespace: "/room" });
  nodes[0].publish("news", "end");
  await client.until(is("end"));
  assert.deepEqual(nodes.map(({ failures }) => failures), [[], []]);
});

test("postgres() sends no name of a user in the text of a statement", async (server) => {
  const statements: { text: string; values?: (string | Uint8Array)[] }[] = [];
  const connect = () => {
    const client = new pg.Client(server.url());
    const query = client.query.bind(client);
    return Object.assign(client, {
      query(statement: typeof statements[number]) {
        statements.push(statement);
        return query(statement);
      },
    });
  };
  const names = [
    '"; drop table x; --',
    "');select pg_sleep(9);--",
    "$1",
    "{a,b}",
    "\\",
    "\0",
    "🦕",
  ];
  const sync = postgres({ connect, prefix: names[0]! });
  await using started = await pair(sync, sync, ...names);
  const { nodes, client } = started;
  for (const name of names) nodes[0].publish(name, name, { namespace: "/room" });
  nodes[0].publish(names[0]!, "end");
  await client.until(is("end"));
  await until(() => client.messages.length === names.length + 1);
  client.peer.unsubscribe(names[0]!);
  await until(() => statements.some(({ text }) => text.startsWith("unlisten")));
  const known = /^(?:select 1|(?:un)?listen "op_[\w-]{43}"(?:;(?:un)?listen "op_[\w-]{43}")*)$/;
  const notify = statements.find(({ values }) => values)!.text;
  for (const { text, values = [] } of statements) {
    assert.ok(text === notify || known.test(text), text);
    for (const value of values) {
      if (typeof value === "string") assert.match(value, /^[\w-]{16}$|^\{[\w,-]*\}$/);
    }
  }
  assert.match(notify, /pg_notify\(name, \$1/);
});

test("postgres() delivers two messages that are the same, of one turn", async (server) => {
  const sync = postgres({ connect: () => new pg.Client(server.url()), prefix: "chat" });
  await using started = await pair(sync, sync, "news");
  const { nodes, client } = started;
  for (const text of ["same", "same", "end"]) nodes[0].publish("news", text);
  await client.until(is("end"));
  assert.deepEqual(texts(client), ["same", "same", "end"]);
});

test("postgres() connects by URL with the package pg", async (server) => {
  const sync = postgres({ url: server.url(), prefix: "chat" });
  await using started = await pair(sync, sync, "news");
  started.nodes[0].publish("news", "hello");
  await started.client.until(is("hello"));
});

test("Prefixes and databases are isolated", async (server) => {
  await server.query("create database other");
  const of = (database: string, prefix: string) => {
    return postgres({ connect: () => new pg.Client(server.url({ database })), prefix });
  };
  await using started = await pair(of("postgres", "a"), of("postgres", "a"), "news");
  await using prefix = await pair(of("postgres", "b"), of("postgres", "b"), "news");
  await using database = await pair(of("other", "a"), of("other", "a"), "news");
  const all = [started, prefix, database];
  for (const [i, { nodes }] of all.entries()) nodes[0].publish("news", `from ${i}`);
  for (const [i, { nodes, client }] of all.entries()) {
    await client.until(is(`from ${i}`));
    assert.deepEqual(texts(client), [`from ${i}`]);
    assert.equal(nodes[1].stats.sync!.framesIn, 1);
  }
});

const GIVEN: readonly [name: string, connect: (url: string) => pg.Client | postgresJs.Sql][] = [
  ["pg", (url) => new pg.Client(url)],
  ["postgres.js", (url) => postgresJs(url, { max: 2 })],
];

for (const [name, connect] of GIVEN) {
  test(`A client of ${name} that the user passes stays open after close()`, async (server) => {
    const client = connect(server.url());
    if (client instanceof pg.Client) await client.connect();
    const sync = postgres({ client, channel: "chat" } as PostgresOptions);
    await using other = await pair(
      postgres({ connect: () => new pg.Client(server.url()), prefix: "chat" }),
      sync,
      "news",
      "other",
    );
    other.nodes[0].publish("news", "hello");
    await other.client.until(is("hello"));
    await other.nodes[1].close({ timeout: 0 });
    if (client instanceof pg.Client) {
      assert.equal(await namesOf(client), 0);
      assert.equal(client.listenerCount("notification"), 0);
      await client.end();
    } else {
      assert.equal((await client`select 1 as one`)[0]!.one, 1);
      await client.end({ timeout: 5 });
    }
  });
}

test("After a restart, a client of pg that the user passed is replaced by a new one", async (server) => {
  const client = new pg.Client({ connectionString: server.url(), application_name: "given" });
  await client.connect(); // without a listener for errors
  const sync = postgres({ client, channel: "chat" });
  await using started = await pair(
    postgres({ connect: () => new pg.Client(server.url()), prefix: "chat" }),
    sync,
    "news",
  );
  const { nodes } = started;
  for (let i = 0; i < 2; i++) {
    await server.kill();
    await until(() => nodes.every(({ stats }) => stats.sync!.up === 0));
    await server.restart();
    await until(() => nodes.every(({ stats }) => stats.sync!.up === 1));
    nodes[0].publish("news", `after ${i}`);
    await started.client.until(is(`after ${i}`));
  }
  const count = "select count(*)::int from pg_stat_activity where application_name = 'given'";
  assert.equal((await server.query(count)).rows[0].count, 1, "the new client has the parameters");
  await nodes[1].close({ timeout: 0 });
  while ((await server.query(count)).rows[0].count > 0) await sleep(20); // the new client has ended
});

test("Two endpoints with one client of pg do not make each other deaf", async (server) => {
  const client = new pg.Client(server.url());
  await client.connect();
  const sync = postgres({ client, channel: "chat" });
  await using started = await pair(sync, sync, "news");
  const { nodes } = started, near = await nodes[0].client("/room", "news");
  await nodes[0].endpoint.topicsConfirmed();
  near.peer.unsubscribe("news");
  await until(() => nodes[0].stats.sync!.channels === 2);
  nodes[0].publish("news", "hello");
  nodes[0].publish("news", "to the room", { namespace: "/room" });
  await started.client.until(is("to the room"));
  assert.deepEqual(texts(started.client), ["hello", "to the room"]);
  await nodes[0].close({ timeout: 0 });
  await client.end();
});

test("A connect that returns no client of pg is reported, and tried again", async (server) => {
  const wrong: unknown[] = [new pg.Pool(), postgresJs(server.url()), undefined];
  const sync = postgres({
    connect: () => (wrong.shift() ?? new pg.Client(server.url())) as pg.Client,
    prefix: "chat",
  });
  await using node = new TestNode({ sync });
  await until(() => node.stats.sync!.up === 1);
  assert.match(String(node.failures[0]!.error), /TypeError: Cannot use the result of connect/);
});

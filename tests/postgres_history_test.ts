import assert from "node:assert/strict";
import pg from "pg";
import postgresJs from "postgres";
import { historySchema, postgres } from "../sync/postgres.ts";
import { PostgresServer } from "./brokers/drivers/postgres_server.ts";
import { HistoryNode } from "./brokers/history_node.ts";
import { Proxy } from "./brokers/proxy.ts";
import { runHistories } from "./brokers/random_histories.ts";
import { TimeLimit } from "./harness/time_limit.ts";
import { sleep, texts, until } from "./brokers/test_node.ts";
import type { HistoryOptions } from "../pubsub/topic_options.ts";

/** Histories on a PostgreSQL that loses data, or gets old data. Broker cases cover the rest. */

const missing = PostgresServer.missing();
if (missing) console.error(`\n*** NOT RUN: needs ${missing}: tests/postgres_history_test.ts ***\n`);

/** Milliseconds of one test on an idle machine. With many histories, the limit grows. */
const MAX_MS = 60_000 + 1000 * Number(Deno.env.get("HISTORIES") ?? 0);
const HISTORIES = Number(Deno.env.get("HISTORIES") ?? 60);
const SEED = Number(Deno.env.get("SEED") ?? Date.now());

function test(name: string, run: (server: PostgresServer) => Promise<void>): void {
  Deno.test({
    name,
    ignore: missing !== undefined,
    fn: () => new TimeLimit(MAX_MS).race(withServer(run), "the test was still running"),
  });
}

async function withServer(run: (server: PostgresServer) => Promise<void>): Promise<void> {
  await using server = await PostgresServer.start();
  await run(server);
}

/** Returns a node over a server. */
function nodeOver(url: string, history?: HistoryOptions): HistoryNode {
  const connect = () => new pg.Client(url);
  return new HistoryNode(postgres({ connect, prefix: "chat", required: true }), history);
}

/** Checks that positions of a history that is lost recover nobody. */
async function checkNotRecovered(
  node: HistoryNode,
  topic: string,
  ...positions: readonly string[]
): Promise<void> {
  for (const since of positions) {
    const back = await node.come(since, topic);
    assert.deepEqual([back.recovered, back.reason, texts(back.client)], [false, "epoch", []]);
  }
}

/** Losses of data while the server runs, or between its end and its start. */
const LOSSES: Readonly<Record<string, (server: PostgresServer, dump: string) => Promise<void>>> = {
  async "an older dump is restored into the tables"(server, dump) {
    await server.query("truncate onepeer_1.topic, onepeer_1.message, onepeer_1.key");
    const rows = dump.replaceAll(/^(?!COPY )[^\n\t]*\n(?=COPY )|^CREATE [^;]*;$/gm, "");
    const data = rows.match(/^COPY [^]*?\n\\\.\n/gm)!.join("");
    assert.match(data, /^COPY onepeer_1.topic .*\n.+\t.+\n/m, "the dump has the rows");
    await server.restore(data);
  },
  async "an older dump takes the place of the schema"(server, dump) {
    await server.query("drop schema onepeer_1 cascade");
    await server.restore(dump);
  },
  async "older rows are written over the present ones"(server) {
    await server.query("update onepeer_1.topic set top = 3");
    await server.query("delete from onepeer_1.message where place > 3");
  },
  async "the tables are truncated"(server) {
    await server.query("truncate onepeer_1.topic, onepeer_1.message, onepeer_1.key");
  },
  async "only the table of topics is truncated"(server) {
    await server.query("truncate onepeer_1.topic");
  },
  async "the schema is dropped"(server) {
    await server.query("drop schema onepeer_1 cascade");
  },
  async "the server ends and starts again"(server) {
    await server.stop();
    await server.restart();
  },
  async "the server is killed and starts again"(server) {
    await server.kill();
    await server.restart();
  },
  async "a process of the server is killed"(server) {
    await server.crash();
  },
};

/** Commits a message, again and again until the server is there. */
async function keepSoon(node: HistoryNode, text: string, topic: string): Promise<void> {
  for (;;) {
    try {
      return void await node.keep(text, topic, text);
    } catch {
      await sleep(20);
    }
  }
}

for (const [loss, lose] of Object.entries(LOSSES)) {
  test(`If ${loss}, no client is recovered by mistake`, async (server) => {
    await using node = nodeOver(server.url());
    await node.ready();
    const { client } = await node.come();
    // The first statement after the loss adds to `h`, and reads `h read`.
    const topics = ["h", "h read"], positions: Record<string, string[]> = { h: [], "h read": [] };
    const keepAll = async (...all: readonly string[]) => {
      for (const topic of topics) {
        for (const text of all) positions[topic]!.push(await node.keep(text, topic));
      }
    };
    await keepAll("1", "2", "3");
    const dump = loss.includes("dump") ? await server.dump() : "";
    await keepAll("4", "5", "6");
    await until(() => texts(client).includes("6"));
    await lose(server, dump);
    await keepSoon(node, "4'", "h");
    await using other = nodeOver(server.url());
    await other.ready();
    const [old, newest] = [positions["h read"]![2]!, positions["h read"]![5]!];
    await checkNotRecovered(other, "h read", old, newest);
    // Other messages take the offsets that the lost ones had.
    for (const topic of topics) {
      for (const text of ["5'", "6'", "7'"]) await keepSoon(node, text, topic);
      await checkNotRecovered(other, topic, positions[topic]![2]!, positions[topic]![5]!);
    }
    await until(() => texts(client).includes("7'"));
    assert.deepEqual(texts(client), ["1", "2", "3", "4", "5", "6", "4'", "5'", "6'", "7'"]);
  });
}

test("If an older copy of the server's files is brought back, no client is recovered by mistake", async (server) => {
  await using node = nodeOver(server.url());
  await node.ready();
  const old = await node.keep("1");
  await node.keep("1", "h read");
  const read = await node.keep("2", "h read");
  await server.stop();
  const restore = await server.copy();
  await restore();
  await server.restart();
  await until(() => node.isUp);
  await checkNotRecovered(node, "h read", read);
  await keepSoon(node, "2'", "h");
  await checkNotRecovered(node, "h", old);
});

test("After a failover to a replica that lags, no client is recovered by mistake", async (server) => {
  await using first = nodeOver(server.url());
  await first.ready();
  const old = await first.keep("1");
  await server.query("alter table onepeer_1.topic set logged");
  await server.query("alter table onepeer_1.message set logged");
  // The rows are new ones now, so another history begins.
  await first.keep("1");
  const still = await first.keep("2");
  await using replica = await server.replica();
  await replica.query("select pg_promote()");
  const newest = await first.keep("3");
  await using second = nodeOver(replica.url());
  await second.ready();
  const { rows } = await replica.query("select top from onepeer_1.topic");
  assert.deepEqual(rows, [{ top: "2" }], "the replica has old rows");
  for (const text of ["3'", "4'"]) await second.keep(text);
  await checkNotRecovered(second, "h", old, still, newest);
});

test("VACUUM, and a loss of old messages alone, do not end a history", async (server) => {
  await using node = nodeOver(server.url());
  await node.ready();
  const first = await node.keep("1"), second = await node.keep("2");
  await node.keep("3");
  for (const kind of ["", "freeze", "full"]) {
    await server.query(`vacuum ${kind} onepeer_1.topic`);
    await using other = nodeOver(server.url());
    await other.ready();
    const back = await other.come(first);
    assert.deepEqual([back.recovered, texts(back.client)], [true, ["2", "3"]], kind);
  }
  await server.query("delete from onepeer_1.message where place = 2");
  await using other = nodeOver(server.url());
  await other.ready();
  const trimmed = await other.come(first);
  assert.deepEqual([trimmed.recovered, trimmed.reason], [false, "trimmed"]);
  const whole = await other.come(second);
  assert.deepEqual([whole.recovered, texts(whole.client)], [true, ["3"]]);
});

test("If all messages that a node has missed are deleted, it tells so, and recovers no client by mistake", async (server) => {
  await using proxy = await Proxy.start(server.port);
  const url = new URL(server.url());
  url.port = `${proxy.port}`;
  await using first = nodeOver(url.href);
  await using second = nodeOver(server.url());
  await Promise.all([first.ready(), second.ready()]);
  const { client } = await first.come();
  await second.keep("1");
  const known = await second.keep("2");
  await until(() => texts(client).includes("2"));
  const restore = proxy.cutOff();
  await until(() => !first.isUp);
  for (const text of ["3", "4"]) await second.keep(text);
  await server.query("delete from onepeer_1.message");
  restore();
  await until(() => first.isUp);
  const back = await first.come(known);
  assert.deepEqual([back.recovered, back.reason], [false, "trimmed"]);
  assert.deepEqual(first.gaps, [{ topics: ["h"], reason: "trimmed" }]);
  await second.keep("5");
  await until(() => texts(client).includes("5"));
  assert.deepEqual(texts(client), ["1", "2", "5"]);
  assert.equal(first.gaps.length, 1);
});

test("Many nodes that start at once make the schema together", async (server) => {
  const nodes = Array.from({ length: 12 }, () => nodeOver(server.url()));
  await Promise.all(nodes.map((node) => node.ready()));
  const positions = await Promise.all(nodes.map((node, i) => node.keep(`${i}`)));
  assert.deepEqual(
    positions.map((position) => Number(position.split(".")[1])).sort((a, b) => a - b),
    nodes.map((_, i) => i + 1),
  );
  assert.equal(new Set(positions.map((position) => position.split(".")[0])).size, 1);
  assert.deepEqual(nodes.flatMap(({ failures }) => failures), []);
  for (const node of nodes) await node[Symbol.asyncDispose]();
});

for (const level of ["serializable", "repeatable read"]) {
  test(`Histories work in a database whose transactions are ${level}`, async (server) => {
    await server.query(`alter database postgres set default_transaction_isolation = '${level}'`);
    await using first = nodeOver(server.url());
    await using second = nodeOver(server.url());
    await Promise.all([first.ready(), second.ready()]);
    const { client, position } = await first.come();
    for (let i = 0; i < 20; i++) {
      const results = await Promise.allSettled([first.keep(`a${i}`), second.keep(`b${i}`)]);
      assert.ok(results.some(({ status }) => status === "fulfilled"));
    }
    await second.keep("end");
    await until(() => texts(client).includes("end"));
    const back = await second.come(position);
    assert.deepEqual([back.recovered, texts(back.client)], [true, texts(client)]);
  });
}

test("Histories need only the permissions that the page of postgres() lists", async (server) => {
  const page = await Deno.readTextFile(new URL("../sync/postgres.ts", import.meta.url));
  const [database, tables] = [...page.matchAll(/```sql\n([^]*?)```/g)].map(([, sql]) =>
    sql!.replaceAll(/^ \* /gm, "").trim()
  ) as [string, string];
  for (const statement of database.split(";\n")) await server.query(statement.replace(/;$/, ""));
  const url = server.url({ role: "chat", database: "sync" });
  await using node = nodeOver(url);
  await node.ready();
  const live = await node.client("/", "live");
  const { recovered, reason } = await node.come();
  assert.deepEqual([recovered, reason], [false, "unavailable"]);
  const wanted = /no rights for the schema onepeer_1: permission denied .*historySchema/;
  await assert.rejects(node.keep("x"), wanted);
  assert.match(String(node.failures[0]!.error), wanted);
  node.publish("live", "1", { namespace: "/" });
  await until(() => texts(live).includes("1"));

  const owner = new pg.Client(server.url({ database: "sync" }));
  await owner.connect();
  for (let i = 0; i < 2; i++) await owner.query(historySchema);
  await assert.rejects(node.keep("x"), wanted);
  await owner.query(tables);
  await owner.end();
  const { client, position } = await node.come();
  await node.keep("1", "h", "k");
  assert.deepEqual([await node.keep("1", "h", "k")], [await node.keep("1", "h", "k")]);
  await until(() => texts(client).includes("1"));
  assert.equal((await node.come(position)).recovered, true);
});

/** Rows of the tables. */
async function rowsOf(server: PostgresServer): Promise<readonly number[]> {
  const counts = ["topic", "message", "key"].map((table) =>
    `(select count(*) from onepeer_1.${table})`
  );
  const { rows } = await server.query(`select array[${counts}]::int[] as counts`);
  return rows[0]!.counts;
}

test("A history ends after its time, by the clock of the server, and later messages delete its rows", async (server) => {
  await using short = nodeOver(server.url(), { size: 50, ttl: 200 });
  await using long = nodeOver(server.url());
  await Promise.all([short.ready(), long.ready()]);
  const topics = Array.from({ length: 20 }, (_, i) => `h${i}`);
  const since = await Promise.all(topics.map((topic) => short.keep("1", topic, "k")));
  for (const topic of topics) for (let i = 0; i < 9; i++) await short.keep("2", topic);
  const again = await short.keep("2", "h0", "k");
  await sleep(250);
  const back = await short.come(since[0], "h0");
  assert.deepEqual([back.recovered, back.reason], [false, "epoch"]);
  assert.notEqual(await short.keep("3", "h0", "k"), again, "the key has ended too");
  // The others are never used again.
  for (let i = 0; i < 30; i++) await long.keep("x", "h long");
  const [topicRows, messageRows] = await rowsOf(server);
  assert.ok(topicRows! <= 2 && messageRows! <= 32, `${topicRows} ${messageRows}`);
});

test("A history goes on while messages come, however old its first one is", async (server) => {
  await using node = nodeOver(server.url(), { size: 50, ttl: 1500 });
  await node.ready();
  const epochs = new Set<string>(), began = performance.now();
  while (performance.now() - began < 2500) {
    epochs.add((await node.keep("x")).split(".")[0]!);
    await node.keep("x", "h other"); // looks for histories that have ended
    await sleep(50);
  }
  assert.equal(epochs.size, 1);
});

test("A history of many messages that has ended is deleted in parts", async (server) => {
  await using short = nodeOver(server.url(), { size: 5000, ttl: 1000 });
  await using long = nodeOver(server.url());
  await Promise.all([short.ready(), long.ready()]);
  for (let i = 0; i < 1200; i++) short.publish("h many", `${i}`, { namespace: "/" });
  await short.keep("end", "h many");
  await sleep(1100);
  const counts: number[] = [];
  for (let i = 0; i < 4; i++) {
    await long.keep("x", "h long");
    counts.push((await rowsOf(server))[1]!);
  }
  assert.deepEqual(counts, [702, 203, 4 - 1, 4]);
});

test("A topic has as many rows as its size, whatever the number of nodes and messages", async (server) => {
  await using first = nodeOver(server.url(), { size: 7, ttl: 60_000 });
  await using second = nodeOver(server.url(), { size: 7, ttl: 60_000 });
  await Promise.all([first.ready(), second.ready()]);
  for (let i = 0; i < 100; i++) {
    for (const node of [first, second]) node.publish("h", `${i}`, { namespace: "/" });
    if (i % 10 === 0) await sleep(1);
  }
  await Promise.all([first.keep("end"), second.keep("end")]);
  assert.deepEqual(await rowsOf(server), [1, 7, 0]);
});

test("An append is one statement, a read is one for each 256 KiB, and no name is in their text", async (server) => {
  const statements: { text: string; values?: (string | Uint8Array)[] }[] = [];
  const connect = () => {
    const client = new pg.Client(server.url()), query = client.query.bind(client);
    return Object.assign(client, {
      query(statement: typeof statements[number]) {
        statements.push(statement);
        return query(statement);
      },
    });
  };
  const name = `h'"; drop schema onepeer_1; -- $1 {a,b} \\ \0 🦕`;
  await using node = new HistoryNode(postgres({ connect, prefix: name, required: true }));
  await node.ready();
  await node.keep("first", name, name);
  const from = statements.length;
  for (let i = 0; i < 10; i++) node.publish(name, "x".repeat(60_000), { namespace: "/" });
  await node.keep("y", name, name);
  await node.keep("z", name);
  const appends = statements.splice(from);
  assert.ok(appends.every(({ text }) => text.startsWith("select onepeer_1.append(")));
  assert.equal(appends.length, 10 / 2 + 2, "a batch has 64 KiB and a last message");
  await node.come(undefined, name);
  await using other = new HistoryNode(postgres({ connect, prefix: name, required: true }));
  await other.ready();
  statements.splice(0);
  const back = await other.client("/");
  await back.peer.subscribe(name, { limit: 50 });
  assert.equal(back.messages.length, 12);
  const reads = statements.filter(({ text }) => text.startsWith("select onepeer_1.read("));
  assert.equal(reads.length, Math.ceil(600_000 / (256 * 1024)) + 0);
  assert.equal(new Set([...appends, ...reads].map(({ text }) => text)).size, 2);
  for (const { values = [] } of [...appends, ...reads]) {
    for (const value of values) {
      if (typeof value === "string") assert.match(value, /^[\w-]*$|^-?\d+$|^\{[\d,]*\}$/);
    }
  }
});

test("No call reads a whole table, however many rows were deleted", async (server) => {
  const scans = async () => {
    const { rows } = await server.query(
      "select sum(seq_scan)::int as whole, sum(idx_scan)::int as parts " +
        "from pg_stat_user_tables where schemaname = 'onepeer_1'",
    );
    return rows[0] as { readonly whole: number; readonly parts: number };
  };
  {
    await using node = nodeOver(server.url(), { size: 5, ttl: 60_000 });
    await node.ready();
    await node.keep("first");
  }
  // The server counts the scans of a connection at its end.
  while ((await scans()).parts === 0) await sleep(20);
  const before = await scans();
  {
    await using node = nodeOver(server.url(), { size: 5, ttl: 60_000 });
    await node.ready();
    for (let i = 0; i < 100; i++) await node.keep(`${i}`, "h", `${i}`);
    await node.come(undefined, "h other");
  }
  while ((await scans()).parts < before.parts + 100) await sleep(20);
  assert.equal((await scans()).whole, before.whole);
});

test("However many clients come back at once, a node reads each topic at most once", async (server) => {
  await using first = nodeOver(server.url());
  await first.ready();
  const topics = Array.from({ length: 20 }, (_, i) => `h${i}`), since = new Map<string, string>();
  for (const topic of topics) {
    since.set(topic, await first.keep("0", topic));
    for (let i = 1; i <= 10; i++) await first.keep(`${i}`, topic);
  }
  let reads = 0;
  const connect = () => {
    const client = new pg.Client(server.url()), query = client.query.bind(client);
    return Object.assign(client, {
      query(statement: { readonly text: string }) {
        if (statement.text.includes("onepeer_1.read")) reads++;
        return query(statement);
      },
    });
  };
  await using node = new HistoryNode(postgres({ connect, prefix: "chat", required: true }));
  await node.ready();
  const comers = await Promise.all(
    topics.flatMap((topic) => Array.from({ length: 50 }, () => node.come(since.get(topic), topic))),
  );
  assert.ok(reads <= topics.length, `${reads} reads`);
  const wanted = Array.from({ length: 10 }, (_, i) => `${i + 1}`);
  for (const { recovered, client } of comers) {
    assert.ok(recovered);
    assert.deepEqual(texts(client), wanted);
  }
});

for (const library of ["pg", "postgres.js"]) {
  test(`In random histories over ${library}, no client misses or doubles a message untold`, async (server) => {
    const clients: postgresJs.Sql[] = [];
    const sync = () => {
      if (library === "pg") {
        return postgres({ connect: () => new pg.Client(server.url()), prefix: "chat" });
      }
      // Otherwise a connection that is cut as it opens is an unhandled rejection in postgres.js 3.4:
      // https://github.com/porsager/postgres/issues/1192
      const options = { fetch_types: false };
      const client = postgresJs(server.url(), { max: 2, backoff: () => 0.1, ...options });
      clients.push(client);
      return postgres({ client, prefix: "chat" });
    };
    const count = Math.ceil(HISTORIES / 2);
    const { recovered, told } = await runHistories(server, sync, count, SEED);
    for (const client of clients) await client.end({ timeout: 0 });
    console.log(
      `${library}: ${count} histories, ${recovered} recovered, ${told} told, SEED=${SEED}`,
    );
    // The test would prove nothing otherwise. How many there are depends on chance and the machine.
    assert.ok(recovered > 0 && told > 0, `${recovered} ${told}`);
  });
}

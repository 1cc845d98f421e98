import { connect } from "@nats-io/transport-node";
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SyncAdapter } from "../mod.ts";
import { nats, type NatsOptions } from "../sync/nats.ts";
import { freePort, hasCommand, ServerProcess } from "./brokers/server_process.ts";
import { type TestClient, TestNode, until } from "./brokers/test_node.ts";

/** What depends on the settings of NATS and its client. The broker cases cover the rest. */

const isMissing = !await hasCommand("nats-server");
if (isMissing) console.error("\n*** NOT RUN: needs nats-server: tests/nats_test.ts ***\n");

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: isMissing, fn });
}

/** A running server. */
class Server implements AsyncDisposable {
  readonly address: string;
  readonly process: ServerProcess;
  readonly #folder: string;

  /** @param config text of the server's file of settings. */
  static async start(config = "", port?: number): Promise<Server> {
    const folder = await mkdtemp(join(tmpdir(), "nats-"));
    port ??= await freePort();
    const file = join(folder, "nats.conf");
    await writeFile(file, `listen: "127.0.0.1:${port}"\nlogfile: "/dev/null"\n${config}`);
    const command = ["nats-server", "--config", file];
    return new Server(`127.0.0.1:${port}`, await ServerProcess.start(command, port), folder);
  }

  private constructor(address: string, process: ServerProcess, folder: string) {
    this.address = address;
    this.process = process;
    this.#folder = folder;
  }

  /** Option `sync` for a user of this server. */
  sync(user: string, options: Partial<NatsOptions> = {}): SyncAdapter {
    return nats({
      servers: this.address,
      connect: (options) => connect({ ...options, user, pass: "secret" }),
      prefix: "chat",
      ...options,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true });
  }
}

/** Nodes that end with the test. */
class Nodes implements AsyncDisposable {
  readonly #nodes: TestNode[] = [];

  start(sync: SyncAdapter): TestNode {
    const node = new TestNode({ sync, limits: { maxTopicLength: 20_000 } });
    this.#nodes.push(node);
    return node;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Without a time limit: fake clients answer no close frame.
    await Promise.all(this.#nodes.map((node) => node.close({ timeout: 0 })));
  }
}

const isUp = ({ stats }: TestNode) => stats.sync!.up === 1;
const is = (text: string) => (message: unknown) => message === text;
const texts = ({ messages }: TestClient) => messages.map(String);
const reports = ({ failures }: TestNode) => failures.map(({ error }) => (error as Error).message);

/** Checks that two nodes hear each other. */
async function assertConnected(first: SyncAdapter, second = first): Promise<void> {
  await using nodes = new Nodes();
  const [a, b] = [nodes.start(first), nodes.start(second)];
  const client = await b.client("/room", "news");
  await b.endpoint.topicsConfirmed();
  await until(() => isUp(a) && isUp(b));
  a.publish("news", "hello");
  await client.until(is("hello"));
  assert.deepEqual([reports(a), reports(b)], [[], []]);
}

const LEAST = `
authorization {
  users = [
    { user: chat, password: secret, permissions: { publish: "chat.>", subscribe: "chat.>" } }
    { user: admin, password: secret }
    { user: mute, password: secret, permissions: {
        publish: { allow: ["chat.>"], deny: ["chat.t.=2Froom.secret"] }, subscribe: "chat.>"
    } }
    { user: deaf, password: secret, permissions: { publish: "chat.>", subscribe: { deny: ">" } } }
  ]
}`;

/** Topics with everything that means something in a subject or in the protocol. */
const ODD_TOPICS = [
  "*",
  ">",
  "chat.>",
  "a.*.b",
  "a b",
  "a\tb",
  " ",
  "",
  ".",
  "..",
  "$SYS.REQ",
  "x\r\nPUB admin.secret 5\r\nhello\r\n",
  "\r\n",
  "nul\0",
  "🦕",
  "\ud800",
  "x".repeat(5000),
  "* >".repeat(100),
];

test("nats() needs no permissions but its prefix, and names reach no other subject", async () => {
  await using server = await Server.start(LEAST);
  const spy = await connect({ servers: server.address, user: "admin", pass: "secret" });
  const subjects = new Set<string>();
  spy.subscribe(">", { callback: (_, { subject }) => void subjects.add(subject) });
  await spy.flush();
  await using nodes = new Nodes();
  const first = nodes.start(server.sync("chat")), second = nodes.start(server.sync("chat"));
  const clients = await Promise.all(ODD_TOPICS.map((topic) => second.client("/a.*", topic)));
  const large = await second.client("/large", "news");
  await second.endpoint.topicsConfirmed();
  await until(() => isUp(first) && isUp(second));
  for (const topic of ODD_TOPICS) {
    first.publish(topic, JSON.stringify(topic), { namespace: "/a.*" });
    first.publish(topic, "to all");
  }
  first.publish("news", "x".repeat(3 * 1024 * 1024), { namespace: "/large" });
  await Promise.all(clients.map((client) => client.until(is("to all"))));
  await until(() => large.messages.length === 1);
  for (const [i, client] of clients.entries()) {
    assert.deepEqual(
      texts(client).toSorted(),
      [JSON.stringify(ODD_TOPICS[i]), "to all"].toSorted(),
    );
  }
  assert.deepEqual([reports(first), reports(second)], [[], []]);
  await spy.flush();
  await spy.close();
  assert.ok(subjects.size > ODD_TOPICS.length, "each topic, and the channel of all namespaces");
  for (const subject of subjects) {
    assert.match(subject, /^chat\.t\.(?:all|node-[0-9a-f]{16}|[\w=-]+\.[\w=-]+|~[\w-]{43})$/);
  }
});

test("nats() keeps prefixes apart", async () => {
  await using server = await Server.start(LEAST);
  await using nodes = new Nodes();
  const chat = nodes.start(server.sync("admin", { prefix: "chat" }));
  const shop = nodes.start(server.sync("admin", { prefix: "shop" }));
  const other = nodes.start(server.sync("admin", { prefix: "chat.t" }));
  const clients = await Promise.all([chat, shop, other].map((node) => node.client("/room", "a")));
  await Promise.all([chat, shop, other].map(({ endpoint }) => endpoint.topicsConfirmed()));
  for (const node of [chat, shop, other]) node.publish("a", "to all");
  for (const [i, node] of [chat, shop, other].entries()) {
    node.publish("a", `end ${i}`, { namespace: "/room" });
  }
  await Promise.all(clients.map((client, i) => client.until(is(`end ${i}`))));
  for (const client of clients) assert.equal(client.messages.length, 2);
});

test("nats() counts and reports a message whose subject the server refuses", async () => {
  await using server = await Server.start(LEAST);
  await using nodes = new Nodes();
  const mute = nodes.start(server.sync("mute")), other = nodes.start(server.sync("chat"));
  const client = await other.client("/room", "secret", "news");
  await other.endpoint.topicsConfirmed();
  await until(() => isUp(mute));
  mute.publish("secret", "x", { namespace: "/room" });
  await until(() => mute.stats.sync!.drops === 1);
  assert.match(
    reports(mute)[0]!,
    /Permissions Violation for Publish to "chat\.t\.=2Froom\.secret"/,
  );
  mute.publish("news", "hello", { namespace: "/room" });
  await client.until(is("hello"));
  assert.deepEqual(texts(client), ["hello"]);
  assert.equal(mute.stats.sync!.drops, 1);
  assert.ok(isUp(mute));
});

test("nats() reports, and serves its clients, while the server refuses its subscriptions", async () => {
  await using server = await Server.start(LEAST);
  await using nodes = new Nodes();
  const deaf = nodes.start(server.sync("deaf")),
    foreign = nodes.start(
      server.sync("chat", { prefix: "shop" }),
    );
  const client = await deaf.client("/room", "news");
  await until(() => deaf.failures.length >= 2 && foreign.failures.length >= 2);
  for (const node of [deaf, foreign]) {
    assert.match(reports(node)[0]!, /Permissions Violation for Subscription/);
    assert.ok(isUp(node), "the connection stays");
  }
  assert.equal(deaf.publish("news", "local"), 1);
  assert.deepEqual(texts(client), ["local"]);
});

test("nats() connects by servers alone, by connect alone, and by both", async () => {
  await using server = await Server.start();
  const { address: servers } = server;
  const byPackage = nats({ servers: `nats://${servers}`, prefix: "chat" });
  const byFunction = nats({
    connect: (options) => connect({ ...options, servers }),
    prefix: "chat",
  });
  await assertConnected(byPackage, byFunction);
  await assertConnected(nats({ servers: [servers], connect, prefix: "chat" }), byPackage);
});

test("nats() reports what to do if the connection reconnects by itself", async () => {
  await using server = await Server.start();
  await using nodes = new Nodes();
  const connectOnly = () => connect({ servers: server.address });
  const node = nodes.start(nats({ connect: connectOnly, prefix: "chat" }));
  await until(() => node.failures.length > 0);
  assert.match(
    reports(node)[0]!,
    /pass connect: \(options\) => connect\(\{ \.\.\.options, servers/,
  );
  assert.equal(isUp(node), false);
});

test("nats() moves to another server of the cluster, also to one that it has learned", async () => {
  const routes = await Promise.all([freePort(), freePort()]);
  const cluster = (i: number) => `
    cluster {
      name: test
      listen: "127.0.0.1:${routes[i]}"
      routes: ["nats://127.0.0.1:${routes[1 - i]}"]
    }`;
  await using first = await Server.start(cluster(0));
  await using second = await Server.start(cluster(1));
  await using nodes = new Nodes();
  // A server of the cluster knows the other when the other is among its addresses.
  await becomes(async () => (await connectUrls(first.address)).length === 2);
  const a = nodes.start(nats({ servers: first.address, prefix: "chat" }));
  const b = nodes.start(nats({ servers: [first.address, second.address], prefix: "chat" }));
  const client = await b.client("/room", "news");
  await b.endpoint.topicsConfirmed();
  await until(() => isUp(a) && isUp(b));
  await first.process.kill();
  // b may have been on the second server from the start.
  await until(() => a.failures.length > 0 && isUp(a) && isUp(b));
  a.publish("news", "over the second server");
  await client.until(is("over the second server"));
});

async function connectUrls(servers: string): Promise<readonly string[]> {
  const client = await connect({ servers });
  const urls = client.info?.connect_urls ?? [];
  await client.close();
  return urls;
}

async function becomes(condition: () => Promise<boolean>): Promise<void> {
  while (!await condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}

test("nats() sends nothing that was published while the server was away", async () => {
  await using server = await Server.start();
  await using nodes = new Nodes();
  const sync = nats({ servers: server.address, prefix: "chat" });
  const first = nodes.start(sync), second = nodes.start(sync);
  const client = await second.client("/room", "news");
  await second.endpoint.topicsConfirmed();
  await until(() => isUp(first) && isUp(second));
  const whileDead = new Set<string>();
  let count = 0, isDead = false;
  const timer = setInterval(() => {
    const text = `${count++}`;
    if (isDead) whileDead.add(text);
    first.publish("news", text, { namespace: "/room" });
  }, 1);
  for (let i = 0; i < 3; i++) {
    await server.process.kill();
    isDead = true;
    await until(() => !isUp(first) && !isUp(second));
    const { size } = whileDead;
    await until(() => whileDead.size > size + 50);
    isDead = false;
    await server.process.restart();
    await until(() => isUp(first) && isUp(second));
    const received = client.messages.length;
    await until(() => client.messages.length > received + 20);
  }
  clearInterval(timer);
  first.publish("news", "end", { namespace: "/room" });
  await client.until(is("end"));
  const late = texts(client).filter((text) => whileDead.has(text));
  assert.deepEqual(late, []);
  const numbers = texts(client).slice(0, -1).map(Number);
  assert.deepEqual(numbers, numbers.toSorted((a, b) => a - b), "the order is kept");
  assert.equal(new Set(numbers).size, numbers.length, "nothing is doubled");
  await until(() => first.stats.sync!.drops >= whileDead.size);
});

test("nats() gives a stopped server up, although its socket is full, and returns", async () => {
  await using server = await Server.start();
  await using nodes = new Nodes();
  const sync = nats({ servers: server.address, prefix: "chat" });
  const first = nodes.start(sync), second = nodes.start(sync);
  const client = await second.client("/room", "news");
  await second.endpoint.topicsConfirmed();
  await until(() => isUp(first) && isUp(second));
  server.process.freeze();
  const large = "x".repeat(1024 * 1024);
  for (let i = 0; i < 20; i++) first.publish("news", large, { namespace: "/room" });
  await until(() => !isUp(first) && !isUp(second));
  await until(() => first.stats.sync!.drops === 20);
  server.process.thaw();
  await until(() => isUp(first) && isUp(second));
  first.publish("news", "after", { namespace: "/room" });
  await client.until(is("after"));
});

import { connect } from "@nats-io/transport-node";
import { createClient } from "@redis/client";
import { Redis } from "ioredis";
import assert from "node:assert/strict";
import type { PresenceChange } from "../pubsub/presence/presence_change.ts";
import type { SyncAdapter } from "../pubsub/sync_adapter.ts";
import { nats } from "../sync/nats.ts";
import { redis } from "../sync/redis.ts";
import { Network } from "./brokers/network.ts";
import { hasCommand, ServerProcess } from "./brokers/server_process.ts";
import { is, sleep, type TestClient, TestNode, texts, until } from "./brokers/test_node.ts";
import { TimeLimit } from "./harness/time_limit.ts";

/**
 * A node that a real network cuts off from its broker: no packet arrives, and no connection ends.
 * `FIGURES=1` prints the times.
 */

const PORT = 7700;
/** Most milliseconds of a test on an idle machine. */
const MAX_MS = 40_000;
/** Milliseconds after which the members of a silent node leave. */
const LEASE = 6000;
const namespace = "/";

interface Library {
  readonly name: string;
  readonly server: readonly string[];
  readonly keepsHistory: boolean;
  sync(host: string): SyncAdapter;
}

const REDIS = {
  server: ["redis-server", "--port", `${PORT}`, "--save", "", "--protected-mode", "no"],
  keepsHistory: true,
};

const LIBRARIES: readonly Library[] = [
  {
    name: "redis-ioredis",
    ...REDIS,
    sync: (host) =>
      redis({ client: new Redis({ host, port: PORT, lazyConnect: true }), prefix: "t" }),
  },
  {
    name: "redis-node-redis",
    ...REDIS,
    sync: (host) => redis({ client: createClient({ socket: { host, port: PORT } }), prefix: "t" }),
  },
  {
    name: "nats",
    server: ["nats-server", "--addr", "0.0.0.0", "--port", `${PORT}`, "--log", "/dev/null"],
    keepsHistory: false,
    sync: (host) => nats({ servers: `nats://${host}:${PORT}`, connect, prefix: "t" }),
  },
];

const cannotCut = await Network.missing();

for (const library of LIBRARIES) {
  const [command] = library.server;
  const missing = cannotCut ?? (await hasCommand(command!) ? undefined : command);
  if (missing) console.error(`\n*** NOT RUN: needs ${missing}: tests/partition_test.ts ***\n`);
  Deno.test({
    name: `a node over ${library.name} that the network cuts off stays whole, and catches up`,
    ignore: missing !== undefined,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const times = await new TimeLimit(MAX_MS).race(run(library), "the node did not catch up");
      if (Deno.env.has("FIGURES")) console.log(library.name, JSON.stringify(times));
    },
  });
}

/** Starts a server, and a node at the end of each cable. Returns the times of {@linkcode cutAndMend}. */
async function run({ server, keepsHistory, sync }: Library): Promise<Record<string, number>> {
  await using network = await Network.create(2);
  const [address] = network.addresses;
  await using _server = await ServerProcess.start(network.command(...server), PORT, address);
  const nodes = network.addresses.map((host) => nodeOf(sync(host), keepsHistory));
  try {
    return await cutAndMend(network, nodes, keepsHistory);
  } finally {
    await Promise.all(nodes.map((node) => node.close({ timeout: 0 })));
  }
}

async function cutAndMend(
  network: Network,
  nodes: readonly TestNode[],
  keepsHistory: boolean,
): Promise<Record<string, number>> {
  const [first, second] = nodes as [TestNode, TestNode];
  await until(() => nodes.every(({ cluster }) => cluster.nodes.length === 2 && !cluster.stale));

  // `h` has a history if the broker keeps one; `p` has presence.
  const cutOff = await clientOf(first), other = await clientOf(second);
  await Promise.all(nodes.map(({ endpoint }) => endpoint.topicsConfirmed()));
  cutOff.peer.enter("p", "first");
  other.peer.enter("p", "second");
  await until(() => told(cutOff, other).length > 0 && told(other, cutOff).length > 0);
  second.publish("h", "1", { namespace });
  await Promise.all([cutOff, other].map((client) => client.until(is("1"))));

  await network.cut(0);
  const cutAt = performance.now();
  // A timer of this process: if the process is busy, both end later.
  const isDue = sleep(LEASE + 500).then(() => sleep(100));
  second.publish("h", "2", { namespace });
  second.publish("plain", "away");
  first.publish("plain", "late");
  await until(() => first.stats.sync!.up === 0);
  const detected = performance.now() - cutAt;
  await Promise.race([isDue, until(() => told(other, cutOff).includes("left"))]);
  const left = performance.now() - cutAt;
  assert.ok(told(other, cutOff).includes("left"), `a member of the silent node after ${left} ms`);
  await sleep(1000);
  assert.equal(first.stats.sync!.up, 0);
  assert.equal(second.stats.sync!.up, 1);
  assert.deepEqual(await list(first), [["first", "second"], true]);
  assert.deepEqual(await list(second), [["second"], false]);
  assert.equal(first.cluster.stale, true);

  await network.mend(0);
  const mendedAt = performance.now();
  await until(() => first.stats.sync!.up === 1);
  const restored = performance.now() - mendedAt;
  await until(() => !first.cluster.stale && first.cluster.nodes.length === 2);
  await until(() => told(other, cutOff).length === 3);
  const back = performance.now() - mendedAt;
  second.publish("h", "3", { namespace });
  second.publish("plain", "back");
  await Promise.all([cutOff, other].map((client) => client.until(is("3"))));
  await cutOff.until(is("back"));
  await sleep(500); // what a broker or a client library has kept would come now

  assert.deepEqual(await list(first), [["first", "second"], false]);
  assert.deepEqual(await list(second), [["first", "second"], false]);
  assert.deepEqual(told(other, cutOff), ["joined", "left", "joined"]);
  assert.deepEqual(told(cutOff, other), ["joined"]);
  const missed = keepsHistory ? ["2"] : [];
  assert.deepEqual(messages(cutOff), ["1", "late", ...missed, "3", "back"].toSorted());
  assert.deepEqual(messages(other), ["1", "2", "away", "3", "back"].toSorted());
  assert.deepEqual([cutOff.isConnected, other.isConnected], [true, true]);
  assert.deepEqual(second.failures, []);
  return Object.fromEntries(
    Object.entries({ detected, left, restored, back }).map(([name, ms]) => [name, Math.round(ms)]),
  );
}

function nodeOf(sync: SyncAdapter, keepsHistory: boolean): TestNode {
  const history = { size: 100, ttl: 60_000 };
  return new TestNode({
    sync,
    topics: (topic) =>
      topic === "p" ? { presence: true } : topic === "h" && keepsHistory ? { history } : undefined,
    hooks: { presence: (peer, change) => void peer.send(change) },
  });
}

async function clientOf(node: TestNode): Promise<TestClient> {
  const client = await node.client(namespace, "plain", "p");
  await client.peer.subscribe("h");
  return client;
}

/** Returns the data of all members, and whether the list may be out of date. */
async function list(node: TestNode): Promise<[data: unknown[], stale: boolean]> {
  const { members, stale } = await node.presence("p", { namespace });
  return [members.map(({ data }) => data).sort(), stale];
}

/** What a client has heard of another one, such as `joined`. */
function told(client: TestClient, { peer }: TestClient): string[] {
  return texts(client).filter((text) => text.startsWith("{")).flatMap((text) => {
    const { topic: _, ...lists } = JSON.parse(text) as PresenceChange;
    return Object.entries(lists).filter(([, members]) =>
      (members as PresenceChange["left"]).some(({ id }) => id === peer.id)
    ).map(([name]) => name);
  });
}

/** All messages but those about presence. */
function messages(client: TestClient): string[] {
  return texts(client).filter((text) => !text.startsWith("{")).toSorted();
}

import assert from "node:assert/strict";
import type {
  GapInfo,
  SubscribeOptions,
  SubscribeResult,
} from "../../../pubsub/history/subscribe_options.ts";
import type { ResolveTopic } from "../../../pubsub/topic_options.ts";
import type { BrokerCase, Cluster } from "../case.ts";
import { sleep, type TestClient, type TestNode, texts, until } from "../test_node.ts";

const history = { size: 100, ttl: 60_000 };
const topics: ResolveTopic = (topic) => topic.startsWith("h") ? { history } : undefined;
/** Namespace of all clients. */
const namespace = "/";

/** Connects a client that was away, and subscribes it. */
async function come(
  node: TestNode,
  options: SubscribeOptions = {},
  topic = "h",
): Promise<SubscribeResult & { readonly client: TestClient }> {
  const client = await node.client(namespace);
  return { ...await client.peer.subscribe(topic, options), client };
}

const publish = (node: TestNode, text: string, topic = "h") =>
  node.publish(topic, text, { namespace });

/** Numbers from the first to the last, as text. */
const count = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, i) => `${first + i}`);

const has = (client: TestClient, text: string) => until(() => texts(client).includes(text));

/** Nodes whose gaps the test sees. */
async function nodesOf(cluster: Cluster, number: number) {
  const gaps: GapInfo[] = [];
  const hooks = { gap: (_peer: unknown, gap: GapInfo) => void gaps.push(gap) };
  return { nodes: await cluster.nodes(number, { topics, hooks }), gaps };
}

/** N4: topics with history. */
export const historyCases: readonly BrokerCase[] = [
  {
    id: "N4.everywhere",
    fact: "a client that comes back to another node gets what it has missed, once and in order",
    needs: ["history"],
    async run(cluster) {
      const { nodes: [first, second, third] } = await nodesOf(cluster, 3);
      const { client, position } = await come(first!);
      for (const text of count(1, 3)) publish(second!, text);
      await has(client, "3");
      client.leave();
      for (const text of count(4, 6)) publish(third!, text);
      await come(second!, { limit: 100 }).then(({ client }) => has(client, "6"));
      const back = await come(third!, { since: position });
      publish(first!, "7");
      await has(back.client, "7");
      assert.deepEqual(texts(back.client), count(1, 7));
      assert.deepEqual([back.recovered, back.replayed, back.reason], [true, 6, undefined]);
      assert.deepEqual(texts(client), count(1, 3));
    },
  },
  {
    id: "N4.order",
    fact: "all subscribers of all nodes get the messages of all publishers in one order",
    needs: ["history"],
    async run(cluster) {
      const { nodes } = await nodesOf(cluster, 3);
      const comers = await Promise.all(nodes.map((node) => come(node)));
      for (let i = 0; i < 100; i++) {
        nodes.forEach((node, n) => publish(node, `${n}:${i}`));
        if (i % 10 === 0) await sleep(1);
      }
      await until(() => comers.every(({ client }) => client.messages.length === 300));
      const [one, ...others] = comers.map(({ client }) => texts(client));
      for (const other of others) assert.deepEqual(other, one);
      for (let n = 0; n < nodes.length; n++) {
        const own = one!.filter((text) => text.startsWith(`${n}:`));
        assert.deepEqual(own, Array.from({ length: 100 }, (_, i) => `${n}:${i}`));
      }
    },
  },
  {
    id: "N4.publisher",
    fact: "a publisher that is subscribed does not get its own message, and others on its node do",
    needs: ["history"],
    async run(cluster) {
      const { nodes: [first, second] } = await nodesOf(cluster, 2);
      const publisher = await come(first!), beside = await come(first!), far = await come(second!);
      assert.equal(publisher.client.peer.publish("h", "1"), 1);
      assert.equal(publisher.client.peer.publish("h", "2", { echo: true }), 2);
      const outside = await first!.client(namespace);
      assert.equal(outside.peer.publish("h", "3"), 2);
      for (const { client } of [publisher, beside, far]) await has(client, "3");
      assert.deepEqual(texts(publisher.client), ["2", "3"]);
      assert.deepEqual(texts(beside.client), ["1", "2", "3"]);
      assert.deepEqual(texts(far.client), ["1", "2", "3"]);
    },
  },
  {
    id: "N4.kinds",
    fact: "text, bytes, an empty message and 1 MiB are kept unchanged; over 1 MiB is a RangeError",
    needs: ["history"],
    maxMs: 30_000,
    async run(cluster) {
      const { nodes: [first, second] } = await nodesOf(cluster, 2);
      const { client, position } = await come(first!);
      const large = "é".repeat(512 * 1024);
      const all = ["text \0 ✓ \ufeff", new Uint8Array([0, 255, 128]), "", large, new Uint8Array()];
      for (const data of all) second!.publish("h", data, { namespace });
      await until(() => client.messages.length === all.length);
      const plain = (messages: readonly unknown[]) =>
        messages.map((message) =>
          typeof message === "string" ? message : [...message as Uint8Array]
        );
      assert.deepEqual(plain(client.messages), plain(all));
      const back = await come(second!, { since: position });
      assert.deepEqual(plain(back.client.messages), plain(all));
      assert.throws(() => publish(first!, "x".repeat((1 << 20) + 1)), RangeError);
      await assert.rejects(
        first!.commit("h", "x".repeat((1 << 20) + 1), { namespace }),
        RangeError,
      );
    },
  },
  {
    id: "N4.commits",
    fact: "commit() resolves once the message is kept, and a key adds one message for all nodes",
    needs: ["history"],
    async run(cluster) {
      const { nodes: [first, second] } = await nodesOf(cluster, 2);
      const { client } = await come(second!);
      publish(first!, "0");
      const one = await first!.commit("h", "1", { namespace, key: "a:b *" });
      assert.equal(await second!.commit("h", "again", { namespace, key: "a:b *" }), one);
      const two = await second!.commit("h", "2", { namespace });
      assert.notEqual(two, one);
      assert.deepEqual([one.split(".")[1], two.split(".")[1]], ["2", "3"]);
      await has(client, "2");
      assert.deepEqual(texts(client), ["0", "1", "2"]);
      assert.equal((await come(first!, { since: one })).replayed, 1);
    },
  },
  {
    id: "N4.names",
    fact: "topics and namespaces with any characters have histories of their own",
    needs: ["history"],
    async run(cluster) {
      const { nodes: [first, second] } = await nodesOf(cluster, 2);
      const names = ["h", "h*", "h.", "h:t:h", "h\r\n", "h\0", "h é", "h\ud800", "h".repeat(1000)];
      const spaces = ["/", "/a.b", "/a:b", "/*"];
      for (const space of spaces) {
        for (const name of names) {
          await first!.commit(name, `${space} ${name}`.toWellFormed(), { namespace: space });
        }
      }
      for (const space of spaces) {
        const client = await second!.client(space);
        const namespace = client.peer.namespace;
        for (const name of names) {
          const from = client.messages.length;
          await client.peer.subscribe(name, { limit: 9 });
          const got = texts(client).slice(from);
          const wanted = spaces.includes(namespace) ? [`${namespace} ${name}`.toWellFormed()] : [];
          assert.deepEqual(got, wanted, JSON.stringify([namespace, name]));
        }
      }
    },
  },
  {
    id: "N4.back-at-once",
    fact:
      "while messages are published, clients that come back to any node miss and double nothing",
    needs: ["history"],
    maxMs: 60_000,
    async run(cluster) {
      const { nodes } = await nodesOf(cluster, 2);
      let published = 0, isOver = false;
      const publishing = (async () => {
        while (!isOver) {
          publish(nodes[published % 2]!, `${++published}`);
          await sleep(published % 3);
        }
      })();
      const live = async () => {
        for (let round = 0; round < 15; round++) {
          const { client, position } = await come(nodes[round % 2]!);
          await until(() => client.messages.length > 2);
          client.leave();
          const left = texts(client);
          await sleep(3);
          const back = await come(nodes[(round + 1) % 2]!, { since: position });
          assert.equal(back.recovered, true);
          await until(() => back.client.messages.length > left.length + 2);
          back.client.leave();
          const got = texts(back.client);
          assert.deepEqual(got.slice(0, left.length), left, "what came before is sent again");
          assert.equal(new Set(got).size, got.length, "nothing is doubled");
        }
      };
      await Promise.all(Array.from({ length: 5 }, live));
      isOver = true;
      await publishing;
    },
  },
  {
    id: "N4.cut",
    fact:
      "what was published while a node's connection was cut arrives afterwards, once and in order",
    needsServer: true,
    needs: ["history", "cut"],
    maxMs: 60_000,
    async run(cluster) {
      const { nodes: [first, second], gaps } = await nodesOf(cluster, 2);
      const here = await come(first!), there = await come(second!);
      const kept: string[] = [];
      for (let i = 0; kept.length < 40; i++) {
        if (i % 15 === 10) await cluster.faults.cut!();
        // A commit that is not confirmed may have added its message all the same: same key, again.
        for (;;) {
          try {
            await [first!, second!][i % 2]!.commit("h", `${i}`, { namespace, key: `${i}` });
            break;
          } catch (error) {
            assert.equal((error as { code?: string }).code, "ERR_PEER_NOT_COMMITTED");
            await sleep(20);
          }
        }
        kept.push(`${i}`);
      }
      for (const { client } of [here, there]) {
        await has(client, kept.at(-1)!);
        assert.deepEqual(texts(client), kept);
      }
      assert.deepEqual(gaps.filter(({ topics }) => topics.includes("h")), []);
    },
  },
  {
    id: "N4.lost",
    fact: "if the broker has lost its data, clients are told, and none is recovered by mistake",
    needsServer: true,
    needs: ["history"],
    maxMs: 60_000,
    async run(cluster) {
      const { nodes: [first, second], gaps } = await nodesOf(cluster, 2);
      const { client, position } = await come(first!);
      await first!.commit("h", "1", { namespace });
      await has(client, "1");
      await cluster.faults.kill();
      await until(() => first!.stats.sync!.up === 0 && second!.stats.sync!.up === 0);
      await cluster.faults.restart();
      await until(() => first!.stats.sync!.up === 1 && second!.stats.sync!.up === 1);
      await until(() => gaps.some(({ topics, reason }) => topics[0] === "h" && reason === "epoch"));
      // As many messages as before: only the epoch tells the histories apart.
      await second!.commit("h", "2", { namespace });
      await second!.commit("h", "3", { namespace });
      const back = await come(second!, { since: position });
      assert.deepEqual([back.recovered, back.reason, texts(back.client)], [false, "epoch", []]);
      await has(client, "3");
      assert.deepEqual(texts(client), ["1", "2", "3"]);
      assert.ok(client.isConnected);
    },
  },
  {
    id: "N4.away",
    fact:
      "while the broker is away, a client that comes back is subscribed, and told so within 2 s",
    needsServer: true,
    needs: ["history"],
    maxMs: 60_000,
    async run(cluster) {
      const { nodes: [first] } = await nodesOf(cluster, 1);
      const { position } = await come(first!);
      await cluster.faults.kill();
      await until(() => first!.stats.sync!.up === 0);
      const began = performance.now();
      const other = await come(first!, { since: position }, "h other");
      assert.deepEqual([other.recovered, other.reason], [false, "unavailable"]);
      assert.ok(performance.now() - began < 2000);
      await assert.rejects(first!.commit("h", "x", { namespace }), {
        name: "PeerError",
        code: "ERR_PEER_NOT_COMMITTED",
      });
      publish(first!, "dropped");
      await until(() => first!.stats.sync!.drops >= 1);
      await cluster.faults.restart();
      await until(() => first!.stats.sync!.up === 1);
      await first!.commit("h other", "live", { namespace });
      await has(other.client, "live");
      assert.deepEqual(texts(other.client), ["live"]);
    },
  },
  {
    id: "N4.forged",
    fact: "malformed frames of other programs on a topic with history are ignored",
    needs: ["history", "forge"],
    async run(cluster) {
      const { nodes: [first, second] } = await nodesOf(cluster, 2);
      const { client } = await come(first!);
      const text = (value: string) => new TextEncoder().encode(value);
      const forged = [
        "1",
        "1:",
        "1-:",
        "1-1",
        "9".repeat(30),
        "1-1:\0",
        "1-1:\xff\xff",
        "1-0:",
        "0-1:",
      ];
      for (const value of forged) await cluster.server.forge!(cluster.name, "=2F.h", text(value));
      await second!.commit("h", "true", { namespace });
      await has(client, "true");
      assert.deepEqual(texts(client), ["true"]);
    },
  },
];

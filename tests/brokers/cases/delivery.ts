import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { BrokerCase } from "../case.ts";
import { is, texts, until } from "../test_node.ts";

const KIB = 1024, MIB = KIB * KIB;

/** Returns bytes of every value, which are not valid UTF-8. */
function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 255);
}

/** N1 and N2: delivery, order, and all kinds of data and names. */
export const deliveryCases: readonly BrokerCase[] = [
  {
    id: "N1.once",
    fact: "a publish reaches every subscriber on every node once",
    async run(cluster) {
      const nodes = await cluster.nodes(3);
      const clients = await Promise.all(nodes.map((node) => node.client("/room", "news")));
      await cluster.confirmed();
      clients[0]!.peer.publish("news", "hello");
      clients[1]!.peer.publish("news", "last");
      await Promise.all(clients.map((client, i) => i === 1 ? undefined : client.until(is("last"))));
      // The messages of two nodes have no order.
      await Promise.all([1, 2].map((i) => clients[i]!.until(is("hello"))));
      assert.deepEqual(texts(clients[0]!), ["last"]);
      assert.deepEqual(texts(clients[1]!), ["hello"]);
      assert.deepEqual(texts(clients[2]!).toSorted(), ["hello", "last"]);
    },
  },
  {
    id: "N1.namespaces",
    fact: "a publish reaches one namespace on all nodes, or all namespaces if it names none",
    async run(cluster) {
      const [first, second] = await cluster.nodes(2);
      const a = await second!.client("/a", "news"), b = await second!.client("/b", "news");
      await cluster.confirmed();
      first!.publish("news", "to a", { namespace: "/a" });
      first!.publish("news", "to all");
      first!.publish("news", "to b", { namespace: "/b" });
      first!.publish("news", "end");
      await Promise.all([a.until(is("end")), b.until(is("end"))]);
      assert.deepEqual(texts(a), ["to a", "to all", "end"]);
      assert.deepEqual(texts(b), ["to all", "to b", "end"]);
    },
  },
  {
    id: "N1.local",
    fact: "a local publish reaches the subscribers of its own node only",
    async run(cluster) {
      const [first, second] = await cluster.nodes(2);
      const near = await first!.client("/room", "news"),
        far = await second!.client("/room", "news");
      const other = await first!.client("/room");
      await cluster.confirmed();
      first!.publish("news", "from the server", { local: true });
      other.peer.publish("news", "from a peer", { local: true });
      first!.publish("news", "end");
      await Promise.all([near.until(is("end")), far.until(is("end"))]);
      assert.deepEqual(texts(near), ["from the server", "from a peer", "end"]);
      assert.deepEqual(texts(far), ["end"]);
    },
  },
  {
    id: "N1.interest",
    fact: "a node receives no frame of a topic that has no subscriber on the node",
    async run(cluster) {
      const [first, second] = await cluster.nodes(2);
      const client = await second!.client("/room", "wanted");
      await cluster.confirmed();
      for (let i = 0; i < 100; i++) first!.publish("foreign", "x", { namespace: "/room" });
      first!.publish("wanted", "end", { namespace: "/room" });
      await client.until(is("end"));
      assert.equal(second!.stats.sync!.framesIn, 1);
      assert.deepEqual(texts(client), ["end"]);
    },
  },
  {
    id: "N2.order",
    fact: "messages of one node on one topic keep their order, also those to all namespaces",
    async run(cluster) {
      const [first, second] = await cluster.nodes(2);
      const client = await second!.client("/room", "news");
      await cluster.confirmed();
      const sent: string[] = [];
      for (let turn = 0; turn < 40; turn++) {
        for (let i = 0; i < 25; i++) {
          const text = `${turn}.${i}`, namespace = i % 7 === 3 ? undefined : "/room";
          first!.publish("news", text, namespace === undefined ? {} : { namespace });
          sent.push(text);
        }
        await new Promise((resolve) => setTimeout(resolve, turn % 3));
      }
      await client.until(is("39.24"));
      assert.deepEqual(texts(client), sent);
    },
  },
  {
    id: "N2.kinds",
    fact: "text stays text, and bytes stay bytes, for messages of 0 bytes to 3 MiB",
    maxMs: 30_000,
    async run(cluster) {
      const [first, second] = await cluster.nodes(2);
      const client = await second!.client("/room", "news");
      await cluster.confirmed();
      const sent = [
        "",
        new Uint8Array(),
        "\ufeffwith a byte order mark, \0 and 🦕",
        pattern(5),
        pattern(8 * KIB),
        pattern(MIB),
        "é".repeat(MIB / 2),
        pattern(3 * MIB + 1),
        "end",
      ];
      for (const data of sent) first!.publish("news", data, { namespace: "/room" });
      await client.until(is("end"));
      assert.equal(client.messages.length, sent.length);
      for (const [i, message] of client.messages.entries()) {
        // Not deepEqual, which takes minutes to print the difference of two megabytes.
        assert.equal(typeof message, typeof sent[i], `type of message ${i}`);
        const isSame = typeof message === "string"
          ? message === sent[i]
          : Buffer.from(message).equals(sent[i] as Uint8Array);
        assert.ok(isSame, `contents of message ${i}`);
      }
    },
  },
  {
    id: "N2.too-large",
    fact: "publish() throws for a message over 16 MiB, and no subscriber gets the message",
    async run(cluster) {
      const [first, second] = await cluster.nodes(2);
      const near = await first!.client("/room", "news"),
        far = await second!.client("/room", "news");
      await cluster.confirmed();
      assert.throws(() => first!.publish("news", new Uint8Array(16 * MIB + 1)), RangeError);
      first!.publish("news", "end");
      await Promise.all([near.until(is("end")), far.until(is("end"))]);
      assert.deepEqual([near.messages, far.messages], [["end"], ["end"]]);
    },
  },
  {
    id: "N2.names",
    fact: "topics with wildcards, dots, line breaks, NUL and 10 kB are topics like any other",
    async run(cluster) {
      const [first, second] = await cluster.nodes(2);
      const names = [
        "",
        "*",
        ">",
        "a.*",
        "a.b",
        "a",
        "b",
        "a\r\nPUB x 1\r\nx",
        "nul\0",
        "=2F",
        "/",
        "all",
        "~x",
        "\ud800",
        "\ufffd",
        "🦕",
        "x".repeat(10_000),
        "x".repeat(10_001),
        "'; DROP TABLE x; --",
      ];
      const limits = { maxTopicLength: 20_000 };
      const third = cluster.node({ limits });
      await third.ready();
      const clients = await Promise.all(names.map((name) => third.client("/room", name)));
      await cluster.confirmed();
      for (const name of names) {
        first!.publish(name, JSON.stringify(name), { namespace: "/room" });
        second!.publish(name, "end");
      }
      await Promise.all(clients.map((client) => client.until(is("end"))));
      await until(() => clients.every(({ messages }) => messages.length === 2));
      for (const [i, client] of clients.entries()) {
        assert.deepEqual(texts(client).toSorted(), [JSON.stringify(names[i]), "end"].toSorted());
      }
    },
  },
];

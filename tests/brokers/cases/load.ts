import assert from "node:assert/strict";
import type { BrokerCase } from "../case.ts";
import { is, sleep, texts, until } from "../test_node.ts";

/** N1: many topics, changing subscriptions, and publishes from anywhere. */
export const loadCases: readonly BrokerCase[] = [
  {
    id: "N1.churn",
    fact: "a topic that is left and joined many times delivers each message once",
    maxMs: 30_000,
    async run(cluster) {
      const [first, second] = await cluster.nodes(2);
      const client = await second!.client("/room"), { peer } = client;
      for (let i = 0; i < 50; i++) {
        peer.subscribe("news");
        if (i % 3 === 0) await sleep(0);
        peer.unsubscribe("news");
        if (i % 5 === 0) await sleep(1);
      }
      peer.subscribe("news");
      await cluster.confirmed();
      first!.publish("news", "joined");
      await client.until(is("joined"));
      // Within a second, the node still hears the topic: no confirmation is needed.
      peer.unsubscribe("news");
      await sleep(300);
      peer.subscribe("news");
      first!.publish("news", "back");
      await client.until(is("back"));
      assert.deepEqual(texts(client), ["joined", "back"]);
    },
  },
  {
    id: "N1.left",
    fact: "a node stops hearing a topic a second after its last subscriber, and can hear it again",
    maxMs: 30_000,
    async run(cluster) {
      const [first, second] = await cluster.nodes(2);
      const client = await second!.client("/room", "news", "other");
      await cluster.confirmed();
      const { channels } = second!.stats.sync!;
      client.peer.unsubscribe("news");
      assert.equal(second!.stats.sync!.channels, channels);
      await until(() => second!.stats.sync!.channels === channels - 1);
      // The server drops the channel soon after. Until then a frame may come, and is ignored.
      for (let frames = 2, i = 0; frames > 1; i++) {
        const { framesIn } = second!.stats.sync!;
        first!.publish("news", "unheard", { namespace: "/room" });
        await sleep(5);
        first!.publish("other", `fence ${i}`, { namespace: "/room" });
        await client.until(is(`fence ${i}`));
        frames = second!.stats.sync!.framesIn - framesIn;
      }
      client.peer.subscribe("news");
      await cluster.confirmed();
      first!.publish("news", "heard", { namespace: "/room" });
      await client.until(is("heard"));
      assert.deepEqual(texts(client).filter((text) => !text.startsWith("fence")), ["heard"]);
    },
  },
  {
    id: "N1.edge",
    fact: "a subscriber that returns just when the node gives up the topic hears everything",
    maxMs: 30_000,
    async run(cluster) {
      const [first, second] = await cluster.nodes(2);
      const topics = Array.from({ length: 40 }, (_, i) => `news${i}`);
      const client = await second!.client("/room", ...topics);
      await cluster.confirmed();
      await Promise.all(topics.map(async (topic, i) => {
        client.peer.unsubscribe(topic);
        await sleep(960 + 2 * i);
        client.peer.subscribe(topic);
      }));
      await cluster.confirmed();
      for (const topic of topics) first!.publish(topic, topic, { namespace: "/room" });
      for (const topic of topics) await client.until(is(topic));
      assert.deepEqual(texts(client).toSorted(), topics.toSorted());
    },
  },
  {
    id: "N1.many",
    fact: "a node hears 10,000 topics",
    maxMs: 60_000,
    async run(cluster) {
      const [first, second] = await cluster.nodes(2, { limits: { maxTopicsPerPeer: 10_000 } });
      const topics = Array.from({ length: 10_000 }, (_, i) => `news${i}`);
      const client = await second!.client("/room", ...topics);
      await cluster.confirmed();
      assert.equal(second!.stats.sync!.channels, 10_002);
      for (const [i, topic] of topics.entries()) {
        first!.publish(topic, topic, { namespace: "/room" });
        // Slowly: this is about the number of topics, not about a broker that is too slow.
        if (i % 500 === 499) await until(() => client.messages.length > i - 2000);
      }
      await until(() => client.messages.length >= topics.length);
      assert.deepEqual(new Set(texts(client)), new Set(topics));
      assert.equal(client.messages.length, topics.length);
    },
  },
  {
    id: "N1.hooks",
    fact: "the hooks open, message and close can publish to other nodes",
    async run(cluster) {
      const [first] = await cluster.nodes(1);
      const listener = await first!.client("/room", "news");
      const second = cluster.node({
        hooks: {
          open: (peer) => void peer.publish("news", "opened"),
          message: (peer, message) => void peer.publish("news", message.text()),
          close: (peer) => void peer.publish("news", "left"),
        },
      });
      await second.ready();
      await cluster.confirmed();
      const client = await second.client("/room");
      await listener.until(is("opened"));
      client.send("sent");
      await listener.until(is("sent"));
      client.leave();
      await listener.until(is("left"));
      assert.deepEqual(texts(listener), ["opened", "sent", "left"]);
    },
  },
  {
    id: "N1.closing",
    fact: "a closing subscriber is skipped, and the other subscribers of its node get the message",
    async run(cluster) {
      const [first, second] = await cluster.nodes(2);
      const closing = await second!.client("/room", "news");
      const other = await second!.client("/room", "news");
      await cluster.confirmed();
      closing.peer.close(4000, "bye");
      first!.publish("news", "after");
      second!.publish("news", "after from its own node");
      closing.peer.publish("news", "from the closing peer");
      await other.until(is("after"));
      assert.deepEqual(closing.messages, []);
      assert.deepEqual(second!.failures, []);
    },
  },
];

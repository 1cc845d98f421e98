import assert from "node:assert/strict";
import { createEndpoint } from "../../endpoint/endpoint.ts";
import type { Case } from "../fixtures/case.ts";

/** P1–P8: topics and publishes. */
export const pubsub: readonly Case[] = [
  {
    id: "P1.idempotent",
    fact: "subscribe() and unsubscribe() are idempotent, and a topic is any string",
    server: (server) => ({
      hooks: {
        message(peer) {
          for (const topic of ["", "a", "a", "\0", "__proto__", "✓".repeat(300)]) {
            peer.subscribe(topic);
          }
          server.log("size", peer.topics.size);
          const reached = ["", "a", "__proto__"].map((topic) =>
            peer.publish(topic, "x", { echo: true })
          );
          server.log("reached", reached);
          for (const topic of ["a", "a", "unknown"]) peer.unsubscribe(topic);
          server.log(
            "after",
            peer.publish("a", "x", { echo: true }),
            peer.topics.has("a"),
            peer.topics.size,
          );
        },
      },
    }),
    async run(client) {
      (await client.connect()).send("go");
      await client.logged("after");
      const log = (await client.log()).map(({ data }) => data);
      assert.deepEqual(log, [[5], [[1, 1, 1]], [0, false, 4]]);
    },
  },
  {
    id: "P1.bad-topic",
    fact: "a topic that is not a string is a TypeError at the call",
    server: (server) => ({
      hooks: {
        open(peer) {
          const calls = {
            subscribe: () => peer.subscribe(1 as unknown as string),
            unsubscribe: () => peer.unsubscribe(null as unknown as string),
            publish: () => peer.publish(undefined as unknown as string, "x"),
            "ws.publish": () => server.ws.publish({} as string, "x"),
          };
          for (const [name, call] of Object.entries(calls)) {
            try {
              call();
            } catch (error) {
              server.log("error", name, (error as Error).name, (error as Error).message);
            }
          }
        },
      },
    }),
    async run(client) {
      await client.connect();
      const errors = await client.logged("error", 4);
      for (const { data } of errors) {
        assert.equal(data[1], "TypeError");
        assert.match(data[2], /topic/);
      }
    },
  },
  {
    id: "P2.others",
    fact:
      "peer.publish() reaches every other subscriber once, not the publisher, and returns their number",
    server: (server) => ({
      hooks: {
        open: (peer) => peer.subscribe("t"),
        message: (peer, message) => server.log("reached", peer.publish("t", message)),
      },
    }),
    async run(client) {
      const [a, b, c] = await Promise.all([client.connect(), client.connect(), client.connect()]);
      a.send("hi");
      assert.deepEqual([await b.text(), await c.text()], ["hi", "hi"]);
      assert.deepEqual((await client.logged("reached"))[0]!.data, [2]);
      b.send("again");
      assert.deepEqual([await a.text(), await c.text()], ["again", "again"]);
      assert.deepEqual([a.queued, b.queued, c.queued], [[], [], []]);
    },
  },
  {
    id: "P2.echo",
    fact: "with echo a publisher also receives its message if it is subscribed",
    server: (server) => ({
      hooks: {
        open: (peer) => peer.request.url.endsWith("?in") ? peer.subscribe("t") : undefined,
        message: (peer, message) =>
          server.log("reached", peer.publish("t", message, { echo: true })),
      },
    }),
    async run(client) {
      const inside = await client.connect("?in"), outside = await client.connect("?out");
      inside.send("1");
      outside.send("2");
      assert.deepEqual([await inside.text(), await inside.text()].sort(), ["1", "2"]);
      const reached = (await client.logged("reached", 2)).map(({ data }) => data[0]);
      assert.deepEqual(reached, [1, 1]);
      assert.deepEqual(outside.queued, []);
    },
  },
  {
    id: "P2.unsubscribed",
    fact: "a peer that is not subscribed to a topic can publish to it",
    server: (server) => ({
      hooks: {
        open: (peer) => peer.request.url.endsWith("?sub") ? peer.subscribe("t") : undefined,
        message: (peer, message) =>
          server.log("reached", peer.publish("t", message), peer.publish("none", 1)),
      },
    }),
    async run(client) {
      const subscriber = await client.connect("?sub"), publisher = await client.connect();
      publisher.send("x");
      assert.equal(await subscriber.text(), "x");
      assert.deepEqual((await client.logged("reached"))[0]!.data, [1, 0]);
    },
  },
  {
    id: "P3.adapter",
    fact: "adapter.publish() reaches each subscriber once, in all namespaces or in one",
    server: (server) => ({
      hooks: { open: (peer) => peer.subscribe("t") },
      commands: {
        publish: (namespace) =>
          server.ws.publish(
            "t",
            { to: namespace },
            namespace ? { namespace: namespace as string } : {},
          ),
      },
    }),
    async run(client) {
      const a = await client.connect("/a"),
        a2 = await client.connect("/a"),
        b = await client.connect("/b");
      assert.equal(await client.command("publish"), 3);
      for (const socket of [a, a2, b]) assert.equal(await socket.text(), '{"to":null}');
      assert.equal(await client.command("publish", client.path("/b")), 1);
      assert.equal(await b.text(), `{"to":"${client.path("/b")}"}`);
      assert.equal(await client.command("publish", "/nowhere"), 0);
      assert.deepEqual([a.queued, a2.queued, b.queued], [[], [], []]);
    },
  },
  {
    id: "P4.order",
    fact: "every subscriber receives a publisher's messages on a topic in publish order",
    server: () => ({
      hooks: {
        open: (peer) => peer.subscribe("t"),
        message(peer) {
          for (let i = 0; i < 200; i++) peer.publish("t", String(i));
        },
      },
    }),
    async run(client) {
      const [publisher, ...subscribers] = await Promise.all(
        [0, 1, 2, 3].map(() => client.connect()),
      );
      publisher!.send("go");
      for (const subscriber of subscribers) {
        for (let i = 0; i < 200; i++) assert.equal(await subscriber.text(), String(i));
      }
    },
  },
  {
    id: "P4.skips-closing",
    fact:
      "a closing or full subscriber is skipped and not counted, and the others receive the message",
    server: (server) => ({
      limits: { maxBuffered: 1024 * 1024, overflow: "error" },
      hooks: {
        open: (peer) => peer.subscribe("t"),
        async message(peer, message) {
          if (message.text() === "fill") {
            // Until the kernel accepts no more bytes.
            for (let accepted = 1; accepted > 0;) {
              accepted = 0;
              while (peer.bufferedAmount < 900_000) accepted += peer.send(new Uint8Array(100_000));
              await new Promise((resolve) => setTimeout(resolve, 20));
            }
            return server.log("full");
          }
          if (message.text() === "close") peer.close();
          else server.log("reached", peer.publish("t", new Uint8Array(900_000)));
        },
      },
    }),
    async run(client) {
      const [publisher, full, closing, good] = await Promise.all(
        [0, 1, 2, 3].map(() => client.connect()),
      );
      full!.socket.pause();
      full!.send("fill");
      await client.logged("full");
      closing!.socket.pause();
      closing!.send("close");
      await new Promise((go) => setTimeout(go, 50));
      publisher!.send("go");
      assert.equal((await good!.bytes()).length, 900_000);
      assert.deepEqual((await client.logged("reached"))[0]!.data, [1]);
      assert.equal((await client.stats()).drops, 1, "the full subscriber drops the message");
    },
  },
  {
    id: "P5.close",
    fact: "a peer leaves its topics before its close hook runs, and the hook can still publish",
    server: (server) => ({
      hooks: {
        open: (peer) => peer.subscribe("t"),
        close(peer) {
          server.log(
            "close",
            peer.topics.size,
            peer.publish("t", "left", { echo: true }),
            peer.peers.size,
          );
          peer.subscribe("again");
          server.log("after", peer.topics.size);
        },
      },
    }),
    async run(client) {
      const leaver = await client.connect(), other = await client.connect();
      leaver.close();
      assert.equal(await other.text(), "left");
      assert.deepEqual((await client.logged("close"))[0]!.data, [0, 1, 1]);
      assert.deepEqual((await client.logged("after"))[0]!.data, [0]);
    },
  },
  {
    id: "P6.views",
    fact: "peer.topics cannot be changed from outside; peer.peers and adapter.peers are live",
    server: (server) => ({
      hooks: {
        open(peer) {
          peer.subscribe("t");
          (peer.topics as Set<string>).add("forged");
          const inAdapter = server.ws.peers.get(peer.namespace);
          server.log(
            "open",
            [...peer.topics],
            peer.peers.size,
            peer.peers.has(peer),
            inAdapter?.has(peer),
          );
        },
        close: (peer) => server.log("close", peer.peers.size, peer.peers.has(peer)),
      },
    }),
    async run(client) {
      const first = await client.connect();
      await client.connect();
      first.terminate();
      await client.logged("close");
      const log = (await client.log()).map(({ data }) => data);
      assert.deepEqual(log, [[["t"], 1, true, true], [["t"], 2, true, true], [1, false]]);
    },
  },
  {
    id: "P7.cost",
    runsAlone: true,
    fact: "the cost of a publish does not grow with the number of other peers and topics",
    server: (server) => {
      const empty = createEndpoint();
      const timeOf = (endpoint: Pick<typeof empty, "publish">) => {
        const start = performance.now();
        for (let i = 0; i < 20_000; i++) endpoint.publish("nobody", "x");
        return performance.now() - start;
      };
      // The two measurements alternate, so that a busy machine slows down both.
      const time = () => {
        const runs = Array.from({ length: 9 }, () => [timeOf(server.ws), timeOf(empty)] as const);
        return [
          Math.min(...runs.map(([full]) => full)),
          Math.min(...runs.map(([, empty]) => empty)),
        ];
      };
      return {
        limits: { maxTopicsPerPeer: 20_000 },
        // One namespace, as a publish to all namespaces visits each of them.
        getNamespace: () => "one for all",
        hooks: {
          message(peer) {
            for (let i = 0; i < 10_000; i++) peer.subscribe(`${peer.id} ${i}`);
          },
        },
        commands: { time },
      };
    },
    async run(client) {
      await client.connect(); // one peer, as a publish to an endpoint without peers does nothing
      const [before, emptyBefore] = await client.command<[number, number]>("time");
      const sockets = await Promise.all(
        Array.from({ length: 20 }, (_, i) => client.connect(`/${i}`)),
      );
      for (const socket of sockets.slice(0, 5)) socket.send("subscribe");
      for (let i = 0; i < 100 && (await client.stats()).topics < 50_000; i++);
      assert.equal((await client.stats()).topics, 50_000);
      const [after, emptyAfter] = await client.command<[number, number]>("time");
      const slowdown = Math.max(1, (emptyAfter + 1) / (emptyBefore + 1));
      // A scan of the topics would take 1,000 ms at least. The allowance is for long chains of entries
      // in the hash tables of Bun: their lengths depend on the random ids of the peers.
      assert.ok(
        after < (before * 5 + 50) * slowdown,
        `${before} ms before, ${after} ms after, on a machine ${slowdown} times slower`,
      );
    },
  },
  {
    id: "P8.once",
    fact: "a payload is encoded once per publish, not once per subscriber",
    server: (server) => {
      let encoded = 0;
      return {
        hooks: {
          open: (peer) => peer.subscribe("t"),
          message(peer) {
            server.log("reached", peer.publish("t", { toJSON: () => `encoded ${++encoded}` }));
            server.log("encoded", encoded);
          },
        },
      };
    },
    async run(client) {
      const [publisher, ...others] = await Promise.all([0, 1, 2, 3, 4].map(() => client.connect()));
      publisher!.send("go");
      for (const other of others) assert.equal(await other.text(), '"encoded 1"');
      assert.deepEqual((await client.logged("encoded"))[0]!.data, [1]);
    },
  },
];

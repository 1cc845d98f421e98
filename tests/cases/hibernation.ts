import assert from "node:assert/strict";
import type { Peer } from "../../peer.ts";
import { CLOSE, closePayload, frame, TEXT } from "../harness/clients/raw_client.ts";
import type { Case } from "../fixtures/case.ts";

/** Properties that a peer keeps when its object loses its memory. */
function traits(peer: Peer): unknown {
  return {
    id: peer.id,
    url: peer.request.url,
    headers: [...peer.request.headers].sort(),
    address: peer.remoteAddress,
    namespace: peer.namespace,
    user: peer.user,
    topics: [...peer.topics],
    context: peer.context,
    protocol: peer.websocket.protocol,
    websocketUrl: peer.websocket.url,
    binaryType: peer.websocket.binaryType,
  };
}

/** Values that JSON cannot express. */
interface Odd {
  readonly date: Date;
  readonly map: Map<string, Set<number>>;
  readonly bytes: Uint8Array;
  readonly big: bigint;
  readonly not: number;
}

/** H1, H2: peers outlive the memory of their object. The facts also hold without evictions. */
export const hibernation: readonly Case[] = [
  {
    id: "H1.traits",
    fact:
      "after an eviction a peer has the same id, URL, headers, address, namespace, topics, context and protocol",
    server: (server) => ({
      hooks: {
        upgrade: () => ({
          protocol: "b",
          namespace: "room é \u{1F600}",
          user: "ada \ud800 é",
          context: { user: "ada", deep: { list: [1, "two", null, { three: 3.5 }] } },
        }),
        open(peer) {
          peer.subscribe("news");
          peer.subscribe("\0 odd \ud800 topic");
          peer.websocket.binaryType = "arraybuffer";
          server.log("traits", traits(peer));
        },
        message: (peer) => server.log("traits", traits(peer)),
      },
    }),
    async run(client) {
      const raw = await client.raw({
        target: client.path("/x?y=%20z"),
        headers: {
          "Sec-WebSocket-Protocol": "a, b",
          Cookie: "q=1; r=2",
          "X-Long": "x".repeat(3000),
        },
      });
      assert.equal((await raw.head()).status, 101);
      for (let life = 1; life <= 3; life++) {
        await client.evict();
        raw.write(frame(TEXT, "look"));
        await client.logged("traits", life + 1);
      }
      const [first, ...later] = (await client.log()).map(({ data }) => data[0]);
      assert.equal(first.context.user, "ada");
      assert.equal(first.protocol, "b");
      assert.equal(first.topics.length, 2);
      for (const next of later) assert.deepEqual(next, first);
    },
  },
  {
    id: "H1.changes",
    fact: "changes of context and topics in hooks survive an eviction, even changes after an await",
    server: (server) => ({
      hooks: {
        upgrade: () => ({ context: { count: 0, late: 0 } }),
        open: (peer) => peer.subscribe("first"),
        async message(peer, message) {
          const context = peer.context as { count: number; late: number };
          context.count++;
          await new Promise((resolve) => setTimeout(resolve, 5));
          context.late++;
          if (message.text() === "leave") peer.unsubscribe("first");
          else peer.subscribe(message.text());
          peer.send({ ...context, topics: [...peer.topics] });
          server.log("done");
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      const seen: unknown[] = [];
      for (const word of ["a", "b", "leave", "c"]) {
        socket.send(word);
        seen.push(JSON.parse(await socket.text()));
        await client.evict();
      }
      assert.deepEqual(seen, [
        { count: 1, late: 1, topics: ["first", "a"] },
        { count: 2, late: 2, topics: ["first", "a", "b"] },
        { count: 3, late: 3, topics: ["a", "b"] },
        { count: 4, late: 4, topics: ["a", "b", "c"] },
      ]);
    },
  },
  {
    id: "H1.others",
    fact:
      "a change of another peer's context survives an eviction, made by a hook or outside of hooks",
    server: (server) => ({
      hooks: {
        upgrade: () => ({ context: { marks: [] as string[] } }),
        async message(peer, message) {
          const word = message.text();
          if (word === "look") return void peer.send(peer.context);
          for (const { id, context } of peer.peers) {
            if (id === peer.id) continue;
            const marks = context.marks as string[];
            marks.push(word);
            await new Promise((resolve) => setTimeout(resolve, 5));
            marks.push(`${word}, later`);
          }
          server.log("done");
        },
      },
      commands: {
        mark() {
          for (const peers of server.ws.peers.values()) {
            for (const { context } of peers) (context.marks as string[]).push("all");
          }
        },
      },
    }),
    async run(client) {
      const writer = await client.connect(), reader = await client.connect();
      for (const word of ["a", "b"]) {
        writer.send(word);
        await client.logged("done", word === "a" ? 1 : 2);
        await client.evict();
      }
      await client.command("mark");
      await client.evict();
      const written = ["a", "a, later", "b", "b, later", "all"];
      for (const [socket, marks] of [[writer, ["all"]], [reader, written]] as const) {
        socket.send("look");
        assert.deepEqual(JSON.parse(await socket.text()), { marks });
      }
    },
  },
  {
    id: "H1.assigned",
    fact:
      "a context that a hook assigns to peer.context survives an eviction, and so do its changes",
    server: () => ({
      hooks: {
        upgrade: () => ({ context: { old: true } }),
        message(peer, message) {
          const mutable: { context: Record<string, unknown> } = peer;
          if (message.text() === "assign") mutable.context = { count: 1 };
          if (message.text() === "change") peer.context.count = Number(peer.context.count) + 1;
          peer.send(peer.context);
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      for (const [word, context] of [["assign", { count: 1 }], ["change", { count: 2 }]] as const) {
        socket.send(word);
        assert.deepEqual(JSON.parse(await socket.text()), context);
        await client.evict();
        socket.send("look");
        assert.deepEqual(JSON.parse(await socket.text()), context);
      }
    },
  },
  {
    id: "H1.error-hook",
    fact: "a change of the context in an asynchronous error hook survives an eviction",
    server: (server) => ({
      hooks: {
        upgrade: () => ({ context: { failures: 0 } }),
        message(peer, message) {
          if (message.text() === "fail") throw new Error("failed");
          peer.send(peer.context);
        },
        async error({ context }) {
          await new Promise((resolve) => setTimeout(resolve, 5));
          context.failures = Number(context.failures) + 1;
          server.log("error");
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.send("fail");
      await client.logged("error");
      await client.evict();
      socket.send("look");
      assert.deepEqual(JSON.parse(await socket.text()), { failures: 1 });
    },
  },
  {
    id: "H1.large",
    fact:
      "1,500 topics and a context of 100 kB survive evictions, while the context shrinks and grows",
    server: () => ({
      limits: { maxTopicsPerPeer: 2000 },
      hooks: {
        upgrade: () => ({ context: { text: "é€".repeat(25_000) } }),
        open(peer) {
          for (let i = 0; i < 1500; i++) peer.subscribe(`topic-${i}`);
        },
        message(peer, message) {
          const context = peer.context as { text: string };
          if (message.text() !== "look") context.text = "x".repeat(Number(message.text()));
          peer.send([context.text.length, peer.topics.size, peer.topics.has("topic-1499")]);
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      for (
        const [word, length] of [["look", 50_000], ["look", 50_000], ["10", 10], ["look", 10], [
          "200000",
          200_000,
        ], ["look", 200_000]] as const
      ) {
        await client.evict();
        socket.send(word);
        assert.deepEqual(JSON.parse(await socket.text()), [length, 1500, true]);
      }
    },
  },
  {
    id: "H1.cloned",
    fact: "dates, maps, bytes, bigints, NaN and undefined in a context survive an eviction",
    server: () => ({
      hooks: {
        upgrade: () => ({
          context: {
            date: new Date(5),
            map: new Map([["a", new Set([1])]]),
            bytes: new Uint8Array([1, 2]),
            nothing: undefined,
            big: 5n,
            not: NaN,
          },
        }),
        message(peer) {
          const { date, map, bytes, big, not } = peer.context as unknown as Odd;
          map.set("more", new Set());
          peer.send([
            date.getTime(),
            [...map.keys()],
            [...bytes],
            "nothing" in peer.context,
            String(big),
            String(not),
          ]);
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      for (let life = 0; life < 2; life++) {
        await client.evict();
        socket.send("look");
        assert.deepEqual(JSON.parse(await socket.text()), [
          5,
          ["a", "more"],
          [1, 2],
          true,
          "5",
          "NaN",
        ]);
      }
    },
  },
  {
    id: "H1.hooks",
    fact:
      "after an eviction hooks are resolved again before the next message, and open does not run again",
    server: (server) => ({
      async resolve(request) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        const { search } = new URL(request.url);
        return {
          open: () => server.log("open"),
          message: (peer, message) => void peer.send(`${search} ${message}`),
          close: (_, { code }) => server.log("close", code),
        };
      },
    }),
    async run(client) {
      const socket = await client.connect("?me");
      await client.evict();
      for (const word of ["a", "b", "c"]) socket.send(word);
      for (const word of ["a", "b", "c"]) assert.equal(await socket.text(), `?me ${word}`);
      await client.evict();
      socket.close(4005, "bye");
      assert.deepEqual((await client.logged("close"))[0]!.data, [4005]);
      assert.deepEqual(await client.events(), ["open", "close"]);
    },
  },
  {
    id: "H1.ends",
    fact:
      "a close, a protocol error and a dropped connection end a peer after an eviction as before",
    server: (server) => ({
      hooks: {
        upgrade: (request) => ({ context: { who: new URL(request.url).search } }),
        open: (peer) => peer.subscribe("t"),
        error: (peer, error) =>
          server.log("error", peer.context.who, (error as { code?: string }).code),
        close: (peer, { code, wasClean }) =>
          server.log("close", peer.context.who, code, wasClean, peer.topics.size, peer.peers.size),
      },
    }),
    async run(client) {
      const [clean, bad, gone] = await Promise.all(
        ["?clean", "?bad", "?gone"].map((query) => client.upgraded({ target: client.path(query) })),
      );
      await client.evict();
      clean!.write(frame(CLOSE, closePayload(4001)));
      assert.deepEqual((await clean!.frame()).payload.toString("hex"), "0fa1");
      assert.deepEqual((await client.logged("close"))[0]!.data, ["?clean", 4001, true, 0, 2]);
      await client.evict();
      bad!.write(frame(3, "no such opcode"));
      await client.logged("error");
      await client.logged("close", 2);
      await client.evict();
      gone!.rst();
      await client.logged("close", 3);
      assert.deepEqual((await client.log()).slice(1).map(({ event, data }) => [event, ...data]), [
        ["error", "?bad", "ERR_PEER_PROTOCOL"],
        ["close", "?bad", 1002, false, 0, 1],
        ["close", "?gone", 1006, false, 0, 0],
      ]);
    },
  },
  {
    id: "H2.reach",
    fact:
      "a publish by a peer or by the adapter reaches each hibernated subscriber of the namespace once",
    server: (server) => ({
      hooks: {
        upgrade: (request) => ({ namespace: new URL(request.url).search }),
        open(peer) {
          peer.subscribe("t");
          peer.subscribe("left");
          server.log("open");
        },
        message(peer, message) {
          if (message.text() === "leave") return peer.unsubscribe("left");
          server.log("reached", peer.publish(message.text(), "by a peer"));
        },
      },
      commands: {
        publish: (namespace) =>
          server.ws.publish(
            "t",
            "by the adapter",
            namespace ? { namespace: namespace as string } : {},
          ),
      },
    }),
    async run(client) {
      const [a, b, other] = [
        await client.connect("?1"),
        await client.connect("?1"),
        await client.connect("?2"),
      ];
      await client.logged("open", 3);
      b.send("leave");
      await client.evict();
      a.send("t");
      assert.equal(await b.text(), "by a peer");
      await client.evict();
      a.send("left");
      assert.deepEqual((await client.logged("reached", 2)).map(({ data }) => data[0]), [1, 0]);
      await client.evict();
      assert.equal(await client.command("publish", "?1"), 2);
      await client.evict();
      assert.equal(await client.command("publish"), 3);
      for (const socket of [a, b]) {
        assert.equal(await socket.text(), "by the adapter");
        assert.equal(await socket.text(), "by the adapter");
      }
      assert.equal(await other.text(), "by the adapter");
      const { peers, topics, namespaces } = await client.stats();
      assert.deepEqual({ peers, topics, namespaces }, { peers: 3, topics: 4, namespaces: 2 });
      for (const socket of [a, b, other]) assert.equal(socket.queued.length, 0);
    },
  },
];

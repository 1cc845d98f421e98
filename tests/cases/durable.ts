import assert from "node:assert/strict";
import type { DurableContext } from "../../adapters/cloudflare.ts";
import type { Case } from "../fixtures/case.ts";

/** Cases that run only on Durable Objects. */
export const durableCases: readonly Case[] = [
  {
    id: "H1.too-large",
    fact: "a state too large for the storage is an error with a code, and the saved state is kept",
    server: (server) => ({
      limits: { maxTopicLength: Infinity },
      hooks: {
        upgrade: () => ({ context: { text: "small" } }),
        message(peer, message) {
          if (message.text() === "topic") {
            try {
              peer.subscribe("x".repeat(3 * 1024 * 1024));
            } catch (error) {
              server.log("thrown", (error as { code?: string }).code);
            }
          }
          if (message.text() === "context") peer.context.text = "x".repeat(3 * 1024 * 1024);
          peer.send({ length: String(peer.context.text).length, topics: peer.topics.size });
        },
        error: (_, error) => server.log("error", error.hook, (error as { code?: string }).code),
      },
    }),
    async run(client) {
      const socket = await client.connect();
      const ask = async (word: string) => {
        socket.send(word);
        return JSON.parse(await socket.text());
      };
      assert.deepEqual(await ask("topic"), { length: 5, topics: 0 });
      assert.deepEqual((await client.logged("thrown"))[0]!.data, ["ERR_PEER_STATE_TOO_LARGE"]);
      assert.equal(
        (await ask("context")).length,
        3 * 1024 * 1024,
        "the context in memory has the new value",
      );
      assert.deepEqual((await client.logged("error"))[0]!.data, [
        "message",
        "ERR_PEER_STATE_TOO_LARGE",
      ]);
      await client.evict();
      assert.deepEqual(await ask("look"), { length: 5, topics: 0 });
    },
  },
  {
    id: "H1.uncloneable",
    fact: "the console names a context value that cannot be cloned, and the other values are kept",
    server: () => ({
      hooks: {
        upgrade: () => ({ context: { user: "ada", uncloneable_key: () => {} } }),
        message: (peer) => void peer.send(Object.keys(peer.context)),
      },
    }),
    async run(client) {
      const socket = await client.connect();
      await client.evict();
      socket.send("look");
      assert.deepEqual(JSON.parse(await socket.text()), ["user"]);
      assert.ok((await client.consoleErrors("uncloneable_key", 0)).length >= 1);
    },
  },
  {
    id: "H1.runtime",
    fact: "after an eviction resolve and hooks find env and ctx in request.runtime",
    server: (server) => {
      const names = (request: object) => {
        const { cloudflare } = (request as { runtime?: unknown }).runtime as {
          cloudflare: { env: object; ctx: object };
        };
        return [...Object.keys(cloudflare.env), typeof (cloudflare.ctx as DurableContext).getTags];
      };
      return {
        resolve: (request) => void server.log("resolve", names(request)),
        hooks: { message: (peer) => void peer.send(names(peer.request)) },
      };
    },
    async run(client) {
      const socket = await client.connect();
      for (let life = 0; life < 2; life++) {
        socket.send("look");
        assert.deepEqual(JSON.parse(await socket.text()), ["Room", "evicts", "function"]);
        await client.evict();
      }
      const resolved = (await client.logged("resolve", 2)).map(({ data }) => data[0]);
      for (const names of resolved) assert.deepEqual(names, ["Room", "evicts", "function"]);
    },
  },
  {
    id: "I3.forged",
    fact: "a forged CF-Connecting-IP is ignored if the runtime itself knows the address",
    server: (server) => ({ hooks: { open: (peer) => server.log("open", peer.remoteAddress) } }),
    async run(client) {
      await client.upgraded({ headers: { "CF-Connecting-IP": "6.6.6.6" } });
      assert.deepEqual((await client.logged("open"))[0]!.data, ["127.0.0.1"]);
    },
  },
  {
    id: "H1.no-timer",
    fact: "an object with idle peers has no timer, as a timer would keep it from hibernating",
    server: (server) => ({ hooks: { open: () => server.log("open") } }),
    async run(client) {
      await client.connect();
      await client.logged("open");
      assert.equal((await client.stats()).timers, 0);
    },
  },
  {
    id: "L3.heartbeat",
    fact:
      "the runtime answers heartbeats without a hook; a client that sends none for idleTimeout gets 1006",
    server: (server) => {
      const heartbeat = { heartbeat: { request: "there?", response: "here" } };
      return {
        ...heartbeat,
        limits: { idleTimeout: 600 },
        hooks: {
          message: () => server.log("message"),
          close: (peer, { code }) => server.log("close", new URL(peer.request.url).search, code),
        },
      };
    },
    async run(client) {
      const busy = await client.connect("?busy");
      await client.connect("?silent");
      await client.evict();
      for (let beat = 0; beat < 9; beat++) {
        busy.send("there?");
        assert.equal(await busy.text(), "here");
        await new Promise((resolve) => setTimeout(resolve, 150));
      }
      const closes = (await client.log()).filter(({ event }) => event !== "alarm");
      assert.deepEqual(closes, [{ event: "close", data: ["?silent", 1006] }]);
      assert.equal((await client.stats()).peers, 1);
      busy.terminate();
    },
  },
  {
    id: "C4.no-switch",
    fact: "a handshake that workerd cannot upgrade gets 400 and leaves no peer behind",
    server: (server) => ({ hooks: { open: () => server.log("open") } }),
    async run(client) {
      const raw = await client.raw({ headers: { Upgrade: "websocket, other/1" } });
      assert.equal((await raw.head()).status, 400);
      assert.deepEqual(await client.events(50), []);
    },
  },
  {
    id: "L3.shared-alarm",
    fact:
      "handleDurableAlarm() returns true for the application's alarm, and false for alarms of heartbeats",
    server: (server) => {
      const heartbeat = { heartbeat: { request: "there?", response: "here" } };
      return {
        ...heartbeat,
        limits: { idleTimeout: 300 },
        hooks: {
          async upgrade(request) {
            const { cloudflare } = request.runtime as unknown as {
              cloudflare: { ctx: { storage: { setAlarm(time: number): Promise<void> } } };
            };
            await cloudflare.ctx.storage.setAlarm(Date.now() + 900);
          },
          open: () => server.log("open"),
        },
      };
    },
    async run(client) {
      const socket = await client.connect();
      for (let beat = 0; beat < 8; beat++) {
        socket.send("there?");
        assert.equal(await socket.text(), "here");
        await new Promise((resolve) => setTimeout(resolve, 150));
      }
      const alarms = (await client.log()).filter(({ event }) => event === "alarm");
      assert.equal(alarms.filter(({ data }) => data[0]).length, 1, JSON.stringify(alarms));
      assert.ok(alarms.length >= 3, JSON.stringify(alarms));
      socket.terminate();
    },
  },
];

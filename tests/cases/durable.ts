import assert from "node:assert/strict";
import type { CloudflareRequestRuntime, DurableContext } from "../../adapters/cloudflare.ts";
import type { Peer } from "../../peer.ts";
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
    fact:
      "the console names a context value that cannot be cloned once, and the other values are kept",
    server: () => ({
      hooks: {
        upgrade: () => ({ context: { user: "ada", uncloneable_key: () => {} } }),
        message: (peer) => void peer.send(Object.keys(peer.context)),
      },
    }),
    async run(client) {
      const socket = await client.connect();
      for (let n = 0; n < 3; n++) {
        socket.send("look");
        await socket.text();
      }
      await client.evict();
      socket.send("look");
      assert.deepEqual(JSON.parse(await socket.text()), ["user"]);
      assert.equal((await client.consoleErrors("uncloneable_key", 0)).length, 1);
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
    id: "L3.message",
    maxMs: 8000,
    fact:
      "a message restarts the time of idleTimeout, even if the object is evicted after the message",
    server: (server) => {
      const heartbeat = { heartbeat: { request: "there?", response: "here" } };
      return {
        ...heartbeat,
        limits: { idleTimeout: 1500 },
        hooks: {
          upgrade: (request) => ({
            context: { text: "x".repeat(request.url.endsWith("?large") ? 50_000 : 1) },
          }),
          open: () => server.log("open"),
          message: () => server.log("message", Date.now()),
          close: (peer, { code }) =>
            server.log("close", new URL(peer.request.url).search, code, Date.now()),
        },
      };
    },
    async run(client) {
      const names = ["?large", "?small"];
      const sockets = await Promise.all(names.map((name) => client.connect(name)));
      await client.logged("open", 2);
      await new Promise((resolve) => setTimeout(resolve, 900));
      for (const socket of sockets) socket.send("hello");
      const heard = (await client.logged("message", 2)).map(({ data }) => data[0] as number);
      await client.evict();
      const closes = (await client.logged("close", 2, 6000)).map(({ data }) => data);
      assert.deepEqual(closes.map(([name, code]) => [name, code]).sort(), [
        ["?large", 1006],
        ["?small", 1006],
      ]);
      for (const [name, , at] of closes) {
        const silent = at - Math.min(...heard);
        assert.ok(silent >= 1450, `${name} was silent for ${silent} ms only`);
      }
    },
  },
  {
    id: "C13.revived",
    fact: "after an eviction the options of the peer's hooks are in force again, also for its URL",
    server: (server) => ({
      async resolve(request) {
        server.log("resolve", new URL(request.url).host);
        await new Promise((resolve) => setTimeout(resolve, 20));
        return {
          trustProxy: true,
          limits: { maxPayload: 1000, maxTopicsPerPeer: 1 },
          message(peer) {
            const { request, websocket, remoteAddress, topics } = peer;
            const hosts = [request.url, websocket.url].map((url) => new URL(url).host);
            peer.send([...hosts, remoteAddress, topics.size]);
          },
          close: (_, { code }) => server.log("close", code),
        };
      },
      commands: {
        subscribe() {
          const [peer] = [...server.ws.peers.values()].flatMap((peers) => [...peers]);
          const { host } = new URL(peer!.request.url);
          peer!.subscribe("a");
          return host;
        },
      },
    }),
    async run(client) {
      const headers = {
        "X-Forwarded-For": "198.51.100.7",
        "X-Forwarded-Host": "app.example",
      };
      const socket = await client.connect("", { headers });
      await client.evict();
      // The hooks are not known yet: `resolve` is asynchronous.
      assert.equal(await client.command("subscribe"), "app.example");
      for (const topics of [1, 1]) {
        socket.send("look");
        const seen = JSON.parse(await socket.text());
        assert.deepEqual(seen, ["app.example", "app.example", "198.51.100.7", topics]);
        await client.evict();
      }
      const own = `127.0.0.1:${client.port}`;
      for (const { data } of await client.logged("resolve", 3)) assert.deepEqual(data, [own]);
      socket.send("look");
      await socket.text();
      socket.send("x".repeat(1001));
      assert.deepEqual((await client.logged("close"))[0]!.data, [1009]);
    },
  },
  {
    id: "C13.durable-heartbeat",
    fact:
      "with heartbeats, a silent client is gone after the idleTimeout of its hooks, evicted or not",
    server: (server) => {
      const heartbeat = { heartbeat: { request: "there?", response: "here" } };
      const hooks = { close: () => {} };
      return {
        ...heartbeat,
        limits: { idleTimeout: 0 },
        hooks: {
          close: (peer, { code }) => server.log("close", new URL(peer.request.url).search, code),
        },
        resolve: (request) =>
          request.url.endsWith("?limited") ? { ...hooks, limits: { idleTimeout: 600 } } : undefined,
      };
    },
    async run(client) {
      await client.connect("?limited");
      const other = await client.connect("?other");
      await client.evict();
      assert.deepEqual((await client.logged("close"))[0]!.data, ["?limited", 1006]);
      await new Promise((resolve) => setTimeout(resolve, 300));
      const closes = (await client.log()).filter(({ event }) => event === "close");
      assert.equal(closes.length, 1);
      other.terminate();
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
    maxMs: 8000,
    fact:
      "handleDurableAlarm() returns true for the application's alarm, and false for alarms of heartbeats",
    server: (server) => {
      const heartbeat = { heartbeat: { request: "there?", response: "here" } };
      return {
        ...heartbeat,
        limits: { idleTimeout: 900 }, // a busy client must not seem silent
        hooks: {
          async upgrade(request) {
            const { cloudflare } = request.runtime as CloudflareRequestRuntime<
              unknown,
              { storage: { setAlarm(time: number): Promise<void> } }
            >;
            await cloudflare.ctx.storage.setAlarm(Date.now() + 1500);
          },
          open: () => server.log("open"),
        },
      };
    },
    async run(client) {
      const socket = await client.connect();
      for (let beat = 0; beat < 18; beat++) {
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
  {
    id: "L3.own-alarms",
    fact:
      "each alarm that the application sets rings once, and silent clients are still terminated",
    server: (server) => {
      const heartbeat = { heartbeat: { request: "there?", response: "here" } };
      const ringIn = (peer: Peer, ms: number) => storageOf(peer.request).setAlarm(Date.now() + ms);
      return {
        ...heartbeat,
        limits: { idleTimeout: 500 },
        hooks: {
          upgrade: () => {}, // otherwise the peer's request has no runtime
          open(peer) {
            // Not awaited: the adapter sets its own alarm in the same turn.
            if (peer.request.url.endsWith("?busy")) void ringIn(peer, 900);
            server.log("open");
          },
          message: (peer, message) => ringIn(peer, Number(message.text())),
          close: (peer, { code }) => server.log("close", new URL(peer.request.url).search, code),
        },
      };
    },
    async run(client) {
      const busy = await client.connect("?busy");
      await client.logged("open");
      const beat = setInterval(() => busy.send("there?"), 100);
      try {
        await client.logged("own-alarm");
        await client.connect("?silent");
        for (let rung = 2; rung <= 8; rung++) {
          busy.send("150"); // always before the adapter's own time
          await client.logged("own-alarm", rung);
        }
        assert.deepEqual((await client.logged("close"))[0]!.data, ["?silent", 1006]);
        busy.send("800"); // after the adapter's own time
        await client.logged("own-alarm", 9);
      } finally {
        clearInterval(beat);
      }
      assert.equal((await client.stats()).peers, 1);
      busy.terminate();
    },
  },
  {
    id: "H1.lost",
    fact:
      "a peer whose state is no longer in the storage is closed with 1012, and the console says so once",
    server: (server) => ({
      hooks: {
        upgrade: (request) => ({
          context: { text: "x".repeat(request.url.endsWith("?small") ? 1 : 50_000) },
        }),
        open: () => server.log("open"),
        async message(peer, message) {
          if (message.text() === "wipe") await storageOf(peer.request).deleteAll();
          peer.send(message.text());
        },
      },
    }),
    async run(client) {
      const [large, idle, small] = [
        await client.connect("?large"),
        await client.connect("?idle"),
        await client.connect("?small"),
      ];
      await client.logged("open", 3);
      idle.send("hello"); // workerd ends no connection on which the client has sent no message
      assert.equal(await idle.text(), "hello");
      small.send("wipe");
      assert.equal(await small.text(), "wipe");
      await client.evict();
      large.send("look");
      assert.equal((await large.closed).code, 1012);
      small.send("look");
      assert.equal(await small.text(), "look");
      assert.equal((await client.stats()).peers, 1);
      assert.equal((await idle.closed).code, 1012);
      const said = await client.consoleErrors("did not survive hibernation", 0);
      assert.equal(said.length, 2, "one error for each lost peer");
    },
  },
  {
    id: "H1.lost-hooks",
    fact:
      "if resolve fails after an eviction, the peer is closed with 1011 and the global close hook runs",
    server: (server) => {
      const known = new Set<string>();
      return {
        limits: { handshakeTimeout: 200 },
        resolve(request) {
          const { search } = new URL(request.url);
          if (known.size < FAILURES.length) return void known.add(search);
          if (search === "?throws") throw new Error(search);
          if (search === "?rejects") return Promise.reject(new Error(search));
          return search === "?number" ? 42 as never : new Promise(() => {});
        },
        hooks: {
          message: () => server.log("message"),
          close: (peer, { code }) => server.log("close", new URL(peer.request.url).search, code),
        },
        onError: (_error, { stage }) => server.log("failed", stage),
      };
    },
    async run(client) {
      const sockets = await Promise.all(FAILURES.map((search) => client.connect(search)));
      await client.evict();
      for (const socket of sockets) socket.send("look");
      for (const socket of sockets) assert.equal((await socket.closed).code, 1011);
      const closes = (await client.logged("close", FAILURES.length)).map(({ data }) => data);
      assert.deepEqual(closes.sort(), FAILURES.map((search) => [search, 1011]));
      assert.ok(
        !(await client.events()).includes("message"),
        "a hook ran without its peer's hooks",
      );
      assert.equal((await client.logged("failed"))[0]!.data[0], "resolve");
    },
  },
];

/** Ways in which `resolve` fails. */
const FAILURES = ["?never", "?number", "?rejects", "?throws"];

/** Returns the storage of the object that serves a request. */
function storageOf(request: object): Storage {
  const { runtime } = request as { runtime: { cloudflare: { ctx: { storage: Storage } } } };
  return runtime.cloudflare.ctx.storage;
}

/** Methods of a Durable Object's storage that cases use. */
interface Storage {
  setAlarm(time: number): Promise<void>;
  deleteAll(): Promise<void>;
}

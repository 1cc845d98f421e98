import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { CLOSE, closePayload, frame, TEXT } from "../harness/clients/raw_client.ts";
import type { Case } from "../fixtures/case.ts";

/** `ctx` of the request that opened a peer's connection. */
const ctxOf = (request: { readonly runtime?: unknown }) =>
  (request.runtime as { cloudflare: { ctx: { abort(reason: string): void } } }).cloudflare.ctx;

/** Cases that run only on plain Workers, where each peer belongs to its own request context. */
export const workerCases: readonly Case[] = [
  {
    id: "P4.contexts",
    fact: "messages across request contexts arrive in order, exactly once, while peers come and go",
    server: () => ({
      hooks: {
        open: (peer) => peer.subscribe("all"),
        message: (peer, message) => void peer.publish("all", message),
      },
    }),
    async run(client) {
      const listeners = await Promise.all(Array.from({ length: 10 }, () => client.connect()));
      const talkers = await Promise.all(Array.from({ length: 5 }, () => client.connect()));
      for (let i = 0; i < 40; i++) {
        talkers.forEach((talker, who) => talker.send(`${who} ${i}`));
        if (i % 8 === 0) (await client.connect()).close();
      }
      for (const listener of listeners) {
        const heard: number[][] = [[], [], [], [], []];
        for (let i = 0; i < 200; i++) {
          const [who, number] = (await listener.text()).split(" ").map(Number);
          heard[who!]!.push(number!);
        }
        const all = Array.from({ length: 40 }, (_, i) => i);
        assert.deepEqual(heard, heard.map(() => all));
        assert.deepEqual(listener.queued, []);
      }
    },
  },
  {
    id: "P4.optimized",
    fact:
      "thousands of messages across request contexts arrive, even after V8 optimizes the code that wakes peers",
    server: () => ({
      hooks: {
        open: (peer) => peer.subscribe("all"),
        message: (peer, message) => void peer.publish("all", message),
      },
    }),
    async run(client) {
      const listeners = await Promise.all(Array.from({ length: 60 }, () => client.connect()));
      const talker = await client.connect();
      for (let i = 0; i < 600; i++) {
        talker.send(`${i}`);
        for (const listener of listeners) assert.equal(await listener.text(), `${i}`);
      }
    },
  },
  {
    id: "X1.contexts",
    fact: "a peer can close, terminate and drain a peer of another request context",
    server: (server) => ({
      hooks: {
        async message(peer, message) {
          const [other] = [...peer.peers].filter((it) => it !== peer);
          if (message.text() === "close") other!.close(4001, "by another");
          else if (message.text() === "terminate") other!.terminate();
          else {
            server.log("queued", other!.send("x".repeat(1000)));
            await other!.waitForDrain();
            server.log("drained", other!.bufferedAmount);
          }
        },
        close: (_, { code, wasClean }) => server.log("close", code, wasClean),
      },
    }),
    async run(client) {
      const one = await client.connect();
      const drained = await client.connect();
      one.send("drain");
      assert.equal((await drained.text()).length, 1000);
      assert.deepEqual(
        (await client.logged("queued"))[0]!.data,
        [1000],
        "the message waits for the other context",
      );
      assert.deepEqual((await client.logged("drained"))[0]!.data, [0]);
      one.send("close");
      assert.deepEqual((await drained.closed).code, 4001);
      assert.deepEqual((await client.logged("close"))[0]!.data, [4001, true]);
      const dropped = await client.connect();
      one.send("terminate");
      assert.equal((await dropped.closed).code, 1006);
      assert.deepEqual((await client.logged("close", 2))[1]!.data, [1006, false]);
    },
  },
  {
    id: "B3.by-a-request",
    fact: "a plain request can wait for the drain of a slow peer",
    server: (server) => ({
      commands: {
        async drain() {
          const [peer] = [...server.ws.peers.values()].flatMap((peers) => [...peers]);
          for (let i = 0; i < 100; i++) peer!.send("x".repeat(100_000));
          await peer!.waitForDrain();
          return peer!.bufferedAmount;
        },
      },
    }),
    async run(client) {
      const slow = await client.upgraded();
      slow.pause();
      const drained = client.command<number>("drain");
      await new Promise((resolve) => setTimeout(resolve, 1000));
      slow.resume();
      assert.ok(await drained <= 64 * 1024);
    },
  },
  {
    id: "X4.hooks",
    fact: "an asynchronous close hook completes, though terminate() ends the peer's request",
    server: (server) => ({
      hooks: {
        message: (peer) => peer.terminate(),
        async close() {
          server.log("closing");
          await new Promise((resolve) => setTimeout(resolve, 100));
          server.log("closed");
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.send("go");
      await client.logged("closed");
      assert.equal((await socket.closed).code, 1006);
    },
  },
  {
    id: "X4.by-a-request",
    fact: "an asynchronous close hook completes if a plain request terminates the peer",
    server: (server) => ({
      commands: { terminate: () => server.ws.closeAll(1000, "", true) },
      hooks: {
        async close() {
          await new Promise((resolve) => setTimeout(resolve, 100));
          server.log("closed");
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      await client.command("terminate");
      assert.equal((await socket.closed).code, 1006);
      await client.logged("closed");
      await client.command("terminate");
      assert.equal((await client.stats()).timers, 0);
    },
  },
  {
    id: "X5.host-gone",
    fact: "a timer outlives the request that set it: an unanswered close still ends the peer",
    server: (server) => ({
      limits: { closeTimeout: 300 },
      hooks: {
        message(peer) {
          const [other] = [...peer.peers].filter((it) => it !== peer);
          other!.close();
          peer.close();
        },
        close: (_, { code, wasClean }) => server.log("close", code, wasClean),
      },
    }),
    async run(client) {
      const one = await client.connect(), stuck = await client.upgraded();
      one.send("go");
      await one.closed;
      const [, second] = await client.logged("close", 2);
      assert.deepEqual(second!.data, [1000, false]);
      stuck.rst();
    },
  },
  {
    id: "P4.dead-context",
    fact: "the server detects and removes a peer whose request context was aborted",
    server: (server) => ({
      limits: { closeTimeout: 200 },
      commands: { publish: () => server.ws.publish("all", "by a request") },
      hooks: {
        open: (peer) => peer.subscribe("all"),
        upgrade: (request) => ({ context: { ctx: ctxOf(request) } }),
        message(peer, message) {
          if (message.text() === "die") {
            (peer.context.ctx as ReturnType<typeof ctxOf>).abort("mine");
          } else server.log("reached", peer.publish("all", message));
        },
        close: (_, { code, wasClean }) => server.log("close", code, wasClean),
      },
    }),
    async run(client) {
      const dead = await client.connect(),
        other = await client.connect(),
        talker = await client.connect();
      dead.send("die");
      assert.equal((await dead.closed).code, 1006);
      assert.equal(await client.command("publish"), 3);
      assert.equal(await other.text(), "by a request", "the dead peer does not delay the others");
      talker.send("hi");
      assert.equal(await other.text(), "hi");
      assert.deepEqual((await client.logged("close"))[0]!.data, [1006, false]);
      talker.send("again");
      assert.equal(await other.text(), "again");
      assert.deepEqual((await client.logged("reached", 2))[1]!.data, [1]);
      assert.equal((await client.stats()).peers, 2);
    },
  },
  ...(["at once", "later"] as const).map((when): Case => ({
    id: `L5.aborted-${when.replace(" ", "-")}`,
    fact:
      `a slot is freed though the upgrade hook of its client aborts its request context ${when}`,
    server: (server) => ({
      limits: { maxPeers: 1, handshakeTimeout: 200 },
      hooks: {
        upgrade(request) {
          if (!request.url.endsWith("?die")) return undefined;
          server.log("dies");
          const die = () => ctxOf(request).abort("mine");
          return when === "later" ? Promise.resolve().then(die) : die();
        },
      },
    }),
    async run(client) {
      await client.raw({ target: client.path("?die") });
      await client.logged("dies");
      for (let status = 0; status !== 101;) {
        const raw = await client.raw();
        ({ status } = await raw.head());
        if (status !== 101) await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
  })),
  {
    id: "P3.aborted",
    fact: "after a hook aborts its request context, the next publish reaches all other subscribers",
    server: (server) => ({
      limits: { closeTimeout: 400 },
      commands: { publish: () => server.ws.publish("all", "by a request") },
      hooks: {
        open: (peer) => peer.subscribe("all"),
        upgrade: (request) => ({ context: { ctx: ctxOf(request) } }),
        message: (peer) => (peer.context.ctx as ReturnType<typeof ctxOf>).abort("mine"),
      },
    }),
    async run(client) {
      const other = await client.connect(), dead = await client.connect();
      dead.send("die");
      await dead.closed;
      assert.equal(
        await client.command("publish"),
        2,
        "the server has not yet detected the dead peer",
      );
      assert.equal(await other.text(), "by a request");
    },
  },
  {
    id: "B4.dead-context",
    fact: "maxBuffered bounds the messages that wait for a request context that has ended",
    server: (server) => ({
      limits: { maxBuffered: 10_000, closeTimeout: 300 },
      hooks: {
        open: (peer) => peer.subscribe("all"),
        upgrade: (request) => ({ context: { ctx: ctxOf(request) } }),
        message(peer, message) {
          if (message.text() === "die") {
            (peer.context.ctx as ReturnType<typeof ctxOf>).abort("mine");
          } else {
            const sent = () => peer.publish("all", "x".repeat(1000));
            server.log("reached", Array.from({ length: 20 }, sent).filter(Boolean).length);
          }
        },
      },
    }),
    async run(client) {
      const dead = await client.connect(), talker = await client.connect();
      dead.send("die");
      await dead.closed;
      talker.send("go");
      assert.deepEqual((await client.logged("reached"))[0]!.data, [10]);
    },
  },
  {
    id: "L3.heartbeat-worker",
    fact:
      "with the option heartbeat no hook runs for heartbeats, and silent clients are gone with 1006",
    server: (server) => ({
      ...{ heartbeat: { request: "are you there?", response: "yes" } },
      limits: { idleTimeout: 400 },
      hooks: {
        message: () => server.log("message"),
        close: (peer, { code }) => server.log("close", peer.request.url.includes("?silent"), code),
      },
    }),
    async run(client) {
      const lively = await client.connect(), silent = await client.connect("?silent");
      for (let i = 0; i < 8; i++) {
        lively.send("are you there?");
        assert.equal(await lively.text(), "yes");
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      assert.equal((await silent.closed).code, 1006);
      assert.deepEqual((await client.logged("close")).map(({ data }) => data), [[true, 1006]]);
      assert.equal((await client.log()).some(({ event }) => event === "message"), false);
    },
  },
  {
    id: "C13.worker-heartbeat",
    fact: "with heartbeats, a silent client is gone after the idleTimeout of its hooks",
    server: (server) => ({
      ...{ heartbeat: { request: "are you there?", response: "yes" } },
      hooks: {
        close: (peer, { code }) => server.log("close", new URL(peer.request.url).search, code),
      },
      resolve: (request) =>
        request.url.endsWith("?limited") ? { limits: { idleTimeout: 600 } } : undefined,
    }),
    async run(client) {
      await client.connect("?other");
      await client.connect("?limited");
      assert.deepEqual((await client.logged("close"))[0]!.data, ["?limited", 1006]);
      await client.log(200);
      assert.equal((await client.stats()).peers, 1);
    },
  },
  {
    id: "L3.heartbeat-closing",
    fact: "a heartbeat after the server's close is ignored, and the closing handshake completes",
    server: (server) => ({
      ...{ heartbeat: { request: "are you there?", response: "yes" } },
      hooks: {
        open: (peer) => peer.close(4001, "bye"),
        close: (_, { code, wasClean }) => server.log("close", code, wasClean),
      },
    }),
    async run(client) {
      const raw = await client.upgraded();
      assert.equal((await raw.frame()).opcode, CLOSE);
      raw.write(Buffer.concat([
        frame(TEXT, "are you there?"),
        frame(CLOSE, closePayload(4001, "bye")),
      ]));
      assert.deepEqual((await client.logged("close"))[0]!.data, [4001, true]);
    },
  },
  {
    id: "L3.heartbeat-flood",
    fact: "the server cuts a client at maxBuffered that sends heartbeats and reads no answers",
    server: (server) => ({
      ...{ heartbeat: { request: "?", response: "!".repeat(100_000) } },
      limits: { maxBuffered: 1_000_000 },
      hooks: { close: (_, { code }) => server.log("close", code) },
    }),
    async run(client) {
      const raw = await client.upgraded();
      raw.pause();
      raw.write(Buffer.concat(Array.from({ length: 1000 }, () => frame(TEXT, "?"))));
      assert.deepEqual((await client.logged("close"))[0]!.data, [1006]);
      raw.rst();
    },
  },
];

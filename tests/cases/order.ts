import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { frame, TEXT } from "../harness/clients/raw_client.ts";
import { sleep } from "../harness/clients/case_client.ts";
import type { Case } from "../fixtures/case.ts";

/** C1–C3: which hook starts when. */
export const order: readonly Case[] = [
  {
    id: "C1.order",
    fact: "hooks start as upgrade, open, message, close, each peer's close once",
    server: (server) => ({
      hooks: {
        upgrade: () => server.log("upgrade"),
        open: () => server.log("open"),
        message: () => server.log("message"),
        close: () => server.log("close"),
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.send("1");
      socket.send("2");
      socket.close();
      await client.logged("close");
      assert.deepEqual(await client.events(50), ["upgrade", "open", "message", "message", "close"]);
    },
  },
  {
    id: "C1.close-waits-for-open",
    fact: "close waits for a pending open",
    server: (server) => ({
      hooks: {
        async open() {
          server.log("open starts");
          await server.wait("open");
          server.log("open ends");
        },
        close: () => server.log("close"),
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.close();
      await socket.closed;
      assert.deepEqual(await client.events(80), ["open starts"]);
      await client.release("open");
      await client.logged("close");
      assert.deepEqual(await client.events(), ["open starts", "open ends", "close"]);
    },
  },
  {
    id: "C1.close-time-out",
    fact: "close waits for open at most closeTimeout",
    server: (server) => ({
      limits: { closeTimeout: 120 },
      hooks: {
        async open() {
          await server.wait("never");
        },
        message: () => server.log("message"),
        close: () => server.log("close"),
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.send("waits for open");
      socket.close();
      await client.logged("close");
      assert.deepEqual(await client.events(), ["close"]);
      assert.equal((await client.stats()).drops, 1, "the message that waited is counted");
    },
  },
  {
    id: "C1.close-does-not-wait-for-message",
    fact: "close never waits for a message hook that is still running",
    server: (server) => ({
      hooks: {
        async message() {
          server.log("message starts");
          await server.wait("message");
          server.log("message ends");
        },
        close: () => server.log("close"),
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.send("x");
      await client.logged("message starts");
      socket.close();
      await client.logged("close");
      await client.release("message");
      await client.logged("message ends");
      assert.deepEqual(await client.events(), ["message starts", "close", "message ends"]);
    },
  },
  {
    id: "C1.terminate-waits-for-nothing",
    fact: "terminate() waits for nothing, not even open",
    server: (server) => ({
      hooks: {
        async open(peer) {
          peer.terminate();
          server.log("terminated", peer.websocket.readyState);
          await server.wait("never");
        },
        close: (_, info) => server.log("close", info),
      },
    }),
    async run(client) {
      await client.connect().catch(() => {});
      const [closed] = await client.logged("close");
      assert.deepEqual(closed!.data, [{ code: 1006, reason: "", wasClean: false }]);
      const [terminated] = await client.logged("terminated");
      assert.deepEqual(terminated!.data, [3]);
    },
  },
  {
    id: "C1.close-never-settles",
    fact: "a close hook that never settles keeps no timer",
    server: (server) => ({
      hooks: {
        close() {
          server.log("close");
          return new Promise(() => {});
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.close();
      await client.logged("close");
      // Of ours: the time-out for the client's end of the line may be one.
      await new Promise((go) => setTimeout(go, 50));
      assert.equal((await client.stats()).timers, 0);
    },
  },
  {
    id: "C2.open-first",
    fact: "frames that arrive while open is pending wait, none lost, in order",
    server: (server) => ({
      hooks: {
        async open() {
          await server.wait("open");
          server.log("open");
        },
        message: (_, message) => server.log("message", message.text()),
      },
    }),
    async run(client) {
      const socket = await client.connect();
      for (let i = 0; i < 20; i++) socket.send(String(i));
      assert.deepEqual(await client.events(80), []);
      await client.release("open");
      const messages = await client.logged("message", 20);
      assert.deepEqual(
        messages.map(({ data }) => data[0]),
        Array.from({ length: 20 }, (_, i) => `${i}`),
      );
      assert.equal((await client.log())[0]!.event, "open");
    },
  },
  {
    id: "C2.arrival-order",
    fact: "message hooks start in order of arrival, also asynchronous ones",
    server: (server) => ({
      hooks: {
        async message(_, message) {
          const n = Number(message.text());
          server.log("start", n);
          if (n % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      for (let i = 0; i < 100; i++) socket.send(String(i));
      const started = await client.logged("start", 100);
      assert.deepEqual(
        started.map(({ data }) => data[0]),
        Array.from({ length: 100 }, (_, i) => i),
      );
    },
  },
  {
    id: "C2.before-close",
    fact: "frames that arrived before the close start before the close hook",
    server: (server) => ({
      hooks: {
        async open() {
          await server.wait("open");
        },
        message: (_, message) => server.log("message", message.text()),
        close: () => server.log("close"),
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.send("a");
      socket.send("b");
      socket.close();
      await socket.closed;
      await client.release("open");
      await client.logged("close");
      assert.deepEqual(await client.events(), ["message", "message", "close"]);
    },
  },
  {
    id: "C2.serial",
    fact: "concurrency 1 runs the message hooks of one peer one after the other",
    server: (server) => ({
      limits: { concurrency: 1 },
      hooks: {
        async message(_, message) {
          server.log("start", message.text());
          await new Promise((resolve) => setTimeout(resolve, 10));
          server.log("end", message.text());
        },
        close: () => server.log("close"),
      },
    }),
    async run(client) {
      const socket = await client.connect();
      for (const text of ["a", "b", "c"]) socket.send(text);
      socket.close();
      await client.logged("close");
      await client.logged("end", 3);
      const log = (await client.log()).map(({ event, data }) => `${event} ${data[0] ?? ""}`.trim());
      // The close hook waits until the last one has started, not until it has ended.
      assert.deepEqual(log, ["start a", "end a", "start b", "end b", "start c", "close", "end c"]);
    },
  },
  {
    id: "C2.serial-time-out",
    fact: "what is queued closeTimeout after the close is dropped and counted",
    server: (server) => ({
      limits: { concurrency: 1, closeTimeout: 100 },
      hooks: {
        async message(_, message) {
          server.log("start", message.text());
          await server.wait("never");
        },
        close: () => server.log("close"),
      },
    }),
    async run(client) {
      const socket = await client.connect();
      for (const text of ["a", "b", "c"]) socket.send(text);
      socket.close();
      await client.logged("close");
      assert.deepEqual(await client.events(30), ["start", "close"]);
      assert.equal((await client.stats()).drops, 2);
    },
  },
  {
    id: "C2.synchronous",
    fact: "a synchronous hook starts in the very turn of its frame, without a promise between",
    server: (server) => ({
      hooks: {
        message(_, message) {
          server.log("message", message.text());
          Promise.resolve().then(() => server.log("microtask of", message.text()));
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.send("a");
      await client.logged("microtask of");
      assert.deepEqual(await client.events(), ["message", "microtask of"]);
    },
  },
  {
    id: "C3.bounded",
    fact:
      "over pendingMessages the reader is paused, or the peer closed with 1013; memory stays bounded",
    server: (server) => ({
      limits: { pendingMessages: 10 },
      hooks: {
        async open() {
          await server.wait("open");
        },
        message: () => server.log("message"),
        close: (_, { code }) => server.log("close", code),
      },
    }),
    async run(client) {
      const socket = await client.connect();
      for (let i = 0; i < 50; i++) socket.send("x".repeat(1000));
      const closed = socket.closed.then(({ code }) => code);
      const code = await Promise.race([closed, new Promise((go) => setTimeout(go, 300, "open"))]);
      assert.ok(code === "open" || code === 1013, `closed with ${code}`);
      await client.release("open");
      const messages = await client.logged("message", code === "open" ? 50 : 10);
      assert.equal(messages.length, code === "open" ? 50 : 10);
    },
  },
  {
    id: "C3.pause",
    fact: "over pendingBytes the reader is paused, and nothing is lost",
    server: (server) => ({
      limits: { maxPayload: 64 * 1024, pendingBytes: 64 * 1024 },
      hooks: {
        async open() {
          await server.wait("open");
        },
        message: (_, message) => server.log("message", message.text().length),
      },
    }),
    async run(client) {
      const socket = await client.connect();
      for (let i = 0; i < 100; i++) socket.send("x".repeat(60_000));
      await new Promise((go) => setTimeout(go, 300));
      assert.ok((await client.stats()).messagesIn < 50, "the reader was paused");
      await client.release("open");
      const messages = await client.logged("message", 100);
      assert.ok(messages.every(({ data }) => data[0] === 60_000));
    },
  },
  {
    id: "C3.burst",
    fact: "so it is where the limits are under what is read at once, and nothing is lost",
    server: (server) => ({
      limits: { maxPayload: 1000, pendingBytes: 1000, pendingMessages: 2 },
      hooks: {
        async open() {
          await server.wait("open");
        },
        message: () => server.log("message"),
      },
    }),
    async run(client) {
      const raw = await client.upgraded();
      const burst = Array.from({ length: 50 }, () => frame(TEXT, "x".repeat(1000)));
      raw.write(Buffer.concat(burst));
      await new Promise((go) => setTimeout(go, 100));
      await client.release("open");
      await client.logged("message", 50);
    },
  },
  ...(["fin", "rst"] as const).map((way): Case => ({
    id: `C3.left-by-${way}`,
    fact:
      `a client that leaves by ${way.toUpperCase()} while its reader is paused is found out by pings`,
    server: (server) => ({
      limits: { pendingMessages: 2, concurrency: 1, idleTimeout: 200, closeTimeout: 100 },
      hooks: {
        message: () => server.wait("never"),
        close: (_, { code }) => server.log("close", code),
      },
    }),
    async run(client) {
      const raw = await client.upgraded();
      for (let i = 0; i < 20; i++) raw.write(frame(TEXT, "x".repeat(1000)));
      await sleep(50);
      if (way === "rst") raw.rst();
      else raw.destroy();
      const [close] = await client.logged("close");
      // Where the reader can't be paused, it was too much.
      assert.ok([1006, 1013].includes(close!.data[0]), String(close!.data[0]));
    },
  })),
  {
    id: "C3.patient",
    fact: "a client whose reader is paused for longer than idleTimeout stays, and nothing is lost",
    server: (server) => ({
      limits: { maxPayload: 64 * 1024, pendingBytes: 64 * 1024, idleTimeout: 100 },
      hooks: {
        open: () => server.wait("open"),
        message: (_, message) => server.log("message", message.text().length),
        close: () => server.log("close"),
      },
    }),
    async run(client) {
      const socket = await client.connect();
      for (let i = 0; i < 50; i++) socket.send("x".repeat(60_000));
      await sleep(400);
      await client.release("open");
      await client.logged("message", 50);
      assert.deepEqual((await client.events()).filter((event) => event === "close"), []);
    },
  },
  {
    id: "C12.open",
    fact: "the resolved open hook waits for the global one",
    server: (server) => ({
      hooks: {
        async open() {
          await server.wait("open");
          server.log("global open");
        },
      },
      resolve: () => ({ open: () => server.log("resolved open") }),
    }),
    async run(client) {
      await client.connect();
      assert.deepEqual(await client.events(50), []);
      await client.release("open");
      await client.logged("resolved open");
      assert.deepEqual(await client.events(), ["global open", "resolved open"]);
    },
  },
  {
    id: "C2.one-packet",
    fact: "frames that come in one packet with the handshake are not lost",
    server: (server) => ({
      hooks: { message: (_, message) => server.log("message", message.text()) },
    }),
    async run(client) {
      await client.raw({ behind: Buffer.concat([frame(TEXT, "1"), frame(TEXT, "2")]) });
      const messages = await client.logged("message", 2);
      assert.deepEqual(messages.map(({ data }) => data[0]), ["1", "2"]);
    },
  },
];

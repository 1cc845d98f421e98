import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { frame, TEXT } from "../harness/clients/raw_client.ts";
import { sleep } from "../harness/clients/test_bed.ts";
import type { Case } from "../fixtures/case.ts";

/** C1–C3: which hook starts when. */
export const order: readonly Case[] = [
  {
    id: "C1.order",
    fact: "hooks start as upgrade, open, message, close, each peer's close once",
    site: (s) => ({
      hooks: {
        upgrade: () => s.log("upgrade"),
        open: () => s.log("open"),
        message: () => s.log("message"),
        close: () => s.log("close"),
      },
    }),
    async run(t) {
      const client = await t.connect();
      client.send("1");
      client.send("2");
      client.close();
      await t.logged("close");
      assert.deepEqual(await t.events(50), ["upgrade", "open", "message", "message", "close"]);
    },
  },
  {
    id: "C1.close-waits-for-open",
    fact: "close waits for a pending open",
    site: (s) => ({
      hooks: {
        async open() {
          s.log("open starts");
          await s.wait("open");
          s.log("open ends");
        },
        close: () => s.log("close"),
      },
    }),
    async run(t) {
      const client = await t.connect();
      client.close();
      await client.closed;
      assert.deepEqual(await t.events(80), ["open starts"]);
      await t.release("open");
      await t.logged("close");
      assert.deepEqual(await t.events(), ["open starts", "open ends", "close"]);
    },
  },
  {
    id: "C1.close-time-out",
    fact: "close waits for open at most closeTimeout",
    site: (s) => ({
      limits: { closeTimeout: 120 },
      hooks: {
        async open() {
          await s.wait("never");
        },
        message: () => s.log("message"),
        close: () => s.log("close"),
      },
    }),
    async run(t) {
      const client = await t.connect();
      client.send("waits for open");
      client.close();
      await t.logged("close");
      assert.deepEqual(await t.events(), ["close"]);
      assert.equal((await t.stats()).drops, 1, "the message that waited is counted");
    },
  },
  {
    id: "C1.close-does-not-wait-for-message",
    fact: "close never waits for a message hook that is still running",
    site: (s) => ({
      hooks: {
        async message() {
          s.log("message starts");
          await s.wait("message");
          s.log("message ends");
        },
        close: () => s.log("close"),
      },
    }),
    async run(t) {
      const client = await t.connect();
      client.send("x");
      await t.logged("message starts");
      client.close();
      await t.logged("close");
      await t.release("message");
      await t.logged("message ends");
      assert.deepEqual(await t.events(), ["message starts", "close", "message ends"]);
    },
  },
  {
    id: "C1.terminate-waits-for-nothing",
    fact: "terminate() waits for nothing, not even open",
    site: (s) => ({
      hooks: {
        async open(peer) {
          peer.terminate();
          s.log("terminated", peer.websocket.readyState);
          await s.wait("never");
        },
        close: (_, info) => s.log("close", info),
      },
    }),
    async run(t) {
      await t.connect().catch(() => {});
      const [closed] = await t.logged("close");
      assert.deepEqual(closed!.data, [{ code: 1006, reason: "", wasClean: false }]);
      const [terminated] = await t.logged("terminated");
      assert.deepEqual(terminated!.data, [3]);
    },
  },
  {
    id: "C1.close-never-settles",
    fact: "a close hook that never settles keeps no timer",
    site: (s) => ({
      hooks: {
        close() {
          s.log("close");
          return new Promise(() => {});
        },
      },
    }),
    async run(t) {
      const client = await t.connect();
      client.close();
      await t.logged("close");
      // Of ours: the time-out for the client's end of the line may be one.
      await new Promise((go) => setTimeout(go, 50));
      assert.equal((await t.stats()).timers, 0);
    },
  },
  {
    id: "C2.open-first",
    fact: "frames that arrive while open is pending wait, none lost, in order",
    site: (s) => ({
      hooks: {
        async open() {
          await s.wait("open");
          s.log("open");
        },
        message: (_, message) => s.log("message", message.text()),
      },
    }),
    async run(t) {
      const client = await t.connect();
      for (let i = 0; i < 20; i++) client.send(String(i));
      assert.deepEqual(await t.events(80), []);
      await t.release("open");
      const messages = await t.logged("message", 20);
      assert.deepEqual(
        messages.map(({ data }) => data[0]),
        Array.from({ length: 20 }, (_, i) => `${i}`),
      );
      assert.equal((await t.log())[0]!.event, "open");
    },
  },
  {
    id: "C2.arrival-order",
    fact: "message hooks start in order of arrival, also asynchronous ones",
    site: (s) => ({
      hooks: {
        async message(_, message) {
          const n = Number(message.text());
          s.log("start", n);
          if (n % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
        },
      },
    }),
    async run(t) {
      const client = await t.connect();
      for (let i = 0; i < 100; i++) client.send(String(i));
      const started = await t.logged("start", 100);
      assert.deepEqual(
        started.map(({ data }) => data[0]),
        Array.from({ length: 100 }, (_, i) => i),
      );
    },
  },
  {
    id: "C2.before-close",
    fact: "frames that arrived before the close start before the close hook",
    site: (s) => ({
      hooks: {
        async open() {
          await s.wait("open");
        },
        message: (_, message) => s.log("message", message.text()),
        close: () => s.log("close"),
      },
    }),
    async run(t) {
      const client = await t.connect();
      client.send("a");
      client.send("b");
      client.close();
      await client.closed;
      await t.release("open");
      await t.logged("close");
      assert.deepEqual(await t.events(), ["message", "message", "close"]);
    },
  },
  {
    id: "C2.serial",
    fact: "concurrency 1 runs the message hooks of one peer one after the other",
    site: (s) => ({
      limits: { concurrency: 1 },
      hooks: {
        async message(_, message) {
          s.log("start", message.text());
          await new Promise((resolve) => setTimeout(resolve, 10));
          s.log("end", message.text());
        },
        close: () => s.log("close"),
      },
    }),
    async run(t) {
      const client = await t.connect();
      for (const text of ["a", "b", "c"]) client.send(text);
      client.close();
      await t.logged("close");
      await t.logged("end", 3);
      const log = (await t.log()).map(({ event, data }) => `${event} ${data[0] ?? ""}`.trim());
      // The close hook waits until the last one has started, not until it has ended.
      assert.deepEqual(log, ["start a", "end a", "start b", "end b", "start c", "close", "end c"]);
    },
  },
  {
    id: "C2.serial-time-out",
    fact: "what is queued closeTimeout after the close is dropped and counted",
    site: (s) => ({
      limits: { concurrency: 1, closeTimeout: 100 },
      hooks: {
        async message(_, message) {
          s.log("start", message.text());
          await s.wait("never");
        },
        close: () => s.log("close"),
      },
    }),
    async run(t) {
      const client = await t.connect();
      for (const text of ["a", "b", "c"]) client.send(text);
      client.close();
      await t.logged("close");
      assert.deepEqual(await t.events(30), ["start", "close"]);
      assert.equal((await t.stats()).drops, 2);
    },
  },
  {
    id: "C2.synchronous",
    fact: "a synchronous hook starts in the very turn of its frame, without a promise between",
    site: (s) => ({
      hooks: {
        message(_, message) {
          s.log("message", message.text());
          Promise.resolve().then(() => s.log("microtask of", message.text()));
        },
      },
    }),
    async run(t) {
      const client = await t.connect();
      client.send("a");
      await t.logged("microtask of");
      assert.deepEqual(await t.events(), ["message", "microtask of"]);
    },
  },
  {
    id: "C3.bounded",
    fact:
      "over pendingMessages the reader is paused, or the peer closed with 1013; memory stays bounded",
    site: (s) => ({
      limits: { pendingMessages: 10 },
      hooks: {
        async open() {
          await s.wait("open");
        },
        message: () => s.log("message"),
        close: (_, { code }) => s.log("close", code),
      },
    }),
    async run(t) {
      const client = await t.connect();
      for (let i = 0; i < 50; i++) client.send("x".repeat(1000));
      const closed = client.closed.then(({ code }) => code);
      const code = await Promise.race([closed, new Promise((go) => setTimeout(go, 300, "open"))]);
      assert.ok(code === "open" || code === 1013, `closed with ${code}`);
      await t.release("open");
      const messages = await t.logged("message", code === "open" ? 50 : 10);
      assert.equal(messages.length, code === "open" ? 50 : 10);
    },
  },
  {
    id: "C3.pause",
    fact: "over pendingBytes the reader is paused, and nothing is lost",
    site: (s) => ({
      limits: { maxPayload: 64 * 1024, pendingBytes: 64 * 1024 },
      hooks: {
        async open() {
          await s.wait("open");
        },
        message: (_, message) => s.log("message", message.text().length),
      },
    }),
    async run(t) {
      const client = await t.connect();
      for (let i = 0; i < 100; i++) client.send("x".repeat(60_000));
      await new Promise((go) => setTimeout(go, 300));
      assert.ok((await t.stats()).messagesIn < 50, "the reader was paused");
      await t.release("open");
      const messages = await t.logged("message", 100);
      assert.ok(messages.every(({ data }) => data[0] === 60_000));
    },
  },
  {
    id: "C3.burst",
    fact: "so it is where the limits are under what is read at once, and nothing is lost",
    site: (s) => ({
      limits: { maxPayload: 1000, pendingBytes: 1000, pendingMessages: 2 },
      hooks: {
        async open() {
          await s.wait("open");
        },
        message: () => s.log("message"),
      },
    }),
    async run(t) {
      const client = await t.upgraded();
      const burst = Array.from({ length: 50 }, () => frame(TEXT, "x".repeat(1000)));
      client.write(Buffer.concat(burst));
      await new Promise((go) => setTimeout(go, 100));
      await t.release("open");
      await t.logged("message", 50);
    },
  },
  ...(["fin", "rst"] as const).map((way): Case => ({
    id: `C3.left-by-${way}`,
    fact:
      `a client that leaves by ${way.toUpperCase()} while its reader is paused is found out by pings`,
    site: (s) => ({
      limits: { pendingMessages: 2, concurrency: 1, idleTimeout: 200, closeTimeout: 100 },
      hooks: {
        message: () => s.wait("never"),
        close: (_, { code }) => s.log("close", code),
      },
    }),
    async run(t) {
      const client = await t.upgraded();
      for (let i = 0; i < 20; i++) client.write(frame(TEXT, "x".repeat(1000)));
      await sleep(50);
      if (way === "rst") client.rst();
      else client.destroy();
      const [close] = await t.logged("close");
      // Where the reader can't be paused, it was too much.
      assert.ok([1006, 1013].includes(close!.data[0]), String(close!.data[0]));
    },
  })),
  {
    id: "C3.patient",
    fact: "a client whose reader is paused for longer than idleTimeout stays, and nothing is lost",
    site: (s) => ({
      limits: { maxPayload: 64 * 1024, pendingBytes: 64 * 1024, idleTimeout: 100 },
      hooks: {
        open: () => s.wait("open"),
        message: (_, message) => s.log("message", message.text().length),
        close: () => s.log("close"),
      },
    }),
    async run(t) {
      const client = await t.connect();
      for (let i = 0; i < 50; i++) client.send("x".repeat(60_000));
      await sleep(400);
      await t.release("open");
      await t.logged("message", 50);
      assert.deepEqual((await t.events()).filter((event) => event === "close"), []);
    },
  },
  {
    id: "C12.open",
    fact: "the resolved open hook waits for the global one",
    site: (s) => ({
      hooks: {
        async open() {
          await s.wait("open");
          s.log("global open");
        },
      },
      resolve: () => ({ open: () => s.log("resolved open") }),
    }),
    async run(t) {
      await t.connect();
      assert.deepEqual(await t.events(50), []);
      await t.release("open");
      await t.logged("resolved open");
      assert.deepEqual(await t.events(), ["global open", "resolved open"]);
    },
  },
  {
    id: "C2.one-packet",
    fact: "frames that come in one packet with the handshake are not lost",
    site: (s) => ({ hooks: { message: (_, message) => s.log("message", message.text()) } }),
    async run(t) {
      await t.raw({ behind: Buffer.concat([frame(TEXT, "1"), frame(TEXT, "2")]) });
      const messages = await t.logged("message", 2);
      assert.deepEqual(messages.map(({ data }) => data[0]), ["1", "2"]);
    },
  },
];

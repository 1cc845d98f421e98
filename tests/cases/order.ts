import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { frame, TEXT } from "../harness/clients/raw_client.ts";
import { sleep } from "../harness/clients/case_client.ts";
import type { Case } from "../fixtures/case.ts";

/** C1–C3, C12: order in which hooks start. */
export const order: readonly Case[] = [
  {
    id: "C1.order",
    fact: "hooks start in the order upgrade, open, message, close, and close starts once",
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
    fact: "the close hook waits for a pending open hook",
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
    fact: "the close hook waits for a pending open hook for at most closeTimeout",
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
      assert.equal((await client.stats()).drops, 1, "the server counts the dropped message");
    },
  },
  {
    id: "C1.close-does-not-wait-for-message",
    fact: "the close hook does not wait for a running message hook",
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
    fact: "after terminate() the close hook waits for no hook, not even for open",
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
    fact: "a close hook that never settles leaves no timer behind",
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
      // The server may have a timer until the client has ended the connection.
      await new Promise((go) => setTimeout(go, 50));
      assert.equal((await client.stats()).timers, 0);
    },
  },
  {
    id: "C2.open-first",
    fact:
      "messages that arrive while open is pending start their hooks after open, in order, none lost",
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
    fact: "message hooks start in the order of arrival, asynchronous hooks too",
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
    fact: "messages that arrive before the close start their hooks before the close hook",
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
    fact: "with concurrency 1 the message hooks of a peer run one after the other",
    server: (server) => ({
      limits: { concurrency: 1 },
      hooks: {
        async message(_, message) {
          server.log("start", message.text());
          if (message.text() === "c") await server.wait("end of c");
          else await new Promise((resolve) => setTimeout(resolve, 10));
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
      await client.release("end of c");
      await client.logged("end", 3);
      const log = (await client.log()).map(({ event, data }) => `${event} ${data[0] ?? ""}`.trim());
      // The close hook waits for the start of the last message hook, not for its end.
      assert.deepEqual(log, ["start a", "end a", "start b", "end b", "start c", "close", "end c"]);
    },
  },
  {
    id: "C2.serial-time-out",
    fact: "a message still queued closeTimeout after the close is dropped and counted",
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
    fact:
      "a synchronous message hook starts in the turn of its frame, without a promise in between",
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
      "over pendingMessages the server pauses the reader and loses no message, or closes the peer with 1013",
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
      await Promise.race([closed, sleep(300)]);
      await client.release("open");
      const all = client.logged("message", 50).then(() => "open" as const);
      all.catch(() => {}); // the server may close the peer instead
      const end = await Promise.race([closed, all]);
      if (end === "open") return;
      assert.equal(end, 1013);
      await client.logged("close");
      assert.equal((await client.logged("message")).length, 10);
    },
  },
  {
    id: "C3.pause",
    fact: "over pendingBytes the server pauses the reader, and no message is lost",
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
      assert.ok((await client.stats()).messagesIn < 50, "the server pauses the reader");
      await client.release("open");
      const messages = await client.logged("message", 100);
      assert.ok(messages.every(({ data }) => data[0] === 60_000));
    },
  },
  {
    id: "C3.burst",
    fact: "a burst over pendingMessages and pendingBytes that is read at once loses no message",
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
      `pings detect a client that leaves by ${way.toUpperCase()} while the server pauses its reader`,
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
      // A runtime that cannot pause the reader closes with 1013.
      assert.ok([1006, 1013].includes(close!.data[0]), String(close!.data[0]));
    },
  })),
  {
    id: "C3.patient",
    fact:
      "a client whose reader is paused for longer than idleTimeout stays, and no message is lost",
    server: (server) => ({
      limits: { maxPayload: 64 * 1024, pendingBytes: 64 * 1024, idleTimeout: 400 },
      hooks: {
        open: () => server.wait("open"),
        message: (_, message) => server.log("message", message.text().length),
        close: () => server.log("close"),
      },
    }),
    async run(client) {
      const socket = await client.connect();
      for (let i = 0; i < 50; i++) socket.send("x".repeat(60_000));
      await sleep(900);
      await client.release("open");
      await client.logged("message", 50);
      assert.deepEqual((await client.events()).filter((event) => event === "close"), []);
    },
  },
  {
    id: "C12.open",
    fact: "the resolved open hook waits for the global open hook",
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
    fact: "frames in one packet with the handshake are not lost",
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

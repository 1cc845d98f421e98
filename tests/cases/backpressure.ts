import assert from "node:assert/strict";
import process from "node:process";
import { Buffer } from "node:buffer";
import { frame, PING, TEXT } from "../harness/clients/raw_client.ts";
import { sleep } from "../harness/clients/case_client.ts";
import type { Case } from "../fixtures/case.ts";

const MIB = 1024 * 1024;

/** B1–B4: slow readers. */
export const backpressure: readonly Case[] = [
  {
    id: "B1.true",
    fillsMemory: true,
    fact: "bufferedAmount grows by the bytes that a slow client has not read, and returns to 0",
    server: (server) => ({
      hooks: {
        message(peer) {
          const seen = [];
          for (let i = 0; i < 12; i++) {
            peer.send(new Uint8Array(MIB));
            seen.push(peer.bufferedAmount);
          }
          server.log("seen", ...seen);
        },
        drain: (peer) => server.log("drain", peer.bufferedAmount),
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.socket.pause();
      socket.send("go");
      const [{ data } = { data: [] }] = await client.logged("seen");
      // The kernel may take a part of any message, later too if the machine is busy.
      const steps = data.slice(1).map((amount, i) => amount - data[i]!);
      assert.ok(steps.every((step) => step < MIB + 100), `one more MiB adds ${steps}`);
      assert.ok(steps.slice(-6).some((step) => step >= MIB), `one more MiB adds ${steps}`);
      // The kernel buffers a part; the server queues the rest.
      assert.ok(data.at(-1) > 4 * MIB && data.at(-1) <= 12 * (MIB + 100), String(data));
      socket.socket.resume();
      for (let i = 0; i < 12; i++) assert.equal((await socket.bytes()).length, MIB);
      assert.deepEqual((await client.logged("drain"))[0]!.data, [0]);
    },
  },
  {
    id: "B2.once",
    fillsMemory: true,
    maxMs: 10_000,
    fact: "drain fires once each time that a queue above highWaterMark empties",
    server: (server) => ({
      limits: { highWaterMark: MIB, maxBuffered: 64 * MIB },
      hooks: {
        message(peer) {
          // Linux itself buffers up to 36 MiB for a client that has read much before.
          for (let i = 0; i < 40; i++) peer.send(new Uint8Array(MIB));
          server.log("filled", peer.bufferedAmount > MIB);
        },
        drain: (peer) => server.log("drain", peer.bufferedAmount),
      },
    }),
    async run(client) {
      const socket = await client.connect();
      for (let round = 1; round <= 2; round++) {
        socket.socket.pause();
        socket.send("fill");
        const filled = await client.logged("filled", round);
        assert.equal(filled.at(-1)!.data[0], true);
        await sleep(50);
        assert.equal((await client.events()).filter((it) => it === "drain").length, round - 1);
        socket.socket.resume();
        await client.logged("drain", round);
      }
      assert.equal((await client.events(100)).filter((it) => it === "drain").length, 2);
    },
  },
  {
    id: "B2.below-mark",
    fillsMemory: true,
    fact: "drain does not fire if the queue was never above highWaterMark",
    server: (server) => ({
      limits: { highWaterMark: 14 * MIB },
      hooks: {
        message(peer) {
          for (let i = 0; i < 8; i++) peer.send(new Uint8Array(MIB));
          server.log("filled");
        },
        drain: () => server.log("drain"),
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.send("fill");
      for (let i = 0; i < 8; i++) await socket.bytes();
      assert.deepEqual(await client.events(60), ["filled"]);
    },
  },
  {
    id: "B2.threshold",
    fillsMemory: true,
    fact: "drain fires when the queue has fallen to drainThreshold",
    server: (server) => ({
      limits: { highWaterMark: 2 * MIB, drainThreshold: 2 * MIB },
      hooks: {
        message(peer) {
          for (let i = 0; i < 14; i++) peer.send(new Uint8Array(MIB));
          server.log("filled");
        },
        drain: (peer) => server.log("drain", peer.bufferedAmount),
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.socket.pause();
      socket.send("fill");
      await client.logged("filled");
      socket.socket.resume();
      const [{ data } = { data: [] }] = await client.logged("drain");
      assert.ok(data[0] <= 2 * MIB, String(data));
    },
  },
  {
    id: "B2.serial",
    fillsMemory: true,
    fact:
      "with concurrency 1, drain fires while a message hook waits for the drain and others are queued",
    server: (server) => {
      let drained = () => {};
      return {
        limits: { concurrency: 1 },
        hooks: {
          async message(peer, message) {
            server.log("message", message.text());
            if (message.text() === "next") return;
            for (let i = 0; i < 12; i++) peer.send(new Uint8Array(MIB));
            server.log("filled");
            await new Promise<void>((resolve) => drained = resolve);
          },
          drain: () => drained(),
        },
      };
    },
    async run(client) {
      const socket = await client.connect();
      socket.socket.pause();
      socket.send("fill");
      socket.send("next");
      await client.logged("filled");
      socket.socket.resume();
      await client.logged("message", 2);
    },
  },
  {
    id: "B3.threshold",
    fact: "waitForDrain() rejects with a RangeError if the threshold is not a number of 0 or more",
    server: (server) => ({
      hooks: {
        async open(peer) {
          for (const threshold of [NaN, -1, "x" as unknown as number]) {
            await peer.waitForDrain({ threshold }).catch((e) =>
              server.log("error", e.name, e.message)
            );
          }
        },
      },
    }),
    async run(client) {
      await client.connect();
      const errors = await client.logged("error", 3);
      assert.deepEqual(errors[0]!.data, [
        "RangeError",
        "Cannot wait for the drain as the threshold must be 0 or more: current value is NaN",
      ]);
    },
  },
  {
    id: "B3.drains",
    fillsMemory: true,
    fact:
      "waitForDrain() resolves at a drain, at the threshold of the call, or when the peer is gone",
    server: (server) => ({
      hooks: {
        async message(peer, message) {
          await peer.waitForDrain();
          server.log("nothing queued");
          for (let i = 0; i < 12; i++) peer.send(new Uint8Array(MIB));
          if (message.text() === "leave") {
            await peer.waitForDrain();
            return server.log("gone", peer.websocket.readyState);
          }
          await peer.waitForDrain({ threshold: 100 * MIB });
          server.log("high threshold", peer.bufferedAmount > 0);
          await peer.waitForDrain();
          server.log("drained", peer.bufferedAmount);
          await Promise.all([peer.waitForDrain(), peer.waitForDrain()]);
          server.log("again");
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.socket.pause();
      socket.send("stay");
      await client.logged("high threshold");
      await sleep(30);
      socket.socket.resume();
      await client.logged("again");
      const leaver = await client.connect();
      leaver.socket.pause();
      leaver.send("leave");
      await client.logged("nothing queued", 2);
      leaver.terminate();
      assert.deepEqual((await client.logged("gone"))[0]!.data, [3]);
      const log = (await client.log()).slice(0, 4).map(({ event, data }) => [event, ...data]);
      assert.deepEqual(log, [["nothing queued"], ["high threshold", true], ["drained", 0], [
        "again",
      ]]);
    },
  },
  {
    id: "B3.signal",
    fillsMemory: true,
    fact:
      "waitForDrain() rejects with the reason of its signal, which aborts before or during the wait",
    server: (server) => ({
      hooks: {
        async message(peer) {
          for (let i = 0; i < 12; i++) peer.send(new Uint8Array(MIB));
          const controller = new AbortController();
          setTimeout(() => controller.abort(new Error("enough")), 20);
          await peer.waitForDrain({ signal: controller.signal }).catch((e) =>
            server.log("late", e.message)
          );
          await peer.waitForDrain({ signal: controller.signal }).catch((e) =>
            server.log("early", e.message)
          );
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.socket.pause();
      socket.send("go");
      await client.logged("early");
      const log = (await client.log()).map(({ event, data }) => [event, ...data]);
      assert.deepEqual(log, [["late", "enough"], ["early", "enough"]]);
    },
  },
  {
    id: "B4.close",
    fillsMemory: true,
    fact:
      "the server closes a peer over maxBuffered with 1013 by default, and the queue stays bounded",
    server: (server) => ({
      limits: { maxBuffered: 4 * MIB, closeTimeout: 300 },
      hooks: {
        message(peer) {
          const results = [];
          for (let i = 0; i < 100; i++) results.push(peer.send(new Uint8Array(MIB)));
          const refused = results.filter((it) => it === -1).length;
          const { drops } = server.ws.stats;
          server.log("sent", refused, peer.bufferedAmount, peer.websocket.readyState, drops);
        },
        close: (_, info) => server.log("close", info),
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.socket.pause();
      socket.send("go");
      const [refused, buffered, state, drops] = (await client.logged("sent"))[0]!.data;
      assert.ok(
        refused > 80 && buffered <= 4 * MIB && state === 2,
        `${refused} ${buffered} ${state}`,
      );
      assert.ok(drops >= 1);
      const [{ data } = { data: [] }] = await client.logged("close");
      assert.deepEqual(data[0], { code: 1013, reason: "too slow", wasClean: false });
    },
  },
  {
    id: "B4.reader-wakes",
    fillsMemory: true,
    fact: "a slow client that reads again receives the queued messages in order, then 1013",
    server: (server) => ({
      limits: { maxBuffered: 4 * MIB },
      hooks: {
        message(peer) {
          for (let i = 0; i < 100; i++) peer.send(new Uint8Array(MIB).fill(i));
          server.log("filled");
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.socket.pause();
      socket.send("go");
      await client.logged("filled");
      await sleep(100);
      socket.socket.resume();
      const { code } = await socket.closed;
      assert.equal(code, 1013);
      const got = socket.queued.map((message) => (message as Uint8Array)[0]);
      assert.ok(got.length >= 4);
      assert.deepEqual(got, got.map((_, i) => i));
    },
  },
  {
    id: "B4.freed",
    fillsMemory: true,
    fact: "closeTimeout after the 1013, the server frees the connection and its queued bytes",
    server: (server) => ({
      limits: { maxBuffered: 4 * MIB, closeTimeout: 100 },
      hooks: {
        message(peer) {
          for (let i = 0; i < 100; i++) peer.send(new Uint8Array(MIB));
        },
        close: () => server.log("close"),
      },
    }),
    async run(client) {
      const raw = await client.upgraded();
      raw.pause();
      raw.write(frame(TEXT, "go"));
      await client.logged("close");
      await sleep(100);
      raw.resume();
      await raw.ended(800);
      assert.ok(raw.pending < 12 * MIB);
    },
  },
  {
    id: "B4.small-messages",
    runsAlone: true,
    fact: "maxBuffered counts the memory that small messages cost, not only their bytes",
    server: (server) => ({
      limits: { maxBuffered: MIB },
      hooks: {
        open(peer) {
          let queued = 0; // bytes; some runtimes count a header of 2 bytes for each message
          for (let i = 0; i < 3_000_000 && peer.websocket.readyState === 1; i++) {
            queued = Math.max(queued, peer.send("0123456789"));
          }
          server.log("queued", queued / 10, peer.websocket.readyState);
        },
      },
    }),
    async run(client) {
      const raw = await client.upgraded();
      raw.pause();
      const [queued, state] = (await client.logged("queued"))[0]!.data;
      assert.equal(state, 2, "the server closes the peer");
      // Without a cost for each message, 70,000 messages and more would fit into 1 MiB.
      assert.ok(queued > 500 && queued < 20_000, `${queued} messages queued`);
    },
  },
  {
    id: "B4.empty-messages",
    runsAlone: true,
    maxMs: 10_000,
    fact: "messages without bytes to a client that never reads take a bounded amount of memory",
    server: (server) => ({
      limits: { maxBuffered: MIB },
      hooks: {
        open(peer) {
          // Not on workerd, which shows no memory, and has no such function before 2026.
          const resident = () => process.memoryUsage?.().rss ?? 0;
          const before = resident();
          for (let i = 0; i < 150_000 && peer.websocket.readyState === 1; i++) peer.send("");
          server.log("grown", resident() - before);
        },
      },
    }),
    async run(client) {
      const raw = await client.upgraded();
      raw.pause();
      const grown: number = (await client.logged("grown", 1, 5000))[0]!.data[0];
      assert.ok(grown < 60 * MIB, `${grown} bytes for 150,000 empty messages`);
    },
  },
  {
    id: "B4.pings",
    runsAlone: true,
    fact: "the queue stays bounded if a client floods the server with pings and reads no pong",
    server: (server) => {
      let most = 0;
      return {
        limits: { maxBuffered: MIB },
        hooks: {
          open(peer) {
            server.log("open");
            const timer = setInterval(() => most = Math.max(most, peer.bufferedAmount), 2);
            setTimeout(() => clearInterval(timer), 2000);
          },
        },
        commands: { most: () => most },
      };
    },
    async run(client) {
      const raw = await client.upgraded();
      await client.logged("open");
      raw.pause();
      const pings = Buffer.concat(Array(2000).fill(frame(PING, "x".repeat(125))));
      for (let i = 0; i < 100; i++) raw.write(pings); // 26 MB; the kernel buffers about 10 MB of pongs
      await sleep(1500);
      const most = await client.command<number>("most");
      assert.ok(most < 3 * MIB, `${most} bytes queued`);
    },
  },
  {
    id: "B4.drop",
    fillsMemory: true,
    fact: 'under "drop" the server drops and counts the newest message, and the peer stays open',
    server: (server) => ({
      limits: { maxBuffered: 4 * MIB, overflow: "drop" },
      hooks: {
        message(peer, message) {
          if (message.text() === "ping") return void peer.send("pong");
          const sent = [];
          for (let i = 0; i < 30; i++) sent.push(peer.send(new Uint8Array(MIB).fill(i)));
          server.log("accepted", sent.filter((it) => it >= 0).length, server.ws.stats.drops);
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.socket.pause();
      socket.send("go");
      const [accepted, drops] = (await client.logged("accepted"))[0]!.data;
      assert.ok(accepted < 20);
      assert.equal(drops, 30 - accepted);
      socket.socket.resume();
      for (let i = 0; i < accepted; i++) assert.equal((await socket.bytes())[0], i);
      socket.send("ping");
      assert.equal(await socket.text(), "pong");
    },
  },
  {
    id: "B4.error",
    fillsMemory: true,
    fact:
      'under "error" send() throws ERR_PEER_BUFFER_FULL, which names the bytes tried and queued',
    server: (server) => ({
      limits: { maxBuffered: MIB, overflow: "error" },
      hooks: {
        message(peer) {
          try {
            for (let i = 0; i < 30; i++) peer.send(new Uint8Array(MIB));
          } catch (error) {
            const { name, code, message } = error as Error & { code: string };
            server.log("error", name, code, message, peer.websocket.readyState);
          }
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.socket.pause();
      socket.send("go");
      const [name, code, message, state] = (await client.logged("error"))[0]!.data;
      assert.deepEqual([name, code, state], ["PeerError", "ERR_PEER_BUFFER_FULL", 1]);
      assert.match(message, /^Cannot send 1048576 bytes as \d+ of at most 1048576 are queued/);
    },
  },
];

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { CLOSE, frame, PING, PONG, TEXT } from "../harness/clients/raw_client.ts";
import { sleep } from "../harness/clients/case_client.ts";
import { stopwatch } from "../harness/time_limit.ts";
import type { Case } from "../fixtures/case.ts";

/** L1–L10: limits, the same on every runtime. */
export const limits: readonly Case[] = [
  {
    id: "L1.default",
    fillsMemory: true,
    fact: "by default the server accepts a message of 1 MiB, and closes with 1009 at one byte more",
    server: (server) => ({
      hooks: {
        message: (_, message) => server.log("message", message.uint8Array().length),
        error: (_, error) => server.log("error", (error as { code?: string }).code),
        close: (_, { code }) => server.log("close", code),
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.send(new Uint8Array(1024 * 1024));
      socket.send("x".repeat(1024 * 1024));
      await client.logged("message", 2);
      socket.send(new Uint8Array(1024 * 1024 + 1));
      await client.logged("close");
      const log = (await client.log()).map(({ data }) => data[0]);
      assert.deepEqual(log, [1048576, 1048576, "ERR_PEER_TOO_LARGE", 1009]);
    },
  },
  {
    id: "L1.fragments",
    fact: "maxPayload counts the UTF-8 bytes of the whole message, over all its fragments",
    server: (server) => ({
      limits: { maxPayload: 1000 },
      hooks: {
        message: (_, message) => server.log("message", message.text().length),
        error: (_, error) => server.log("error", (error as { code?: string }).code),
      },
    }),
    async run(client) {
      const raw = await client.upgraded();
      raw.write(frame(TEXT, "é".repeat(250), { fin: false }));
      raw.write(frame(0, "é".repeat(250)));
      await client.logged("message");
      raw.write(frame(TEXT, "é".repeat(250), { fin: false }));
      raw.write(frame(0, "é".repeat(250) + "x"));
      await client.logged("error");
      raw.fin();
      assert.deepEqual((await client.log()).map(({ data }) => data[0]), [
        500,
        "ERR_PEER_TOO_LARGE",
      ]);
    },
  },
  {
    id: "L1.fragment-flood",
    fact: "the server cuts off a message of endless fragments at maxPayload",
    server: (server) => ({
      limits: { maxPayload: 100_000 },
      hooks: { error: (_, error) => server.log("error", (error as { code?: string }).code) },
    }),
    async run(client) {
      const raw = await client.upgraded();
      raw.write(frame(TEXT, "x".repeat(50_000), { fin: false }));
      for (let i = 0; i < 40; i++) raw.write(frame(0, "x".repeat(50_000), { fin: false }));
      assert.deepEqual((await client.logged("error", 1, 1000))[0]!.data, ["ERR_PEER_TOO_LARGE"]);
    },
  },
  {
    id: "L1.many-fragments",
    fact: "only maxPayload limits a message, not the number of its fragments",
    server: (server) => ({
      hooks: { message: (_, message) => server.log("message", message.text()) },
    }),
    async run(client) {
      const raw = await client.upgraded(), count = 20_000;
      const parts = Array.from({ length: count }, (_, i) => {
        return frame(i === 0 ? TEXT : 0, `${i % 10}`, { fin: i === count - 1 });
      });
      raw.write(Buffer.concat(parts));
      const text = "0123456789".repeat(count / 10);
      assert.deepEqual((await client.logged("message"))[0]!.data, [text]);
    },
  },
  {
    id: "L1.inflated",
    fact: "maxPayload applies to a message after inflation",
    server: (server) => ({
      perMessageDeflate: true,
      limits: { maxPayload: 10_000 },
      hooks: {
        message: (_, message) => server.log("message", message.text().length),
        error: (_, error) => server.log("error", (error as { code?: string }).code),
      },
    }),
    async run(client) {
      const socket = await client.connect("", { deflate: true });
      socket.send("x".repeat(10_000));
      await client.logged("message");
      socket.send("x".repeat(1_000_000));
      await client.logged("error");
      assert.deepEqual((await client.log()).map(({ data }) => data[0]), [
        10_000,
        "ERR_PEER_TOO_LARGE",
      ]);
    },
  },
  {
    id: "L1.above-64-mib",
    runsAlone: true,
    maxMs: 10_000,
    fact: "maxPayload can be above 64 MiB",
    server: (server) => ({
      limits: { maxPayload: 80 * 1024 * 1024 },
      hooks: { message: (_, message) => server.log("message", message.uint8Array().length) },
    }),
    async run(client) {
      const socket = await client.connect();
      const size = 65 * 1024 * 1024;
      socket.socket.send(new Uint8Array(size), { mask: true });
      assert.deepEqual((await client.logged("message", 1, 9000))[0]!.data, [size]);
    },
  },
  {
    id: "L2.default",
    fillsMemory: true,
    fact: "maxBuffered is 16 MiB by default",
    server: (server) => ({
      hooks: {
        message(peer) {
          let accepted = 0;
          while (peer.send(new Uint8Array(1024 * 1024)) >= 0 && accepted < 60) accepted++;
          server.log("accepted", accepted);
          peer.terminate();
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.socket.pause();
      socket.send("go");
      const [{ data } = { data: [] }] = await client.logged("accepted");
      // On loopback the kernel buffers some MiB more.
      assert.ok(data[0] >= 15 && data[0] < 40, String(data));
    },
  },
  {
    id: "L3.ping",
    fact: "a client that only answers pings gets one in each pingInterval, exact to 10 %",
    server: (server) => ({
      limits: { pingInterval: 1000, idleTimeout: 30_000 },
      hooks: { close: () => server.log("close") },
    }),
    async run(client) {
      const started = performance.now();
      const raw = await client.upgraded();
      const untilPing = stopwatch();
      for (const count of [1, 2]) {
        const { opcode, payload } = await raw.frame();
        assert.equal(opcode, PING);
        const pinged = performance.now() - started;
        const isInTime = pinged >= 900 * count && untilPing() <= 1100 * count;
        assert.ok(isInTime, `ping ${count} after ${pinged} ms`);
        raw.write(frame(PONG, payload));
      }
      assert.deepEqual(await client.events(), []);
    },
  },
  {
    id: "L3.sends",
    fact: "a client that sends messages gets no ping before it is silent for pingInterval",
    server: () => ({ limits: { pingInterval: 600, idleTimeout: 30_000 } }),
    async run(client) {
      const raw = await client.upgraded();
      let lastSent = 0;
      for (let i = 0; i < 8; i++) {
        lastSent = performance.now();
        raw.write(frame(TEXT, "x"));
        await sleep(150);
      }
      assert.equal(raw.pending, 0);
      assert.equal((await raw.frame()).opcode, PING);
      const silent = performance.now() - lastSent;
      assert.ok(silent >= 540, `pinged after ${silent} ms`);
    },
  },
  {
    id: "L3.no-pings",
    fact:
      "with pingInterval 0 the server pings no client; a client that sends nothing is gone with 1006 after idleTimeout",
    server: (server) => ({
      limits: { pingInterval: 0, idleTimeout: 600 },
      hooks: { close: (peer, { code }) => server.log("close", peer.request.url.slice(-5), code) },
    }),
    async run(client) {
      const started = performance.now();
      const silent = await client.upgraded({ target: "/?quiet" });
      const untilGone = stopwatch();
      const sends = await client.upgraded({ target: "/?sends" });
      let isGone = false;
      const gone = client.logged("close").finally(() => isGone = true);
      while (!isGone) {
        sends.write(frame(TEXT, "x"));
        await sleep(50);
      }
      assert.deepEqual((await gone).map(({ data }) => data), [["quiet", 1006]]);
      const passed = performance.now() - started;
      assert.ok(passed >= 590 && untilGone() < 1500, `gone after ${passed} ms`);
      // At most the server's close frame: Deno 2.9 cannot terminate.
      if (silent.pending > 0) assert.equal((await silent.frame()).opcode, CLOSE);
      assert.equal(sends.pending, 0);
      sends.fin();
    },
  },
  {
    id: "L3.no-limit",
    fact: "with idleTimeout 0 the server pings a silent client in each pingInterval, without end",
    server: (server) => ({
      limits: { pingInterval: 250, idleTimeout: 0 },
      hooks: { close: () => server.log("close") },
    }),
    async run(client) {
      const raw = await client.upgraded();
      for (let i = 0; i < 4; i++) assert.equal((await raw.frame()).opcode, PING);
      assert.deepEqual(await client.events(), []);
    },
  },
  {
    id: "L3.silent",
    fact:
      "with a short idleTimeout the server pings a silent client after half of it, and ends the connection with 1006 after all of it",
    server: (server) => ({
      limits: { idleTimeout: 1000 },
      hooks: { close: (_, info) => server.log("close", info) },
    }),
    async run(client) {
      const raw = await client.upgraded();
      const started = performance.now(), untilPing = stopwatch(), untilGone = stopwatch();
      assert.equal((await raw.frame()).opcode, PING);
      const pinged = performance.now() - started;
      assert.ok(pinged > 350 && untilPing() < 900, `pinged after ${pinged} ms`);
      const [{ data } = { data: [] }] = await client.logged("close");
      const gone = performance.now() - started;
      assert.deepEqual(data, [{ code: 1006, reason: "", wasClean: false }]);
      assert.ok(gone > 950 && untilGone() < 1900, `gone after ${gone} ms`);
      assert.deepEqual(await client.events(), ["close"]);
    },
  },
  {
    id: "L3.answers",
    fact: "a client that answers pings or sends messages stays connected",
    server: (server) => ({
      limits: { idleTimeout: 600 },
      hooks: { close: () => server.log("close") },
    }),
    async run(client) {
      const answers = await client.connect();
      const sends = await client.upgraded(), answersOnly = await client.upgraded();
      for (let i = 0; i < 8; i++) {
        await sleep(180);
        sends.write(frame(TEXT, "x"));
        answersOnly.write(frame(PONG, ""));
      }
      assert.ok(answers.pings >= 1);
      assert.deepEqual(await client.events(), []);
    },
  },
  {
    id: "L3.stuck",
    fillsMemory: true,
    fact:
      "a client that neither reads nor sends is gone after idleTimeout, even if the server's ping is stuck in the queue",
    server: (server) => ({
      limits: { idleTimeout: 800 },
      hooks: {
        message(peer) {
          for (let i = 0; i < 12; i++) peer.send(new Uint8Array(1024 * 1024));
        },
        close: (_, { code }) => server.log("close", code),
      },
    }),
    async run(client) {
      const raw = await client.upgraded();
      raw.pause();
      raw.write(frame(TEXT, "go"));
      const [{ data } = { data: [] }] = await client.logged("close", 1, 2500);
      assert.deepEqual(data, [1006]);
    },
  },
  {
    id: "L3.off",
    fact:
      "with idleTimeout 0 and pingInterval 0 the server pings no client and closes no silent client",
    server: (server) => ({
      limits: { pingInterval: 0, idleTimeout: 0 },
      hooks: { close: () => server.log("close") },
    }),
    async run(client) {
      const raw = await client.upgraded();
      await sleep(400);
      assert.equal(raw.pending, 0);
      assert.deepEqual(await client.events(), []);
    },
  },
  {
    id: "L4.handshake",
    fact:
      "an upgrade hook that exceeds handshakeTimeout gives 503, aborts request.signal and is reported to onError",
    server: (server) => ({
      limits: { handshakeTimeout: 100 },
      hooks: {
        async upgrade(request) {
          request.signal.addEventListener("abort", () => server.log("abort"));
          await server.wait("upgrade");
        },
        open: () => server.log("open"),
      },
      onError: (error, { stage }) =>
        server.log("onError", (error as { code?: string }).code, stage, String(error)),
    }),
    async run(client) {
      assert.equal((await client.refused()).status, 503);
      assert.deepEqual((await client.logged("onError"))[0]!.data, [
        "ERR_PEER_UPGRADE_TIMEOUT",
        "upgrade",
        "PeerError: The hooks of a handshake took longer than limits.handshakeTimeout, 100 ms",
      ]);
      await client.logged("abort");
      await client.release("upgrade");
      assert.ok(!(await client.events(50)).includes("open"));
      assert.equal((await client.stats()).refusals, 1);
    },
  },
  {
    id: "L5.peers",
    fact: "over maxPeers a client gets 503, and a peer that is gone frees its slot",
    server: (server) => ({
      limits: { maxPeers: 2 },
      hooks: {
        async upgrade(request) {
          if (request.url.endsWith("?no")) return new Response(null, { status: 401 });
          if (!request.url.endsWith("?slow")) return;
          server.log("slow");
          await server.wait("upgrade");
        },
        close: () => server.log("close"),
      },
    }),
    async run(client) {
      assert.equal((await client.refused("?no")).status, 401);
      const first = await client.connect();
      const slow = client.connect("?slow");
      await client.logged("slow");
      const refused = await client.refused();
      assert.equal(refused.status, 503, "a pending upgrade holds a slot");
      assert.match(refused.body, /full/);
      await client.release("upgrade");
      await slow;
      assert.equal((await client.refused()).status, 503);
      first.close();
      await client.logged("close");
      await client.connect();
    },
  },
  {
    id: "L5.address",
    fact: "over maxPeersPerAddress a client gets 429, and a client of another address connects",
    server: (server) => ({
      trustProxy: true,
      limits: { maxPeersPerAddress: 1 },
      hooks: { close: () => server.log("close") },
    }),
    async run(client) {
      const from = (address: string) => ({ headers: { "x-forwarded-for": address } });
      const first = await client.connect("", from("198.51.100.1"));
      const refused = await client.refused("", from("198.51.100.1"));
      assert.equal(refused.status, 429);
      assert.match(refused.body, /address/);
      await client.connect("", from("198.51.100.2"));
      first.terminate();
      await client.logged("close");
      await client.connect("", from("198.51.100.1"));
    },
  },
  {
    id: "L5.aborted",
    fact: "a client that leaves during its upgrade frees its slot",
    server: (server) => ({
      limits: { maxPeers: 1 },
      hooks: {
        async upgrade(request) {
          if (!request.url.endsWith("?slow")) return;
          request.signal.addEventListener("abort", () => server.log("aborted"));
          server.log("upgrade");
          await server.wait("upgrade");
        },
      },
    }),
    async run(client) {
      const raw = await client.raw({ target: client.path("?slow") });
      await client.logged("upgrade");
      raw.rst();
      await client.logged("aborted");
      await client.release("upgrade");
      await client.statsUntil(({ refusals }) => refusals === 1);
      await client.connect();
    },
  },
  {
    id: "L6.rate",
    maxMs: 6000, // over SSE the client sends one message after the other
    fact: "over messagesPerSecond a peer is closed with 1008, and a slower peer is not",
    server: (server) => ({
      limits: { messagesPerSecond: 20 },
      hooks: {
        message: () => server.log("message"),
        close: (_, info) => server.log("close", info),
      },
    }),
    async run(client) {
      const slow = await client.connect();
      for (let i = 0; i < 10; i++) {
        slow.send("x");
        await sleep(20);
      }
      const started = performance.now();
      const flood = await client.connect();
      for (let i = 0; i < 100; i++) flood.send("x");
      assert.deepEqual(await flood.closed, { code: 1008, reason: "too many messages" });
      const refilled = Math.ceil((performance.now() - started) * 20 / 1000);
      const [{ data } = { data: [] }] = await client.logged("close");
      assert.equal(data[0].code, 1008);
      const count = (await client.events()).filter((event) => event === "message").length;
      assert.ok(count >= 30 && count <= 31 + refilled, `${count} messages, ${refilled} refilled`);
      assert.equal(slow.socket.readyState, 1);
    },
  },
  {
    id: "L7.topics",
    fact: "over maxTopicsPerPeer, 1,000 by default, subscribe() throws a RangeError",
    server: (server) => ({
      hooks: {
        message(peer) {
          try {
            for (let i = 0; i < 2000; i++) peer.subscribe(String(i));
          } catch (error) {
            server.log("error", (error as Error).name, (error as Error).message, peer.topics.size);
          }
          peer.subscribe("5");
          peer.unsubscribe("5");
          peer.subscribe("one more");
          server.log("size", peer.topics.size);
        },
      },
    }),
    async run(client) {
      (await client.connect()).send("go");
      assert.deepEqual((await client.logged("error"))[0]!.data, [
        "RangeError",
        "Cannot subscribe to one more topic as limits.maxTopicsPerPeer is 1000",
        1000,
      ]);
      assert.deepEqual((await client.logged("size"))[0]!.data, [1000]);
    },
  },
  {
    id: "L7.length",
    fact: "for a topic of more bytes than maxTopicLength, 1,024 by default, subscribe() throws",
    server: (server) => ({
      hooks: {
        message(peer) {
          const names = ["x".repeat(1025), "é".repeat(513), "x".repeat(1024 * 1024)];
          for (const name of names) {
            try {
              peer.subscribe(name);
              server.log("accepted");
            } catch (error) {
              server.log("error", (error as Error).name, (error as Error).message);
            }
            server.log("none", peer.topics.size);
          }
          for (const name of ["x".repeat(1024), "é".repeat(512)]) {
            peer.subscribe(name);
            peer.publish(name, name, { echo: true });
          }
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.send("go");
      assert.equal(await socket.text(), "x".repeat(1024));
      assert.equal(await socket.text(), "é".repeat(512));
      const errors = (await client.logged("error", 3)).map(({ data }) => data);
      assert.deepEqual(errors[1], [
        "RangeError",
        "Cannot subscribe to a topic of 1026 bytes as limits.maxTopicLength is 1024",
      ]);
      assert.ok(errors.every(([name]) => name === "RangeError"));
      for (const { data } of await client.logged("none", 3)) assert.deepEqual(data, [0]);
    },
  },
  {
    id: "L7.publish",
    fact:
      "peer.publish() throws for a topic of more bytes than maxTopicLength, which no peer can have",
    server: (server) => ({
      hooks: {
        open: (peer) => peer.subscribe("é".repeat(512)),
        message(peer, message) {
          const names = [
            "x".repeat(1025),
            "é".repeat(513),
            "🦕".repeat(257),
            "\0".repeat(1_000_000),
          ];
          for (const name of names) {
            for (const options of [{ echo: true }, { local: true }]) {
              try {
                server.log("accepted", peer.publish(name, "x", options));
              } catch (error) {
                server.log("error", (error as Error).name, (error as Error).message);
              }
            }
          }
          for (const name of ["x".repeat(1024), "€".repeat(341), "é".repeat(512)]) {
            server.log("reached", peer.publish(name, message.text(), { echo: true }));
          }
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.send("go");
      assert.equal(await socket.text(), "go");
      const reached = await client.logged("reached", 3);
      assert.deepEqual(reached.map(({ data }) => data[0]), [0, 0, 1]);
      const log = await client.log();
      assert.equal(log.some(({ event }) => event === "accepted"), false);
      const errors = log.filter(({ event }) => event === "error").map(({ data }) => data);
      assert.deepEqual(errors.map(([name]) => name), Array(8).fill("RangeError"));
      assert.equal(
        errors[2]![1],
        "Cannot publish to a topic of 1026 bytes as limits.maxTopicLength is 1024",
      );
    },
  },
  {
    id: "L8.default",
    fact: "by default 1,024 messages can wait for a hook",
    server: (server) => ({
      hooks: {
        async open() {
          await server.wait("open");
        },
        message: () => server.log("message"),
      },
    }),
    async run(client) {
      const socket = await client.connect();
      for (let i = 0; i < 1024; i++) socket.send("x");
      await client.statsUntil(({ messagesIn }) => messagesIn === 1024);
      await client.release("open");
      await client.logged("message", 1024);
    },
  },
  {
    id: "L8.inflated",
    fillsMemory: true,
    fact: "the server holds at most a few MiB of a compressed flood while a hook is pending",
    server: (server) => ({
      perMessageDeflate: true,
      limits: { pendingBytes: 1024 * 1024 },
      hooks: {
        async open() {
          await server.wait("open");
        },
        close: (_, { code }) => server.log("close", code),
      },
    }),
    async run(client) {
      const socket = await client.connect("", { deflate: true });
      for (let i = 0; i < 40; i++) socket.send(new Uint8Array(1024 * 1024));
      await sleep(700);
      assert.ok(
        (await client.stats()).messagesIn <= 8,
        `${(await client.stats()).messagesIn} MiB are held`,
      );
      await client.release("open");
    },
  },
  {
    id: "L9.marks",
    fillsMemory: true,
    fact: "by default drain fires at 0 bytes after the queue was above highWaterMark",
    server: (server) => ({
      hooks: {
        message(peer) {
          for (let i = 0; i < 14; i++) peer.send(new Uint8Array(1024 * 1024));
          server.log("filled");
        },
        drain: (peer) => server.log("drain", peer.bufferedAmount),
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.socket.pause();
      socket.send("go");
      await client.logged("filled");
      await sleep(60);
      socket.socket.resume();
      assert.deepEqual((await client.logged("drain"))[0]!.data, [0]);
    },
  },
  {
    id: "L10.close",
    fact: "an answer within closeTimeout is a clean close",
    server: (server) => ({
      limits: { closeTimeout: 3000 },
      hooks: {
        message: (peer) => peer.close(4000),
        close: (_, info) => server.log("close", info),
      },
    }),
    async run(client) {
      const raw = await client.upgraded();
      raw.write(frame(TEXT, "go"));
      const { payload } = await raw.frame();
      await sleep(150);
      raw.write(frame(CLOSE, payload));
      raw.fin();
      assert.deepEqual((await client.logged("close"))[0]!.data, [{
        code: 4000,
        reason: "",
        wasClean: true,
      }]);
    },
  },
];

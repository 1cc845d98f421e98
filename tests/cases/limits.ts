import assert from "node:assert/strict";
import { CLOSE, frame, PING, PONG, TEXT } from "../harness/clients/raw_client.ts";
import { sleep } from "../harness/clients/test_bed.ts";
import type { Case } from "../fixtures/case.ts";

/** L1–L10: bounds, alike on every runtime. */
export const limits: readonly Case[] = [
  {
    id: "L1.default",
    fact: "a message of 1 MiB is taken, one byte more is 1009",
    site: (s) => ({
      hooks: {
        message: (_, message) => s.log("message", message.uint8Array().length),
        error: (_, error) => s.log("error", (error as { code?: string }).code),
        close: (_, { code }) => s.log("close", code),
      },
    }),
    async run(t) {
      const client = await t.connect();
      client.send(new Uint8Array(1024 * 1024));
      client.send("x".repeat(1024 * 1024));
      await t.logged("message", 2);
      client.send(new Uint8Array(1024 * 1024 + 1));
      await t.logged("close");
      const log = (await t.log()).map(({ data }) => data[0]);
      assert.deepEqual(log, [1048576, 1048576, "ERR_PEER_TOO_LARGE", 1009]);
    },
  },
  {
    id: "L1.fragments",
    fact: "maxPayload counts the whole message, however it is fragmented, and UTF-8 bytes",
    site: (s) => ({
      limits: { maxPayload: 1000 },
      hooks: {
        message: (_, message) => s.log("message", message.text().length),
        error: (_, error) => s.log("error", (error as { code?: string }).code),
      },
    }),
    async run(t) {
      const client = await t.upgraded();
      client.write(frame(TEXT, "é".repeat(250), { fin: false }));
      client.write(frame(0, "é".repeat(250)));
      await t.logged("message");
      client.write(frame(TEXT, "é".repeat(250), { fin: false }));
      client.write(frame(0, "é".repeat(250) + "x"));
      await t.logged("error");
      client.fin();
      assert.deepEqual((await t.log()).map(({ data }) => data[0]), [500, "ERR_PEER_TOO_LARGE"]);
    },
  },
  {
    id: "L1.fragment-flood",
    fact: "a message that never ends is cut off at maxPayload, not gathered without bounds",
    site: (s) => ({
      limits: { maxPayload: 100_000 },
      hooks: { error: (_, error) => s.log("error", (error as { code?: string }).code) },
    }),
    async run(t) {
      const client = await t.upgraded();
      client.write(frame(TEXT, "x".repeat(50_000), { fin: false }));
      for (let i = 0; i < 40; i++) client.write(frame(0, "x".repeat(50_000), { fin: false }));
      assert.deepEqual((await t.logged("error", 1, 1000))[0]!.data, ["ERR_PEER_TOO_LARGE"]);
    },
  },
  {
    id: "L1.inflated",
    fact: "maxPayload holds after inflation too",
    site: (s) => ({
      perMessageDeflate: true,
      limits: { maxPayload: 10_000 },
      hooks: {
        message: (_, message) => s.log("message", message.text().length),
        error: (_, error) => s.log("error", (error as { code?: string }).code),
      },
    }),
    async run(t) {
      const client = await t.connect("", { deflate: true });
      client.send("x".repeat(10_000));
      await t.logged("message");
      client.send("x".repeat(1_000_000));
      await t.logged("error");
      assert.deepEqual((await t.log()).map(({ data }) => data[0]), [10_000, "ERR_PEER_TOO_LARGE"]);
    },
  },
  {
    id: "L1.above-64-mib",
    runsAlone: true,
    fact: "maxPayload may be above 64 MiB",
    site: (s) => ({
      limits: { maxPayload: 80 * 1024 * 1024 },
      hooks: { message: (_, message) => s.log("message", message.uint8Array().length) },
    }),
    async run(t) {
      const client = await t.connect();
      const size = 65 * 1024 * 1024;
      client.socket.send(new Uint8Array(size), { mask: true });
      assert.deepEqual((await t.logged("message"))[0]!.data, [size]);
    },
  },
  {
    id: "L2.default",
    fact: "maxBuffered is 16 MiB",
    site: (s) => ({
      hooks: {
        message(peer) {
          let accepted = 0;
          while (peer.send(new Uint8Array(1024 * 1024)) >= 0 && accepted < 60) accepted++;
          s.log("accepted", accepted);
          peer.terminate();
        },
      },
    }),
    async run(t) {
      const client = await t.connect();
      client.socket.pause();
      client.send("go");
      const [{ data } = { data: [] }] = await t.logged("accepted");
      // The kernel's own buffers take some MiB more on loopback.
      assert.ok(data[0] >= 15 && data[0] < 40, String(data));
    },
  },
  {
    id: "L3.silent",
    fact: "a silent client is pinged after half of idleTimeout, and gone with 1006 after it",
    site: (s) => ({
      limits: { idleTimeout: 1000 },
      hooks: { close: (_, info) => s.log("close", info) },
    }),
    async run(t) {
      const client = await t.upgraded();
      const started = performance.now();
      assert.equal((await client.frame()).opcode, PING);
      const pinged = performance.now() - started;
      assert.ok(pinged > 350 && pinged < 900, `pinged after ${pinged} ms`);
      const [{ data } = { data: [] }] = await t.logged("close");
      const gone = performance.now() - started;
      assert.deepEqual(data, [{ code: 1006, reason: "", wasClean: false }]);
      assert.ok(gone > 850 && gone < 1900, `gone after ${gone} ms`);
      assert.deepEqual(await t.events(), ["close"]);
    },
  },
  {
    id: "L3.answers",
    fact: "a client that answers pings, or sends, stays",
    site: (s) => ({
      limits: { idleTimeout: 600 },
      hooks: { close: () => s.log("close") },
    }),
    async run(t) {
      const answers = await t.connect();
      const sends = await t.upgraded(), answersOnly = await t.upgraded();
      for (let i = 0; i < 8; i++) {
        await sleep(180);
        sends.write(frame(TEXT, "x"));
        answersOnly.write(frame(PONG, ""));
      }
      assert.ok(answers.pings >= 1);
      assert.deepEqual(await t.events(), []);
    },
  },
  {
    id: "L3.stuck",
    fact:
      "a client that neither reads nor says anything is gone too, though its ping is stuck in the queue",
    site: (s) => ({
      limits: { idleTimeout: 800 },
      hooks: {
        message(peer) {
          for (let i = 0; i < 12; i++) peer.send(new Uint8Array(1024 * 1024));
        },
        close: (_, { code }) => s.log("close", code),
      },
    }),
    async run(t) {
      const client = await t.upgraded();
      client.pause();
      client.write(frame(TEXT, "go"));
      const [{ data } = { data: [] }] = await t.logged("close", 1, 2500);
      assert.deepEqual(data, [1006]);
    },
  },
  {
    id: "L3.off",
    fact: "idleTimeout 0 pings nobody",
    site: (s) => ({ limits: { idleTimeout: 0 }, hooks: { close: () => s.log("close") } }),
    async run(t) {
      const client = await t.upgraded();
      await sleep(400);
      assert.equal(client.pending, 0);
      assert.deepEqual(await t.events(), []);
    },
  },
  {
    id: "L4.handshake",
    fact: "an upgrade hook that takes too long is a 503, its signal aborted, onError told",
    site: (s) => ({
      limits: { handshakeTimeout: 100 },
      hooks: {
        async upgrade(request) {
          request.signal.addEventListener("abort", () => s.log("abort"));
          await s.wait("upgrade");
        },
        open: () => s.log("open"),
      },
      onError: (error, { stage }) =>
        s.log("onError", (error as { code?: string }).code, stage, String(error)),
    }),
    async run(t) {
      assert.equal((await t.refused()).status, 503);
      assert.deepEqual((await t.logged("onError"))[0]!.data, [
        "ERR_PEER_UPGRADE_TIMEOUT",
        "upgrade",
        "PeerError: The upgrade hook took longer than limits.handshakeTimeout, 100 ms",
      ]);
      await t.logged("abort");
      await t.release("upgrade");
      assert.ok(!(await t.events(50)).includes("open"));
      assert.equal((await t.stats()).refusals, 1);
    },
  },
  {
    id: "L5.peers",
    fact: "over maxPeers a client gets 503; a place is free again when a peer has gone",
    site: (s) => ({
      limits: { maxPeers: 2 },
      hooks: {
        async upgrade(request) {
          if (request.url.endsWith("?slow")) await s.wait("upgrade");
          if (request.url.endsWith("?no")) return new Response(null, { status: 401 });
        },
        close: () => s.log("close"),
      },
    }),
    async run(t) {
      assert.equal((await t.refused("?no")).status, 401);
      const first = await t.connect();
      const slow = t.connect("?slow");
      await sleep(50);
      const refused = await t.refused();
      assert.equal(refused.status, 503, "a pending upgrade holds a place");
      assert.match(refused.body, /full/);
      await t.release("upgrade");
      await slow;
      assert.equal((await t.refused()).status, 503);
      first.close();
      await t.logged("close");
      await t.connect();
    },
  },
  {
    id: "L5.address",
    fact: "over maxPeersPerAddress a client gets 429, others do not",
    site: (s) => ({
      trustProxy: true,
      limits: { maxPeersPerAddress: 1 },
      hooks: { close: () => s.log("close") },
    }),
    async run(t) {
      const from = (address: string) => ({ headers: { "x-forwarded-for": address } });
      const first = await t.connect("", from("198.51.100.1"));
      const refused = await t.refused("", from("198.51.100.1"));
      assert.equal(refused.status, 429);
      assert.match(refused.body, /address/);
      await t.connect("", from("198.51.100.2"));
      first.terminate();
      await t.logged("close");
      await t.connect("", from("198.51.100.1"));
    },
  },
  {
    id: "L5.aborted",
    fact: "a client that leaves during its upgrade gives its place back",
    site: (s) => ({
      limits: { maxPeers: 1 },
      hooks: {
        async upgrade(request) {
          if (!request.url.endsWith("?slow")) return;
          s.log("upgrade");
          await s.wait("upgrade");
        },
      },
    }),
    async run(t) {
      const client = await t.raw({ target: t.path("?slow") });
      await t.logged("upgrade");
      client.rst();
      await sleep(50);
      await t.release("upgrade");
      await sleep(50);
      await t.connect();
    },
  },
  {
    id: "L6.rate",
    fact: "over messagesPerSecond a peer is closed with 1008; a slower one is not",
    site: (s) => ({
      limits: { messagesPerSecond: 20 },
      hooks: {
        message: () => s.log("message"),
        close: (_, info) => s.log("close", info),
      },
    }),
    async run(t) {
      const slow = await t.connect();
      for (let i = 0; i < 10; i++) {
        slow.send("x");
        await sleep(20);
      }
      const flood = await t.connect();
      for (let i = 0; i < 100; i++) flood.send("x");
      assert.deepEqual(await flood.closed, { code: 1008, reason: "too many messages" });
      const [{ data } = { data: [] }] = await t.logged("close");
      assert.equal(data[0].code, 1008);
      const count = (await t.events()).filter((event) => event === "message").length;
      assert.ok(count >= 30 && count <= 33, `${count} messages`);
      assert.equal(slow.socket.readyState, 1);
    },
  },
  {
    id: "L7.topics",
    fact: "over maxTopicsPerPeer subscribe is a RangeError; the default is 1,000",
    site: (s) => ({
      hooks: {
        message(peer) {
          try {
            for (let i = 0; i < 2000; i++) peer.subscribe(String(i));
          } catch (error) {
            s.log("error", (error as Error).name, (error as Error).message, peer.topics.size);
          }
          peer.subscribe("5");
          peer.unsubscribe("5");
          peer.subscribe("one more");
          s.log("size", peer.topics.size);
        },
      },
    }),
    async run(t) {
      (await t.connect()).send("go");
      assert.deepEqual((await t.logged("error"))[0]!.data, [
        "RangeError",
        "Cannot subscribe to one more topic as limits.maxTopicsPerPeer is 1000",
        1000,
      ]);
      assert.deepEqual((await t.logged("size"))[0]!.data, [1000]);
    },
  },
  {
    id: "L8.default",
    fact: "1,024 messages may wait for a hook",
    site: (s) => ({
      hooks: {
        async open() {
          await s.wait("open");
        },
        message: () => s.log("message"),
      },
    }),
    async run(t) {
      const client = await t.connect();
      for (let i = 0; i < 1024; i++) client.send("x");
      for (let i = 0; i < 40 && (await t.stats()).messagesIn < 1024; i++) await sleep(10);
      await t.release("open");
      await t.logged("message", 1024);
    },
  },
  {
    id: "L8.inflated",
    fact: "compressed floods stay within the bounds while a hook is pending",
    site: (s) => ({
      perMessageDeflate: true,
      limits: { pendingBytes: 1024 * 1024 },
      hooks: {
        async open() {
          await s.wait("open");
        },
        close: (_, { code }) => s.log("close", code),
      },
    }),
    async run(t) {
      const client = await t.connect("", { deflate: true });
      for (let i = 0; i < 40; i++) client.send(new Uint8Array(1024 * 1024));
      await sleep(700);
      assert.ok((await t.stats()).messagesIn <= 8, `${(await t.stats()).messagesIn} MiB are held`);
      await t.release("open");
    },
  },
  {
    id: "L9.marks",
    fact: "highWaterMark is 64 KiB: one byte more, and there is a drain",
    site: (s) => ({
      hooks: {
        message(peer) {
          for (let i = 0; i < 14; i++) peer.send(new Uint8Array(1024 * 1024));
        },
        drain: (peer) => s.log("drain", peer.bufferedAmount),
      },
    }),
    async run(t) {
      const client = await t.connect();
      client.socket.pause();
      client.send("go");
      await sleep(60);
      client.socket.resume();
      assert.deepEqual((await t.logged("drain"))[0]!.data, [0]);
    },
  },
  {
    id: "L10.close",
    fact: "an answer within closeTimeout is clean",
    site: (s) => ({
      limits: { closeTimeout: 400 },
      hooks: {
        message: (peer) => peer.close(4000),
        close: (_, info) => s.log("close", info),
      },
    }),
    async run(t) {
      const client = await t.upgraded();
      client.write(frame(TEXT, "go"));
      const { payload } = await client.frame();
      await sleep(150);
      client.write(frame(CLOSE, payload));
      client.fin();
      assert.deepEqual((await t.logged("close"))[0]!.data, [{
        code: 4000,
        reason: "",
        wasClean: true,
      }]);
    },
  },
];

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { CLOSE, closePayload, frame, TEXT } from "../harness/clients/raw_client.ts";
import type { Case } from "../fixtures/case.ts";

/** S4–S6, B3, X1, X3: frames of one turn of the event loop, which a runtime may write together. */
export const gathering: readonly Case[] = [
  {
    id: "S6.mixed",
    fact: "a publish is compressed only for the clients that negotiated compression",
    server: (server) => ({
      perMessageDeflate: true,
      hooks: { open: (peer) => peer.subscribe("t") },
      commands: { publish: () => server.ws.publish("t", "a".repeat(5000)) },
    }),
    async run(client) {
      const offers = ["permessage-deflate; server_no_context_takeover", null];
      for (const order of [offers, offers.toReversed()]) {
        const connections = [];
        for (const offer of order) {
          connections.push(await client.raw({ headers: { "Sec-WebSocket-Extensions": offer } }));
        }
        const heads = [];
        for (const raw of connections) heads.push(await raw.head());
        await client.command("publish");
        for (const [i, raw] of connections.entries()) {
          const agreed = heads[i]!.headers.some(([name]) => name === "sec-websocket-extensions");
          const { rsv1, payload } = await raw.frame();
          assert.deepEqual([rsv1, payload.length < 5000], [agreed, agreed]);
          raw.destroy();
        }
        await client.statsUntil(({ peers }) => peers === 0);
      }
    },
  },
  {
    id: "S5.one-turn",
    fact: "sends and publishes of one turn keep their order and bytes, at every message size",
    server: (server) => ({
      hooks: {
        open(peer) {
          peer.subscribe("all");
          server.log("open");
        },
        message(peer) {
          for (let i = 0; i < 40; i++) {
            const data = sample(i);
            if (i % 3 === 0) peer.publish("all", data, { echo: true });
            else if (i % 3 === 1) peer.send(data);
            else server.ws.publish("all", data);
          }
        },
      },
    }),
    async run(client) {
      const sockets = [await client.connect(), await client.connect()];
      await client.logged("open", 2);
      sockets[0]!.send("go");
      for (const [at, socket] of sockets.entries()) {
        for (let i = 0; i < 40; i++) {
          if (at === 1 && i % 3 === 1) continue; // sent to the first client only
          const wanted = sample(i);
          if (typeof wanted === "string") assert.equal(await socket.text(), wanted, `text ${i}`);
          else assert.deepEqual(Buffer.from(await socket.bytes()), Buffer.from(wanted), `${i}`);
        }
      }
    },
  },
  {
    id: "S5.asynchronous",
    fact: "sends keep their order across turns, timers and promises",
    server: () => ({
      hooks: {
        async message(peer) {
          peer.send("0");
          await Promise.resolve();
          peer.send("1");
          setTimeout(() => peer.send("3"), 5);
          peer.send("2");
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.send("go");
      for (let i = 0; i < 4; i++) assert.equal(await socket.text(), String(i));
    },
  },
  {
    id: "S4.counts",
    fact: "send() returns the value of bufferedAmount, which falls to 0 without further calls",
    server: (server) => ({
      hooks: {
        message(peer) {
          const queued = [1, 2, 3].map(() => peer.send("x".repeat(1000)) - peer.bufferedAmount);
          setTimeout(() => server.log("queued", ...queued, peer.bufferedAmount), 20);
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.send("go");
      for (let i = 0; i < 3; i++) assert.equal((await socket.text()).length, 1000);
      assert.deepEqual((await client.logged("queued"))[0]!.data, [0, 0, 0, 0]);
    },
  },
  {
    id: "B3.at-once",
    fact: "waitForDrain() resolves as soon as the gathered frames have been written",
    server: (server) => ({
      hooks: {
        async message(peer) {
          const batches = [];
          for (let batch = 0; batch < 5; batch++) {
            const started = performance.now();
            for (let i = 0; i < 20; i++) {
              peer.send("x");
              await peer.waitForDrain();
            }
            batches.push(performance.now() - started);
          }
          server.log("fastest", Math.min(...batches)); // the fastest, as a busy machine does not slow down every batch
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.send("go");
      for (let i = 0; i < 100; i++) assert.equal(await socket.text(), "x");
      const [ms] = (await client.logged("fastest"))[0]!.data;
      assert.ok(ms < 100, `20 rounds took ${ms} ms`); // a check every 10 ms would take 200 ms
    },
  },
  {
    id: "X3.answers-first",
    fact:
      "a message that a hook sends leaves before the answer to a close that came in the same chunk",
    server: () => ({ hooks: { message: (peer, message) => void peer.send(message) } }),
    async run(client) {
      const raw = await client.upgraded();
      raw.write(Buffer.concat([frame(TEXT, "last"), frame(CLOSE, closePayload(4001, "bye"))]));
      const answer = await raw.frame();
      assert.deepEqual([answer.opcode, answer.payload.toString()], [TEXT, "last"]);
      assert.equal((await raw.frame()).opcode, CLOSE);
    },
  },
  {
    id: "X1.sends-first",
    fact: "messages sent and published leave before a close() of the same turn",
    server: (server) => ({
      hooks: {
        open(peer) {
          peer.subscribe("all");
          server.log("open");
        },
        message(peer) {
          peer.publish("all", "published", { echo: true });
          peer.send("sent");
          for (const it of peer.peers) it.close(4000, "done");
        },
      },
    }),
    async run(client) {
      const [asks, hears] = [await client.upgraded(), await client.upgraded()];
      await client.logged("open", 2);
      asks.write(frame(TEXT, "go"));
      for (const raw of [asks, hears]) {
        assert.equal((await raw.frame()).payload.toString(), "published");
      }
      assert.equal((await asks.frame()).payload.toString(), "sent");
      for (const raw of [asks, hears]) assert.equal((await raw.closing()).code, 4000);
    },
  },
];

/** Text or bytes. The sizes surround the bounds of RFC 6455 §5.2 and of gathering. */
function sample(i: number): string | Uint8Array<ArrayBuffer> {
  const sizes = [0, 1, 125, 126, 127, 1000, 16_384, 32_767, 40_000, 65_535, 65_536, 3];
  const size = sizes[i % sizes.length]!;
  if (i % 5 === 4) return new Uint8Array(size).fill(i);
  return `${i}é€😀`.repeat(Math.ceil(size / 10)).slice(0, size).toWellFormed();
}

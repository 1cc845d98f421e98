import assert from "node:assert/strict";
import { numbered, numbersIn, until, upTo } from "../harness/clients/numbered_messages.ts";
import { sleep } from "../harness/clients/case_client.ts";
import type { Case } from "../fixtures/case.ts";
import type { Peer } from "../../peer.ts";

const KIB = 1024, MIB = 1024 * KIB;

/**
 * Waits for the next turn, and until every other peer has read most of the messages. Without this
 * wait, a busy machine delivers more slowly than the server publishes, and all peers are slow.
 */
async function othersHaveRead(slow: Peer): Promise<void> {
  const others = [...slow.peers].filter((peer) => peer !== slow);
  do await new Promise((resolve) => setTimeout(resolve)); while (
    others.some((peer) => peer.bufferedAmount > 256 * KIB)
  );
}

/** P9: subscribers that read slowly or not at all, beside subscribers that read. */
export const slowBroadcast: readonly Case[] = [
  {
    id: "P9.buffered",
    fillsMemory: true,
    fact: "bufferedAmount counts the messages published in the current turn, each once",
    server: (server) => ({
      limits: { highWaterMark: 4 * MIB }, // above this mark the full peer would be evicted from the native topic
      hooks: {
        open: (peer) => peer.subscribe("t"),
        async message(peer, message) {
          if (message.text() === "fill") {
            // Until the kernel has accepted no bytes for a while.
            for (let full = 0; full < 6;) {
              const before = peer.bufferedAmount;
              for (let i = 0; i < (before < MIB ? 10 : 1); i++) {
                peer.send(new Uint8Array(100 * KIB));
              }
              full = before >= MIB && peer.bufferedAmount >= before + 100 * KIB ? full + 1 : 0;
              await new Promise((resolve) => setTimeout(resolve, 20));
            }
            return server.log("full");
          }
          const full = [...peer.peers][1]!;
          const grown = (act: () => unknown) => {
            const before = full.bufferedAmount;
            act();
            return full.bufferedAmount - before;
          };
          const times = (count: number, size: number) =>
            grown(() => {
              for (let i = 0; i < count; i++) peer.publish("t", "x".repeat(size));
            });
          server.log("grown", [
            times(1, 10),
            times(5, 100),
            times(40, 1000),
            times(31, 1000),
            times(1, 1000),
            times(3, 20_000),
            times(100, 10),
            grown(() => full.send("x".repeat(1000))),
            times(2, 1000),
            grown(() => {
              peer.publish("t", "x".repeat(1000));
              full.unsubscribe("t");
              peer.publish("t", "x".repeat(1000));
              full.send("x".repeat(1000));
              full.subscribe("t");
              peer.publish("t", "x".repeat(1000));
            }),
          ], full.bufferedAmount);
          for (let i = 0; i < 3; i++) await new Promise((resolve) => setTimeout(resolve, 5));
          server.log("later", full.bufferedAmount);
        },
      },
    }),
    async run(client) {
      const publisher = await client.connect(), full = await client.connect();
      const third = await client.connect();
      full.socket.pause();
      full.send("fill");
      await client.logged("full");
      publisher.send("go");
      const [grown, sum] = (await client.logged("grown"))[0]!.data;
      const payloads = [10, 500, 40_000, 31_000, 1000, 60_000, 1000, 1000, 2000, 3000];
      for (const [i, bytes] of payloads.entries()) {
        const messages = [1, 5, 40, 31, 1, 3, 100, 1, 2, 3][i]!;
        const header = (grown[i] - bytes) / messages;
        assert.ok(header >= 0 && header <= 10, `${i}: ${bytes} bytes make ${grown[i]}`);
      }
      const later = (await client.logged("later"))[0]!.data[0];
      assert.ok(later <= sum && later > sum - 500 * KIB, `${sum} bytes, and ${later} later`);
      await until(third, 186);
      assert.equal(third.queued.length, 186);
    },
  },
  {
    id: "P9.slow-close",
    fillsMemory: true,
    runsAlone: true,
    fact:
      "the server closes a slow subscriber with 1013 at maxBuffered; the others get every message",
    server: (server) => ({
      limits: { maxBuffered: MIB, closeTimeout: 200 },
      hooks: {
        open: (peer) => peer.subscribe("t"),
        async message(peer) {
          const slow = [...peer.peers][1]!;
          let sent = 0;
          while (slow.websocket.readyState === 1 && sent < 4000) {
            for (let i = 0; i < 20; i++) peer.publish("t", numbered(sent++, 8 * KIB));
            await othersHaveRead(slow);
          }
          server.log("sent", sent, slow.bufferedAmount); // not earlier: reading bufferedAmount can evict the slow peer
        },
        close: (_, { code }) => server.log("close", code),
      },
    }),
    async run(client) {
      const publisher = await client.connect(), slow = await client.connect();
      const others = [await client.connect(), await client.connect()];
      slow.socket.pause();
      publisher.send("go");
      const [sent, queued] = (await client.logged("sent"))[0]!.data;
      assert.ok(sent < 4000 && queued > MIB / 2 && queued <= MIB, `${queued} bytes after ${sent}`);
      assert.equal((await client.logged("close"))[0]!.data[0], 1013);
      for (const other of others) {
        await until(other, sent);
        assert.deepEqual(numbersIn(other), upTo(sent));
      }
    },
  },
  {
    id: "P9.slow-drop",
    fillsMemory: true,
    runsAlone: true,
    fact:
      'under "drop" a slow subscriber stays, and receives exactly the counted messages, in order',
    server: (server) => ({
      limits: { maxBuffered: MIB, overflow: "drop" },
      hooks: {
        open: (peer) => peer.subscribe("t"),
        async message(peer, message) {
          if (message.text() === "again") return server.log("again", peer.publish("t", "again"));
          const slow = [...peer.peers][1]!;
          const got = [];
          let sent = 0;
          while (got.length > sent - 100 && sent < 4000) {
            for (let i = 0; i < 20; i++) {
              if (peer.publish("t", numbered(sent, 8 * KIB)) === 2) got.push(sent);
              sent++;
            }
            await othersHaveRead(slow);
          }
          server.log("sent", sent, slow.bufferedAmount, server.ws.stats.drops, got);
        },
      },
    }),
    async run(client) {
      const publisher = await client.connect(),
        slow = await client.connect(),
        other = await client.connect();
      slow.socket.pause();
      publisher.send("go");
      const [sent, queued, drops, got] = (await client.logged("sent"))[0]!.data;
      assert.ok(sent < 4000 && queued > MIB / 2 && queued <= MIB, `${queued} bytes after ${sent}`);
      assert.equal(drops, sent - got.length);
      await until(other, sent);
      assert.deepEqual(numbersIn(other), upTo(sent));
      slow.socket.resume();
      await until(slow, got.length);
      assert.deepEqual(numbersIn(slow), got);
      await sleep(30);
      publisher.send("again");
      assert.deepEqual((await client.logged("again"))[0]!.data, [2]);
      await until(slow, got.length + 1);
      assert.equal(slow.queued.at(-1), "again");
    },
  },
  {
    id: "P9.slow-error",
    fillsMemory: true,
    runsAlone: true,
    fact:
      'under "error" publish() never throws, and counts the message for a full subscriber as a drop',
    server: (server) => ({
      limits: { maxBuffered: MIB, overflow: "error" },
      hooks: {
        open: (peer) => peer.subscribe("t"),
        async message(peer) {
          const slow = [...peer.peers][1]!;
          let sent = 0;
          while (peer.publish("t", numbered(sent, 8 * KIB)) === 2 && sent < 4000) {
            if (++sent % 20 === 0) await othersHaveRead(slow);
          }
          let code = "";
          try {
            slow.send("x".repeat(8 * KIB));
          } catch (error) {
            code = (error as { code?: string }).code ?? "";
          }
          server.log("sent", sent, slow.bufferedAmount, code, server.ws.stats.drops);
        },
      },
    }),
    async run(client) {
      const publisher = await client.connect(),
        slow = await client.connect(),
        other = await client.connect();
      slow.socket.pause();
      publisher.send("go");
      const [sent, queued, code, drops] = (await client.logged("sent"))[0]!.data;
      assert.ok(queued > MIB - 20 * KIB && queued <= MIB, `${queued} bytes are queued`);
      assert.deepEqual([code, drops], ["ERR_PEER_BUFFER_FULL", 2]);
      await until(other, sent + 1);
      assert.deepEqual(numbersIn(other), upTo(sent + 1));
      slow.socket.resume();
      await until(slow, sent);
      assert.deepEqual(numbersIn(slow), upTo(sent));
    },
  },
  {
    id: "P9.drain",
    fillsMemory: true,
    runsAlone: true,
    fact: "if publishes make a subscriber slow, drain fires once and waitForDrain() resolves",
    server: (server) => ({
      hooks: {
        open: (peer) => peer.subscribe("t"),
        async message(peer) {
          const slow = [...peer.peers][1]!;
          for (let sent = 0; slow.bufferedAmount < MIB && sent < 8000; sent++) {
            peer.publish("t", numbered(sent, 4 * KIB));
            if (sent % 50 === 49) await new Promise((resolve) => setTimeout(resolve));
          }
          server.log("slow", slow.bufferedAmount);
          await slow.waitForDrain();
          server.log("waited", slow.bufferedAmount);
        },
        drain(peer) {
          if (peer === [...peer.peers][1]) server.log("drain", peer.bufferedAmount);
        },
      },
    }),
    async run(client) {
      const publisher = await client.connect(), slow = await client.connect();
      await client.connect();
      for (let round = 1; round <= 2; round++) {
        slow.socket.pause();
        publisher.send("go");
        assert.ok((await client.logged("slow", round)).at(-1)!.data[0] >= MIB);
        slow.socket.resume();
        assert.deepEqual((await client.logged("waited", round)).at(-1)!.data, [0]);
        // Drains before the last "slow" do not count: the kernel still accepted all bytes then.
        const since = (await client.log(60)).slice((await client.events()).lastIndexOf("slow"));
        const drains = since.filter(({ event }) => event === "drain");
        assert.deepEqual(drains.map(({ data }) => data), [[0]]);
      }
    },
  },
  {
    id: "P9.recover",
    fillsMemory: true,
    runsAlone: true,
    fact:
      "a slow subscriber that catches up repeatedly receives every message in order, exactly once",
    server: (server) => ({
      limits: { highWaterMark: 16 * KIB },
      hooks: {
        open(peer) {
          peer.subscribe("t");
          peer.subscribe("u");
        },
        async message(peer) {
          const slow = [...peer.peers][1]!;
          let sent = 0;
          const publish = (count: number) => {
            for (let i = 0; i < count; i++) {
              if (sent % 7 === 3) { for (const other of peer.peers) other.send(`${sent}`); }
              else {server.ws.publish(
                  sent % 5 ? "t" : "u",
                  numbered(sent, sent % 11 ? 3 * KIB : 30 * KIB),
                );}
              sent++;
            }
          };
          for (let round = 0; round < 4; round++) {
            server.log("pause");
            await server.wait(`paused ${round}`);
            for (let i = 0; slow.bufferedAmount < 256 * KIB && i < 1000; i++) {
              publish(20);
              await othersHaveRead(slow);
            }
            server.log("resume");
            for (let i = 0; slow.bufferedAmount > 0; i++) {
              if (i < 200) publish(1); // more publishes would keep the peer slow on a busy machine
              await othersHaveRead(slow);
            }
            publish(100);
          }
          server.log("sent", sent);
        },
      },
    }),
    async run(client) {
      const publisher = await client.connect(),
        slow = await client.connect(),
        other = await client.connect();
      publisher.send("go");
      for (let round = 0; round < 4; round++) {
        await client.logged("pause", round + 1);
        slow.socket.pause();
        await client.release(`paused ${round}`);
        await client.logged("resume", round + 1);
        slow.socket.resume();
      }
      const [sent] = (await client.logged("sent"))[0]!.data;
      for (const socket of [publisher, slow, other]) {
        await until(socket, sent);
        assert.deepEqual(numbersIn(socket), upTo(sent));
      }
    },
  },
];

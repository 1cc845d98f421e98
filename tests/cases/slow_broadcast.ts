import assert from "node:assert/strict";
import { numbered, numbersIn, until, upTo } from "../harness/clients/numbered_messages.ts";
import { sleep } from "../harness/clients/test_bed.ts";
import type { Case } from "../fixtures/case.ts";

const KIB = 1024, MIB = 1024 * KIB;

/** P9: a member that reads slowly, or not at all, beside members that read. */
export const slowBroadcast: readonly Case[] = [
  {
    id: "P9.buffered",
    fact: "bufferedAmount counts what was published in this turn, and nothing twice",
    site: (s) => ({
      limits: { highWaterMark: 4 * MIB }, // or who is full would hear no broadcasts
      hooks: {
        open: (peer) => peer.subscribe("t"),
        async message(peer, message) {
          if (message.text() === "fill") {
            // Until the kernel has taken nothing of it for a while.
            for (let full = 0; full < 6;) {
              const before = peer.bufferedAmount;
              for (let i = 0; i < (before < MIB ? 10 : 1); i++) {
                peer.send(new Uint8Array(100 * KIB));
              }
              full = before >= MIB && peer.bufferedAmount >= before + 100 * KIB ? full + 1 : 0;
              await new Promise((resolve) => setTimeout(resolve, 20));
            }
            return s.log("full");
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
          s.log("grown", [
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
          s.log("later", full.bufferedAmount);
        },
      },
    }),
    async run(t) {
      const publisher = await t.connect(), full = await t.connect();
      const third = await t.connect();
      full.socket.pause();
      full.send("fill");
      await t.logged("full");
      publisher.send("go");
      const [grown, sum] = (await t.logged("grown"))[0]!.data;
      const payloads = [10, 500, 40_000, 31_000, 1000, 60_000, 1000, 1000, 2000, 3000];
      for (const [i, bytes] of payloads.entries()) {
        const messages = [1, 5, 40, 31, 1, 3, 100, 1, 2, 3][i]!;
        const header = (grown[i] - bytes) / messages;
        assert.ok(header >= 0 && header <= 10, `${i}: ${bytes} bytes make ${grown[i]}`);
      }
      const later = (await t.logged("later"))[0]!.data[0];
      assert.ok(later <= sum && later > sum - 500 * KIB, `${sum} bytes, and ${later} later`);
      await until(third, 186);
      assert.equal(third.queued.length, 186);
    },
  },
  {
    id: "P9.slow-close",
    runsAlone: true,
    fact: "a slow reader of a topic is closed with 1013 at maxBuffered; the others get everything",
    site: (s) => ({
      limits: { maxBuffered: MIB, closeTimeout: 200 },
      hooks: {
        open: (peer) => peer.subscribe("t"),
        async message(peer) {
          const slow = [...peer.peers][1]!;
          let sent = 0;
          while (slow.websocket.readyState === 1 && sent < 4000) {
            for (let i = 0; i < 20; i++) peer.publish("t", numbered(sent++, 8 * KIB));
            await new Promise((resolve) => setTimeout(resolve));
          }
          s.log("sent", sent, slow.bufferedAmount); // not before: a look changes things
        },
        close: (_, { code }) => s.log("close", code),
      },
    }),
    async run(t) {
      const publisher = await t.connect(), slow = await t.connect();
      const others = [await t.connect(), await t.connect()];
      slow.socket.pause();
      publisher.send("go");
      const [sent, queued] = (await t.logged("sent"))[0]!.data;
      assert.ok(sent < 4000 && queued > MIB / 2 && queued <= MIB, `${queued} bytes after ${sent}`);
      assert.equal((await t.logged("close"))[0]!.data[0], 1013);
      for (const other of others) {
        await until(other, sent);
        assert.deepEqual(numbersIn(other), upTo(sent));
      }
    },
  },
  {
    id: "P9.slow-drop",
    runsAlone: true,
    fact: 'under "drop" a slow reader gets in order just what the counts say, and stays',
    site: (s) => ({
      limits: { maxBuffered: MIB, overflow: "drop" },
      hooks: {
        open: (peer) => peer.subscribe("t"),
        async message(peer, message) {
          if (message.text() === "again") return s.log("again", peer.publish("t", "again"));
          const slow = [...peer.peers][1]!;
          const got = [];
          let sent = 0;
          while (got.length > sent - 100 && sent < 4000) {
            for (let i = 0; i < 20; i++) {
              if (peer.publish("t", numbered(sent, 8 * KIB)) === 2) got.push(sent);
              sent++;
            }
            await new Promise((resolve) => setTimeout(resolve));
          }
          s.log("sent", sent, slow.bufferedAmount, s.ws.stats.drops, got);
        },
      },
    }),
    async run(t) {
      const publisher = await t.connect(), slow = await t.connect(), other = await t.connect();
      slow.socket.pause();
      publisher.send("go");
      const [sent, queued, drops, got] = (await t.logged("sent"))[0]!.data;
      assert.ok(sent < 4000 && queued > MIB / 2 && queued <= MIB, `${queued} bytes after ${sent}`);
      assert.equal(drops, sent - got.length);
      await until(other, sent);
      assert.deepEqual(numbersIn(other), upTo(sent));
      slow.socket.resume();
      await until(slow, got.length);
      assert.deepEqual(numbersIn(slow), got);
      await sleep(30);
      publisher.send("again");
      assert.deepEqual((await t.logged("again"))[0]!.data, [2]);
      await until(slow, got.length + 1);
      assert.equal(slow.queued.at(-1), "again");
    },
  },
  {
    id: "P9.slow-error",
    runsAlone: true,
    fact: 'under "error" publish throws for nobody, and counts who was full as a drop',
    site: (s) => ({
      limits: { maxBuffered: MIB, overflow: "error" },
      hooks: {
        open: (peer) => peer.subscribe("t"),
        async message(peer) {
          let sent = 0;
          while (peer.publish("t", numbered(sent, 8 * KIB)) === 2 && sent < 4000) {
            if (++sent % 20 === 0) await new Promise((resolve) => setTimeout(resolve));
          }
          const slow = [...peer.peers][1]!;
          let code = "";
          try {
            slow.send("x".repeat(8 * KIB));
          } catch (error) {
            code = (error as { code?: string }).code ?? "";
          }
          s.log("sent", sent, slow.bufferedAmount, code, s.ws.stats.drops);
        },
      },
    }),
    async run(t) {
      const publisher = await t.connect(), slow = await t.connect(), other = await t.connect();
      slow.socket.pause();
      publisher.send("go");
      const [sent, queued, code, drops] = (await t.logged("sent"))[0]!.data;
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
    runsAlone: true,
    fact: "drain fires once, and waitForDrain() resolves, for a peer that publishes have slowed",
    site: (s) => ({
      hooks: {
        open: (peer) => peer.subscribe("t"),
        async message(peer) {
          const slow = [...peer.peers][1]!;
          for (let sent = 0; slow.bufferedAmount < MIB && sent < 8000; sent++) {
            peer.publish("t", numbered(sent, 4 * KIB));
            if (sent % 50 === 49) await new Promise((resolve) => setTimeout(resolve));
          }
          s.log("slow", slow.bufferedAmount);
          await slow.waitForDrain();
          s.log("waited", slow.bufferedAmount);
        },
        drain(peer) {
          if (peer === [...peer.peers][1]) s.log("drain", peer.bufferedAmount);
        },
      },
    }),
    async run(t) {
      const publisher = await t.connect(), slow = await t.connect();
      await t.connect();
      for (let round = 1; round <= 2; round++) {
        slow.socket.pause();
        publisher.send("go");
        assert.ok((await t.logged("slow", round)).at(-1)!.data[0] >= MIB);
        slow.socket.resume();
        assert.deepEqual((await t.logged("waited", round)).at(-1)!.data, [0]);
        // While the kernel took all of it, there were drains too.
        const since = (await t.log(60)).slice((await t.events()).lastIndexOf("slow"));
        const drains = since.filter(({ event }) => event === "drain");
        assert.deepEqual(drains.map(({ data }) => data), [[0]]);
      }
    },
  },
  {
    id: "P9.recover",
    runsAlone: true,
    fact: "a slow reader that catches up again and again gets everything in order, exactly once",
    site: (s) => ({
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
              else {s.ws.publish(
                  sent % 5 ? "t" : "u",
                  numbered(sent, sent % 11 ? 3 * KIB : 30 * KIB),
                );}
              sent++;
            }
          };
          for (let round = 0; round < 4; round++) {
            s.log("pause");
            await s.wait(`paused ${round}`);
            for (let i = 0; slow.bufferedAmount < 256 * KIB && i < 1000; i++) {
              publish(20);
              await new Promise((resolve) => setTimeout(resolve));
            }
            s.log("resume");
            while (slow.bufferedAmount > 0) {
              publish(1);
              await new Promise((resolve) => setTimeout(resolve));
            }
            publish(100);
          }
          s.log("sent", sent);
        },
      },
    }),
    async run(t) {
      const publisher = await t.connect(), slow = await t.connect(), other = await t.connect();
      publisher.send("go");
      for (let round = 0; round < 4; round++) {
        await t.logged("pause", round + 1);
        slow.socket.pause();
        await t.release(`paused ${round}`);
        await t.logged("resume", round + 1);
        slow.socket.resume();
      }
      const [sent] = (await t.logged("sent"))[0]!.data;
      for (const client of [publisher, slow, other]) {
        await until(client, sent);
        assert.deepEqual(numbersIn(client), upTo(sent));
      }
    },
  },
];

import assert from "node:assert/strict";
import { frame, type RawClient, TEXT } from "../harness/clients/raw_client.ts";
import type { TestBed } from "../harness/clients/test_bed.ts";
import type { Case } from "../fixtures/case.ts";

const upgraded = (t: TestBed, below: string): Promise<RawClient> =>
  t.upgraded({ target: t.path(below) });

/** X7, X8: how a server goes away, and how it stays when its peers go. */
export const drain: readonly Case[] = [
  {
    id: "X8.close",
    fact: "closeAll(code, reason) closes every peer and goes on serving; 1000 by default",
    site: (s) => ({
      hooks: { close: (_, info) => s.log("close", info.code, info.reason) },
      commands: {
        all: (args) => s.ws.closeAll(...args as [number?, string?]),
        bad: () => {
          for (const args of [[999], [1000, "x".repeat(124)]] as [number, string?][]) {
            try {
              s.ws.closeAll(...args);
            } catch (error) {
              s.log("threw", (error as Error).name);
            }
          }
        },
      },
    }),
    async run(t) {
      const table: [args: unknown[], code: number, reason: string][] = [
        [[], 1000, ""],
        [[4000, "all of you"], 4000, "all of you"],
      ];
      for (const [args, code, reason] of table) {
        const clients = [await upgraded(t, "/a"), await upgraded(t, "/b")];
        await t.command("all", args);
        for (const client of clients) assert.deepEqual(await client.closing(), { code, reason });
      }
      const client = await t.connect();
      await t.command("bad");
      assert.equal((await t.logged("threw", 2)).length, 2);
      assert.equal((await t.stats()).peers, 1);
      client.socket.close();
      const closes = await t.logged("close", 5);
      assert.deepEqual(closes.slice(0, 4).map(({ data }) => data[0]), [1000, 1000, 4000, 4000]);
    },
  },
  {
    id: "X8.force",
    fact: "closeAll() by force terminates every peer and goes on serving",
    site: (s) => ({
      hooks: { close: (_, info) => s.log("close", info.code) },
      commands: { all: () => s.ws.closeAll(1000, "", true) },
    }),
    async run(t) {
      const clients = [await t.connect("/a"), await t.connect("/b")];
      await t.command("all");
      assert.deepEqual((await t.logged("close", 2)).map(({ data }) => data[0]), [1006, 1006]);
      for (const client of clients) await client.shut();
      await t.connect();
    },
  },
  {
    id: "X7.close",
    fact: "adapter.close() closes every peer with 1001 and waits for their close hooks",
    site: (s) => ({
      hooks: {
        async close(_, { code, reason }) {
          await new Promise((resolve) => setTimeout(resolve, 30));
          s.log("close", code, reason);
        },
      },
      commands: {
        async close() {
          await s.ws.close({ reason: "deploy" });
          s.log("closed", s.ws.stats.peers);
        },
      },
    }),
    async run(t) {
      const clients = await Promise.all(["", "/other", ""].map((below) => upgraded(t, below)));
      const closing = Promise.all(clients.map((client) => client.closing()));
      await t.command("close");
      for (const close of await closing) {
        assert.deepEqual(close, { code: 1001, reason: "deploy" });
      }
      assert.deepEqual(await t.events(), ["close", "close", "close", "closed"]);
    },
  },
  {
    id: "X7.arguments",
    fact: "close(code, reason) works too; an illegal code is a RangeError and closes nothing",
    site: (s) => ({
      commands: {
        bad: async () => {
          try {
            await s.ws.close(1006);
          } catch (error) {
            return (error as Error).name;
          }
        },
        never: async () => {
          try {
            await s.ws.close({ timeout: Infinity });
          } catch (error) {
            return (error as Error).message;
          }
        },
        good: () => s.ws.close(1012, "restart"),
      },
    }),
    async run(t) {
      const client = await t.upgraded();
      assert.equal(await t.command("bad"), "RangeError");
      assert.match(await t.command("never"), /timeout as it must be 0 to 2147483647: .*Infinity/);
      assert.equal((await t.stats()).peers, 1);
      const closing = client.closing();
      await t.command("good");
      assert.deepEqual(await closing, { code: 1012, reason: "restart" });
    },
  },
  {
    id: "X7.refuses",
    fact: "from then on handshakes get 503, also those whose upgrade is pending",
    site: (s) => ({
      hooks: {
        async upgrade(request) {
          s.log("upgrade");
          if (request.url.endsWith("?slow")) await s.wait("upgrade");
        },
        open: () => s.log("open"),
      },
      commands: { close: () => s.ws.close() },
    }),
    async run(t) {
      const slow = t.refused("?slow");
      slow.catch(() => {}); // awaited below
      await t.logged("upgrade");
      await t.command("close");
      assert.equal((await t.refused()).status, 503);
      await t.release("upgrade");
      assert.equal((await slow).status, 503);
      assert.deepEqual(await t.events(), ["upgrade"], "no hook for the one, no open for the other");
    },
  },
  {
    id: "X7.accepted",
    fact: "a client that is accepted before the close, and opens after it, is closed too",
    site: (s) => ({
      hooks: {
        upgrade() {
          queueMicrotask(() => void s.ws.close());
        },
        close: (_, { code }) => s.log("close", code),
      },
    }),
    async run(t) {
      const client = await t.upgraded();
      assert.equal((await client.closing()).code, 1001);
      assert.deepEqual((await t.logged("close"))[0]!.data, [1001]);
    },
  },
  {
    id: "X7.timeout",
    fact: "what is left at the time-out is terminated",
    site: (s) => ({
      hooks: {
        message(peer) {
          for (let i = 0; i < 14; i++) peer.send(new Uint8Array(1024 * 1024));
          s.log("filled");
        },
        close: (_, { code, wasClean }) => s.log("close", code, wasClean),
      },
      commands: {
        async close() {
          const started = performance.now();
          await s.ws.close({ timeout: 150 });
          return [performance.now() - started, s.ws.stats.peers];
        },
      },
    }),
    async run(t) {
      const client = await t.connect();
      client.socket.pause();
      client.send("go");
      await t.logged("filled");
      const [ms, peers] = await t.command<[number, number]>("close");
      assert.ok(ms! >= 140 && ms! < 1000, `${ms} ms`);
      assert.equal(peers, 0);
      assert.deepEqual((await t.logged("close"))[0]!.data, [1006, false]);
    },
  },
  {
    id: "X7.jitter",
    fact: "jitter spreads the closes",
    site: (s) => ({ commands: { close: () => s.ws.close({ jitter: 300, timeout: 2000 }) } }),
    async run(t) {
      const clients = await Promise.all(Array.from({ length: 12 }, () => t.upgraded()));
      const started = performance.now();
      const times = clients.map(async (client) => {
        await client.closing();
        return performance.now() - started;
      });
      await t.command("close");
      const sorted = (await Promise.all(times)).sort((a, b) => a - b);
      assert.ok(sorted.at(-1)! - sorted[0]! > 60, String(sorted));
      assert.ok(sorted.at(-1)! < 1000, String(sorted));
    },
  },
  {
    id: "X7.repeat",
    fact: "a second close() waits for the first; `await using` closes",
    site: (s) => ({
      commands: {
        async close() {
          const first = s.ws.close(1012);
          const second = s.ws.close(4000);
          await second;
          await first;
          await s.ws[Symbol.asyncDispose]();
          return s.ws.stats.peers;
        },
      },
    }),
    async run(t) {
      const client = await t.upgraded();
      const closing = client.closing();
      assert.equal(await t.command("close"), 0);
      assert.equal((await closing).code, 1012);
    },
  },
  {
    id: "X7.queued",
    fact: "what was sent before the close arrives before it",
    site: (s) => ({
      hooks: {
        message(peer) {
          for (let i = 0; i < 50; i++) peer.send(new Uint8Array(100_000).fill(i));
          void s.ws.close();
        },
      },
    }),
    async run(t) {
      const client = await t.connect();
      client.send("go");
      assert.equal((await client.closed).code, 1001);
      assert.equal(client.queued.length, 50);
    },
  },
  {
    id: "X7.pending-open",
    fact: "a peer whose open hook is pending is closed too",
    site: (s) => ({
      limits: { closeTimeout: 100 },
      hooks: {
        async open() {
          s.log("open");
          await s.wait("never");
        },
        close: () => s.log("close"),
      },
      commands: { close: () => s.ws.close() },
    }),
    async run(t) {
      const client = await t.upgraded();
      await t.logged("open");
      const closed = t.command("close");
      const { payload } = await client.frame();
      client.write(frame(8, payload));
      client.write(frame(TEXT, "late"));
      await closed;
      assert.deepEqual(await t.events(), ["open", "close"]);
    },
  },
];

import assert from "node:assert/strict";
import { frame, type RawClient, TEXT } from "../harness/clients/raw_client.ts";
import { stopwatch } from "../harness/time_limit.ts";
import type { CaseClient } from "../harness/clients/case_client.ts";
import type { Case } from "../fixtures/case.ts";

const upgraded = (client: CaseClient, below: string): Promise<RawClient> =>
  client.upgraded({ target: client.path(below) });

/** X7, X8: the shutdown of an adapter, and closeAll(), which does not shut it down. */
export const drain: readonly Case[] = [
  {
    id: "X8.close",
    fact:
      "closeAll() closes every peer, with 1000 by default, and the adapter still accepts clients",
    server: (server) => ({
      hooks: { close: (_, info) => server.log("close", info.code, info.reason) },
      commands: {
        all: (args) => server.ws.closeAll(...args as [number?, string?]),
        bad: () => {
          for (const args of [[999], [1000, "x".repeat(124)]] as [number, string?][]) {
            try {
              server.ws.closeAll(...args);
            } catch (error) {
              server.log("threw", (error as Error).name);
            }
          }
        },
      },
    }),
    async run(client) {
      const table: [args: unknown[], code: number, reason: string][] = [
        [[], 1000, ""],
        [[4000, "all of you"], 4000, "all of you"],
      ];
      for (const [args, code, reason] of table) {
        const connections = [await upgraded(client, "/a"), await upgraded(client, "/b")];
        await client.command("all", args);
        for (const raw of connections) assert.deepEqual(await raw.closing(), { code, reason });
      }
      const socket = await client.connect();
      await client.command("bad");
      assert.equal((await client.logged("threw", 2)).length, 2);
      assert.equal((await client.stats()).peers, 1);
      socket.socket.close();
      const closes = await client.logged("close", 5);
      assert.deepEqual(closes.slice(0, 4).map(({ data }) => data[0]), [1000, 1000, 4000, 4000]);
    },
  },
  {
    id: "X8.force",
    fact: "closeAll() with force terminates every peer, and the adapter still accepts clients",
    server: (server) => ({
      hooks: { close: (_, info) => server.log("close", info.code) },
      commands: { all: () => server.ws.closeAll(1000, "", true) },
    }),
    async run(client) {
      const sockets = [await client.connect("/a"), await client.connect("/b")];
      await client.command("all");
      assert.deepEqual((await client.logged("close", 2)).map(({ data }) => data[0]), [1006, 1006]);
      for (const socket of sockets) await socket.shut();
      await client.connect();
    },
  },
  {
    id: "X7.close",
    fact: "adapter.close() closes every peer with 1001 and waits for the close hooks",
    server: (server) => ({
      hooks: {
        async close(_, { code, reason }) {
          await new Promise((resolve) => setTimeout(resolve, 30));
          server.log("close", code, reason);
        },
      },
      commands: {
        async close() {
          await server.ws.close({ reason: "deploy" });
          server.log("closed", server.ws.stats.peers);
        },
      },
    }),
    async run(client) {
      const connections = await Promise.all(
        ["", "/other", ""].map((below) => upgraded(client, below)),
      );
      const closing = Promise.all(connections.map((raw) => raw.closing()));
      await client.command("close");
      for (const close of await closing) {
        assert.deepEqual(close, { code: 1001, reason: "deploy" });
      }
      assert.deepEqual(await client.events(), ["close", "close", "close", "closed"]);
    },
  },
  {
    id: "X7.arguments",
    fact:
      "adapter.close() takes a code and a reason; an illegal code or timeout throws and closes nothing",
    server: (server) => ({
      commands: {
        bad: async () => {
          try {
            await server.ws.close(1006);
          } catch (error) {
            return (error as Error).name;
          }
        },
        never: async () => {
          try {
            await server.ws.close({ timeout: Infinity });
          } catch (error) {
            return (error as Error).message;
          }
        },
        good: () => server.ws.close(1012, "restart"),
      },
    }),
    async run(client) {
      const raw = await client.upgraded();
      assert.equal(await client.command("bad"), "RangeError");
      assert.match(
        await client.command("never"),
        /timeout as it must be 0 to 2147483647: .*Infinity/,
      );
      assert.equal((await client.stats()).peers, 1);
      const closing = raw.closing();
      await client.command("good");
      assert.deepEqual(await closing, { code: 1012, reason: "restart" });
    },
  },
  {
    id: "X7.refuses",
    fact: "after adapter.close() a handshake gets 503, even if its upgrade hook was pending before",
    server: (server) => ({
      hooks: {
        async upgrade(request) {
          if (!request.url.endsWith("?slow")) return;
          server.log("upgrade");
          await server.wait("upgrade");
        },
        open: () => server.log("open"),
        async close() {
          server.log("close");
          await server.wait("close");
        },
      },
      commands: { close: () => server.ws.close() },
    }),
    async run(client) {
      await client.connect(); // its `close` hook delays the end
      const slow = client.refused("?slow");
      slow.catch(() => {}); // awaited below
      await client.logged("upgrade");
      const closed = client.command("close");
      await client.logged("close");
      assert.equal((await client.refused()).status, 503);
      await client.release("upgrade");
      assert.equal((await slow).status, 503);
      await client.release("close");
      await closed;
      assert.deepEqual(
        (await client.events()).toSorted(),
        ["close", "open", "upgrade"],
        "the refused handshake runs no hook, the pending one no open",
      );
    },
  },
  {
    id: "X7.pending-upgrade",
    fact: "at its end adapter.close() gives up pending upgrade hooks: 503, and the signal aborts",
    server: (server) => ({
      limits: { handshakeTimeout: 60_000 },
      onError: () => server.log("error"),
      hooks: {
        async upgrade({ signal }) {
          signal.addEventListener("abort", () => server.log("aborted", signal.reason.name));
          server.log("upgrade");
          await new Promise(() => {});
        },
      },
      commands: { close: () => server.ws.close() },
    }),
    async run(client) {
      const pending = client.refused();
      pending.catch(() => {}); // awaited below
      await client.logged("upgrade");
      await client.command("close");
      assert.equal((await pending).status, 503);
      assert.deepEqual((await client.logged("aborted"))[0]!.data, ["AbortError"]);
      assert.equal((await client.stats()).timers, 0);
      assert.deepEqual(await client.events(), ["upgrade", "aborted"]);
    },
  },
  {
    id: "X7.accepted",
    fact:
      "adapter.close() also closes a client that was accepted before the call and opens afterwards",
    server: (server) => ({
      hooks: {
        upgrade() {
          queueMicrotask(() => void server.ws.close());
        },
        close: (_, { code }) => server.log("close", code),
      },
    }),
    async run(client) {
      const raw = await client.upgraded();
      assert.equal((await raw.closing()).code, 1001);
      assert.deepEqual((await client.logged("close"))[0]!.data, [1001]);
    },
  },
  {
    id: "X7.timeout",
    fillsMemory: true,
    fact: "adapter.close() terminates the peers that remain after `timeout` ms",
    server: (server) => ({
      hooks: {
        message(peer) {
          for (let i = 0; i < 14; i++) peer.send(new Uint8Array(1024 * 1024));
          server.log("filled");
        },
        close: (_, { code, wasClean }) => server.log("close", code, wasClean),
      },
      commands: {
        async close() {
          const started = performance.now();
          await server.ws.close({ timeout: 150 });
          return [performance.now() - started, server.ws.stats.peers];
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.socket.pause();
      socket.send("go");
      await client.logged("filled");
      const elapsed = stopwatch();
      const [ms, peers] = await client.command<[number, number]>("close");
      const counted = elapsed();
      assert.ok(ms >= 140 && counted < 1000, `${ms} ms, of which ${counted} count`);
      assert.equal(peers, 0);
      assert.deepEqual((await client.logged("close"))[0]!.data, [1006, false]);
    },
  },
  {
    id: "X7.jitter",
    fact: "jitter spreads the closes of adapter.close() over time",
    server: (server) => ({
      commands: { close: () => server.ws.close({ jitter: 900, timeout: 3000 }) },
    }),
    async run(client) {
      const connections = await Promise.all(Array.from({ length: 12 }, () => client.upgraded()));
      const started = performance.now(), elapsed = stopwatch();
      const times = connections.map(async (raw) => {
        await raw.closing();
        return performance.now() - started;
      });
      await client.command("close");
      const sorted = (await Promise.all(times)).sort((a, b) => a - b);
      assert.ok(sorted.at(-1)! - sorted[0]! > 60, String(sorted));
      assert.ok(elapsed() < 1600, String(sorted));
    },
  },
  {
    id: "X7.repeat",
    fact:
      "a second adapter.close() and a disposal wait for the first adapter.close(), whose code counts",
    server: (server) => ({
      commands: {
        async close() {
          const first = server.ws.close(1012);
          const second = server.ws.close(4000);
          const disposal = server.ws[Symbol.asyncDispose]();
          const left = async (end: PromiseLike<void>) => {
            await end;
            return server.ws.stats.peers;
          };
          return await Promise.all([left(second), left(disposal), left(first)]);
        },
      },
    }),
    async run(client) {
      const raw = await client.upgraded();
      const closing = raw.closing();
      assert.deepEqual(await client.command("close"), [0, 0, 0]);
      assert.equal((await closing).code, 1012);
    },
  },
  {
    id: "X7.queued",
    fact: "messages sent before adapter.close() reach the client before the close",
    server: (server) => ({
      hooks: {
        message(peer) {
          for (let i = 0; i < 50; i++) peer.send(new Uint8Array(100_000).fill(i));
          void server.ws.close();
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.send("go");
      assert.equal((await socket.closed).code, 1001);
      assert.equal(socket.queued.length, 50);
    },
  },
  {
    id: "X7.pending-open",
    fact: "adapter.close() also closes a peer whose open hook is pending",
    server: (server) => ({
      limits: { closeTimeout: 100 },
      hooks: {
        async open() {
          server.log("open");
          await server.wait("never");
        },
        close: () => server.log("close"),
      },
      commands: { close: () => server.ws.close() },
    }),
    async run(client) {
      const raw = await client.upgraded();
      await client.logged("open");
      const closed = client.command("close");
      const { payload } = await raw.frame();
      raw.write(frame(8, payload));
      raw.write(frame(TEXT, "late"));
      await closed;
      assert.deepEqual(await client.events(), ["open", "close"]);
    },
  },
];

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { deflateRawSync } from "node:zlib";
import { BINARY, CLOSE, closePayload, frame, TEXT } from "../harness/clients/raw_client.ts";
import { sleep } from "../harness/clients/case_client.ts";
import type { Case } from "../fixtures/case.ts";

/** E1–E3: hooks that fail. */
export const errors: readonly Case[] = [
  {
    id: "E1.hooks",
    fact:
      "a hook that fails, even the error hook, ends neither the process nor another peer's connection",
    server: () => {
      const fail = (how: string): never | Promise<never> => {
        const error = new Error("7f1c a hook fails");
        if (how.includes("async")) return Promise.reject(error);
        throw error;
      };
      return {
        hooks: {
          message(peer, message) {
            if (message.text() === "fine") return void peer.send("fine");
            return fail(message.text());
          },
          close: (peer) => fail(peer.request.url),
          error: (peer) => fail(peer.request.url),
        },
      };
    },
    async run(client) {
      const bystander = await client.connect("/a");
      for (const how of ["sync", "async"]) {
        const socket = await client.connect(`/a?${how}`);
        socket.send(how);
        socket.send("fine");
        assert.equal(await socket.text(), "fine", "the peer stays open");
        socket.close();
        await socket.closed;
      }
      bystander.send("fine");
      assert.equal(await bystander.text(), "fine");
    },
  },
  {
    id: "E1.on-error",
    fact:
      "a failing onError, an error that cannot be printed and a hostile thrown value end no process",
    server: () => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      const unprintable = Object.assign(new Error("x"), {
        [Symbol.for("nodejs.util.inspect.custom")]: () => {
          throw new Error("inspect fails");
        },
        [Symbol.for("Deno.customInspect")]: () => {
          throw new Error("inspect fails");
        },
      });
      const thrown: Record<string, unknown> = {
        proxy,
        unprintable,
        getter: {
          get response() {
            throw new Error("getter fails");
          },
        },
      };
      return {
        hooks: {
          upgrade(request) {
            const which = new URL(request.url).search.slice(1);
            if (which) throw thrown[which] ?? new Error("upgrade");
          },
          async message(_, message) {
            await Promise.resolve();
            throw thrown[message.text()];
          },
        },
        onError: (_, { request }) =>
          request?.url.endsWith("sync")
            ? fails()
            : Promise.reject(new Error("onError rejects")) as unknown as void,
      };
    },
    async run(client) {
      for (const which of ["sync", "async", "proxy", "unprintable", "getter"]) {
        assert.equal((await client.refused(`?${which}`)).status, 500, which);
      }
      for (const which of ["proxy", "unprintable", "getter"]) {
        const socket = await client.connect();
        socket.send(which);
        assert.equal((await socket.closed).code, 1011, which);
      }
      await client.connect();
    },
  },
  {
    id: "E1.pipelined",
    fact:
      "a handshake pipelined behind another request never puts a 101 before that request's response",
    async run(client) {
      for (const version of ["13", "12"]) {
        const raw = await client.tcp();
        raw.write(`GET ${client.path()} HTTP/1.1\r\nHost: a.example\r\n\r\n`);
        raw.handshake({ target: client.path(), headers: { "Sec-WebSocket-Version": version } });
        await sleep(50);
        raw.fin();
        await raw.ended();
        assert.ok(
          !/^HTTP\/1\.1 101/.test(await raw.body()),
          "the 101 of the handshake comes first",
        );
      }
      await client.connect();
    },
  },
  {
    id: "E1.inflating",
    fact: "broken frames behind a message that is being inflated do not end the process",
    server: () => ({ perMessageDeflate: true, hooks: { error() {} } }),
    async run(client) {
      const zeros = deflateRawSync(new Uint8Array(1024 * 1024), { finishFlush: 2 }).subarray(0, -4);
      const large = frame(BINARY, zeros, { rsv: 4 });
      for (let round = 0; round < 3; round++) {
        const raw = await client.upgraded({
          headers: { "Sec-WebSocket-Extensions": "permessage-deflate; client_no_context_takeover" },
        });
        raw.write(Buffer.concat([large, large, large]));
        // Each frame has its own chunk, and arrives while the server inflates the first message.
        const behind = Array.from({ length: 8 }, (_, i) => frame(TEXT, "x".repeat(i)));
        for (const bytes of [frame(CLOSE, closePayload(999)), ...behind]) {
          await sleep(1);
          raw.write(bytes);
        }
        await raw.ended();
      }
      await client.connect();
    },
  },
  {
    id: "E1.broken-client",
    fact: "after a protocol error of the client, the error hook may use the peer",
    server: (server) => ({
      limits: { maxPayload: 10 },
      hooks: {
        open(peer) {
          peer.subscribe("news");
          peer.subscribe("other");
          peer.send("ready");
        },
        error(peer) {
          peer.unsubscribe("news");
          server.log("used", typeof peer.bufferedAmount, [...peer.topics].join());
          peer.terminate();
        },
        close() {},
      },
    }),
    async run(client) {
      const raw = await client.upgraded();
      await raw.frame();
      raw.write(frame(TEXT, "x".repeat(11)));
      assert.deepEqual((await client.logged("used"))[0]!.data, ["number", "other"]);
    },
  },
  {
    id: "E2.reported",
    fact:
      "the error hook receives the failure of another hook, named by error.hook, and the peer stays open",
    server: (server) => {
      class MyError extends Error {}
      return {
        hooks: {
          message(_, message) {
            if (message.text() === "sync") throw new MyError("sync");
            return Promise.reject(new MyError("async"));
          },
          close() {
            throw new MyError("close");
          },
          error: (peer, error) =>
            server.log(
              "error",
              error.hook,
              error.message,
              error instanceof MyError,
              peer.websocket.readyState,
            ),
        },
      };
    },
    async run(client) {
      const socket = await client.connect();
      socket.send("sync");
      socket.send("async");
      await client.logged("error", 2);
      socket.close();
      const reports = (await client.logged("error", 3)).map(({ data }) => data);
      assert.deepEqual(reports, [
        ["message", "sync", true, 1],
        ["message", "async", true, 1],
        ["close", "close", true, 3],
      ]);
    },
  },
  {
    id: "E2.open-drain",
    fillsMemory: true,
    fact: "a failed open starts no drain hook for what it has sent",
    server: (server) => ({
      hooks: {
        open(peer) {
          for (let i = 0; i < 12; i++) peer.send(new Uint8Array(1024 * 1024));
          throw new Error("after twelve messages");
        },
        drain: () => server.log("drain"),
        error: () => server.log("error"),
        close: () => server.log("close"),
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.send("a message"); // without one, workerd 2026-11 reports the close after 10 s
      assert.equal((await socket.closed).code, 1011);
      await client.logged("close");
      assert.deepEqual(await client.events(30), ["error", "close"]);
    },
  },
  {
    id: "E2.open",
    fact: "a failed open closes the peer with 1011, and its queued messages start no hook",
    server: (server) => ({
      hooks: {
        async open(peer) {
          if (peer.request.url.endsWith("?sync")) throw new Error("sync");
          await server.wait("open");
          throw new Error("async");
        },
        message: () => server.log("message"),
        error: (_, error) => server.log("error", error.hook, error.message),
        close: (_, { code }) => server.log("close", code),
      },
    }),
    async run(client) {
      const sync = await client.upgraded({ target: client.path("?sync") });
      assert.equal((await sync.closing()).code, 1011);
      const async_ = await client.upgraded({ target: client.path("?async") });
      async_.write(frame(TEXT, "waits"));
      await client.statsUntil(({ messagesIn }) => messagesIn === 1);
      await client.release("open");
      assert.equal((await async_.closing()).code, 1011);
      await client.logged("close", 2);
      const log = (await client.log()).map(({ event, data }) => [event, ...data]);
      assert.deepEqual(log, [
        ["error", "open", "sync"],
        ["close", 1011],
        ["error", "open", "async"],
        ["close", 1011],
      ]);
    },
  },
  {
    id: "E2.console",
    fact:
      "without an error hook, a failed hook causes one console.error call and a close with 1011",
    server: () => ({
      hooks: {
        message() {
          throw new Error("c3d9 message failed");
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.send("x");
      assert.equal((await socket.closed).code, 1011);
      const said = await client.consoleErrors("c3d9", 80);
      assert.equal(said.length, 1);
      assert.match(said[0]!, /message hook failed.*c3d9 message failed/);
    },
  },
  {
    id: "E2.error-fails",
    fact: "a failed error hook causes one console.error call",
    server: () => ({
      hooks: {
        message() {
          throw new Error("first");
        },
        async error() {
          await Promise.resolve();
          throw new Error("b8e2 second");
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.send("x");
      const said = await client.consoleErrors("b8e2", 80);
      assert.equal(said.length, 1);
      assert.match(said[0]!, /error hook itself failed/);
    },
  },
  {
    id: "E2.drain",
    fillsMemory: true,
    fact: "the error hook receives the failure of a drain hook",
    server: (server) => ({
      limits: { highWaterMark: 0 },
      hooks: {
        message(peer) {
          for (let i = 0; i < 15; i++) peer.send(new Uint8Array(1024 * 1024));
          server.log("filled");
        },
        drain() {
          throw new Error("drain fails");
        },
        error: (_, error) => server.log("error", error.hook, error.message),
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.socket.pause();
      socket.send("x");
      await client.logged("filled");
      socket.socket.resume();
      assert.deepEqual((await client.logged("error"))[0]!.data, ["drain", "drain fails"]);
    },
  },
  ...([
    [
      "X6.open-never-done",
      "invalid text starts the error hook before the close hook, even if open never settles",
      frame(TEXT, Uint8Array.of(0xff)),
      "ERR_PEER_INVALID_DATA",
      1007,
    ],
    [
      "X6.open-too-large",
      "a message over maxPayload starts the error hook before the close hook, even if open never settles",
      frame(TEXT, "x".repeat(1001)),
      "ERR_PEER_TOO_LARGE",
      1009,
    ],
  ] as const).map(([id, fact, bytes, code, closeCode]): Case => ({
    id,
    fact,
    server: (server) => ({
      limits: { closeTimeout: 100, maxPayload: 1000 },
      hooks: {
        async open() {
          await server.wait("open");
        },
        error: (_, error) => server.log("error", (error as { code?: string }).code),
        close: (_, { code }) => server.log("close", code),
      },
    }),
    async run(client) {
      const raw = await client.upgraded();
      raw.write(bytes);
      assert.deepEqual((await client.logged("close"))[0]!.data, [closeCode]);
      assert.deepEqual((await client.logged("error"))[0]!.data, [code]);
      assert.deepEqual(await client.events(), ["error", "close"]);
      await client.release("open");
    },
  })),
  {
    id: "E3.codes",
    fact:
      "the library's errors have a stable code, and a thrown value that is no Error becomes the cause",
    server: (server) => ({
      hooks: {
        message(_, message) {
          if (message.text() === "string") throw "just a string";
          if (message.text() === "frozen") throw Object.freeze(new Error("frozen"));
          throw undefined;
        },
        error(_, error) {
          const { name, code, hook, cause, message } = error as Error & {
            code: string;
            hook: string;
          };
          server.log(
            "error",
            name,
            code,
            hook,
            cause instanceof Error ? cause.message : cause,
            message,
          );
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      for (const what of ["string", "frozen", "undefined"]) socket.send(what);
      const seen = (await client.logged("error", 3)).map(({ data }) => data);
      const wrapped = "The message hook threw a value that is not an Error";
      assert.deepEqual(seen, [
        ["PeerError", "ERR_PEER_HOOK", "message", "just a string", wrapped],
        ["PeerError", "ERR_PEER_HOOK", "message", "frozen", "frozen"],
        ["PeerError", "ERR_PEER_HOOK", "message", null, wrapped],
      ]);
    },
  },
];

function fails(): never {
  throw new Error("onError throws");
}

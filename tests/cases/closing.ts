import assert from "node:assert/strict";
import { CLOSE, closePayload, frame, PING, TEXT } from "../harness/clients/raw_client.ts";
import { sleep } from "../harness/clients/case_client.ts";
import type { Case, CaseServer } from "../fixtures/case.ts";

const logClose = (server: CaseServer) => ({
  hooks: {
    error: (_: unknown, error: Error & { code?: string; hook?: string }) =>
      server.log("error", error.code, error.hook),
    close: (_: unknown, info: unknown) => server.log("close", info),
  },
});

/** Runs the command that the client names in a message, and logs the details of the close. */
const obey =
  (act: Record<string, (peer: import("../../peer.ts").Peer) => void>) => (server: CaseServer) => ({
    hooks: {
      message: (peer: import("../../peer.ts").Peer, message: { text(): string }) =>
        act[message.text()]?.(peer),
      close: (_: unknown, info: unknown) => server.log("close", info),
    },
  });

/** X1–X6: every way in which a connection ends. */
export const closing: readonly Case[] = [
  {
    id: "X1.default",
    fact: "close() sends 1000 by default",
    server: obey({ go: (peer) => peer.close() }),
    async run(client) {
      const raw = await client.upgraded();
      raw.write(frame(TEXT, "go"));
      const { opcode, payload } = await raw.frame();
      assert.equal(opcode, CLOSE);
      assert.deepEqual([...payload], [0x03, 0xe8]);
      raw.write(frame(CLOSE, payload));
      assert.deepEqual((await client.logged("close"))[0]!.data, [{
        code: 1000,
        reason: "",
        wasClean: true,
      }]);
    },
  },
  {
    id: "X1.codes",
    fact:
      "close() with an illegal code or a reason over 123 bytes throws a RangeError and sends nothing",
    server: (server) => ({
      hooks: {
        open(peer) {
          const bad = [
            NaN,
            0,
            999,
            1004,
            1005,
            1006,
            1015,
            1016,
            2999,
            5000,
            65536,
            66536,
            1000.5,
            -1,
            Infinity,
          ];
          const tries: [number, string?][] = [
            ...bad.map((code): [number] => [code]),
            [1000, "x".repeat(124)],
            [1000, "é".repeat(62)],
          ];
          for (const args of tries) {
            try {
              peer.close(...args);
              server.log("accepted", String(args[0]));
            } catch (error) {
              server.log("error", (error as Error).name, (error as Error).message);
            }
          }
          server.log("state", peer.websocket.readyState);
          peer.send("still here");
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      assert.equal(await socket.text(), "still here");
      const errors = await client.logged("error", 17);
      assert.ok(errors.every(({ data }) => data[0] === "RangeError"));
      assert.equal(
        errors[2]!.data[1],
        "Cannot close the peer as the code must be 1000-1003, 1007-1014 or 3000-4999: current value is 999",
      );
      assert.match(errors[16]!.data[1], /at most 123 bytes of UTF-8: current length is 124/);
      assert.ok(!(await client.events()).includes("accepted"));
      assert.deepEqual((await client.logged("state"))[0]!.data, [1]);
    },
  },
  {
    id: "X1.arguments",
    fact:
      "close(), closeAll() and publish() with an argument of the wrong type throw before any state changes",
    server: (server) => ({
      hooks: {
        open(peer) {
          const { ws } = server;
          const wrong = (value: unknown) => value as never;
          const tries: (() => unknown)[] = [
            () => peer.close(1000, wrong(42)),
            () => peer.close(1000, wrong(new Error("x"))),
            () => peer.close(1000, wrong(null)),
            () => peer.websocket.close(1000, wrong(42)),
            () => ws.closeAll(1000, wrong(42)),
            () => ws.close(1001, wrong(42)),
            () => ws.close({ reason: wrong(42) }),
            () => ws.close({ reason: wrong(new Error("x")) }),
            () => ws.close(wrong({ because: "x" })),
            () => ws.close(wrong("SIGTERM")),
            () => ws.close(wrong(null)),
            () => ws.close({ timeout: wrong("5") }),
            () => ws.publish("t", "x", { namespace: wrong(42) }),
            () => peer.close(wrong("1000")),
            () => ws.closeAll(wrong({ code: 1001 })),
            () => ws.close({ code: wrong("1001") }),
          ];
          for (const attempt of tries) {
            try {
              attempt();
              server.log("accepted", `${attempt}`);
            } catch (error) {
              server.log("error", (error as Error).name);
            }
          }
          server.log("state", peer.websocket.readyState);
          peer.send("still here");
        },
        message: () => void server.ws.close(undefined, "bye"),
      },
    }),
    async run(client) {
      const socket = await client.connect();
      assert.equal(await socket.text(), "still here");
      const errors = (await client.logged("error", 16)).map(({ data }) => data[0]);
      assert.deepEqual(errors, [...Array(13).fill("TypeError"), ...Array(3).fill("RangeError")]);
      assert.deepEqual((await client.logged("state"))[0]!.data, [1]);
      socket.send("go");
      assert.deepEqual(await socket.closed, { code: 1001, reason: "bye" });
    },
  },
  {
    id: "X1.legal",
    fact: "each legal kind of code and a reason of 123 bytes reach the client",
    server: (server) => ({
      hooks: {
        message(peer, message) {
          peer.close(Number(message.text()), "é".repeat(61) + "x");
        },
        close: (_, { code }) => server.log("close", code),
      },
    }),
    async run(client) {
      for (const code of [1000, 1001, 1003, 1007, 1011, 1013, 1014, 3000, 3999, 4000, 4999]) {
        const raw = await client.upgraded();
        raw.write(frame(TEXT, String(code)));
        const { payload } = await raw.frame();
        assert.equal(payload.readUInt16BE(0), code);
        assert.equal(payload.subarray(2).toString(), "é".repeat(61) + "x");
        raw.fin();
      }
    },
  },
  {
    id: "X2.first-wins",
    fact: "the first close() wins, and later calls do nothing",
    server: obey({
      go(peer) {
        peer.close(4001, "first");
        peer.close(4002, "second");
        peer.close();
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.send("go");
      assert.deepEqual(await socket.closed, { code: 4001, reason: "first" });
      assert.deepEqual((await client.logged("close"))[0]!.data, [{
        code: 4001,
        reason: "first",
        wasClean: true,
      }]);
      assert.equal((await client.events(50)).length, 1);
    },
  },
  {
    id: "X2.no-hook-inside",
    fact: "no hook runs inside close(), terminate() or send()",
    server: (server) => ({
      limits: { maxBuffered: 1000 },
      hooks: {
        message(peer, message) {
          server.log("before");
          if (message.text() === "close") peer.close();
          if (message.text() === "terminate") peer.terminate();
          if (message.text() === "send") peer.send("x".repeat(2000));
          server.log("after");
        },
        close: () => server.log("close"),
      },
    }),
    async run(client) {
      for (const word of ["close", "terminate", "send"]) {
        const socket = await client.connect();
        socket.send(word);
        await socket.closed;
      }
      await client.logged("close", 3);
      const one = ["before", "after", "close"];
      assert.deepEqual(await client.events(), [...one, ...one, ...one]);
    },
  },
  {
    id: "X2.silent-after",
    fact: "after close() the client's frames start no hook, and the server sends nothing more",
    server: (server) => ({
      hooks: {
        message(peer, message) {
          server.log("message", message.text());
          peer.close(4000);
          peer.send("late");
          peer.publish("t", "late", { echo: true });
        },
      },
    }),
    async run(client) {
      const raw = await client.upgraded();
      raw.write(frame(TEXT, "1"));
      assert.equal((await raw.frame()).opcode, CLOSE);
      raw.write(frame(TEXT, "2"));
      raw.write(frame(CLOSE, closePayload(4000)));
      await raw.ended();
      assert.equal(raw.pending, 0);
      assert.deepEqual(await client.events(), ["message"]);
    },
  },
  {
    id: "X3.client-code",
    fact:
      "the close hook receives the client's code and reason, or 1005 if the client sent no code",
    server: logClose,
    async run(client) {
      const table: [Buffer_, object][] = [
        [closePayload(1000, "bye"), { code: 1000, reason: "bye", wasClean: true }],
        [closePayload(4999, "é"), { code: 4999, reason: "é", wasClean: true }],
        [closePayload(1001), { code: 1001, reason: "", wasClean: true }],
        ["", { code: 1005, reason: "", wasClean: true }],
      ];
      for (const [index, [payload, expected]] of table.entries()) {
        const raw = await client.upgraded();
        raw.write(frame(CLOSE, payload));
        const answer = await raw.frame();
        assert.equal(answer.opcode, CLOSE);
        await raw.ended();
        raw.fin();
        const closes = await client.logged("close", index + 1);
        assert.deepEqual(closes.at(-1)!.data, [expected]);
      }
    },
  },
  {
    id: "X3.client-code-3000",
    fact: "the close hook receives a client's code in the range of libraries, 3000 to 3999",
    server: logClose,
    async run(client) {
      for (const [index, code] of [3000, 3999].entries()) {
        const raw = await client.upgraded();
        raw.write(frame(CLOSE, closePayload(code, "lib")));
        const closes = await client.logged("close", index + 1);
        assert.deepEqual(closes.at(-1)!.data, [{ code, reason: "lib", wasClean: true }]);
      }
    },
  },
  ...(["fin", "rst"] as const).map((way): Case => ({
    id: `X3.dropped-${way}`,
    fact:
      `a connection that drops by ${way.toUpperCase()} gives the close hook 1006, and calls no error hook`,
    server: logClose,
    async run(client) {
      const raw = await client.upgraded();
      raw.write(frame(TEXT, "x"));
      await sleep(20);
      raw[way]();
      assert.deepEqual((await client.logged("close"))[0]!.data, [{
        code: 1006,
        reason: "",
        wasClean: false,
      }]);
      assert.deepEqual(await client.events(50), ["close"]);
    },
  })),
  {
    id: "X3.own",
    fact:
      "if the client answers the server's close, the close hook gets the server's code and wasClean true",
    server: obey({ go: (peer) => peer.close(4001, "mine") }),
    async run(client) {
      const raw = await client.upgraded();
      raw.write(frame(TEXT, "go"));
      raw.write(frame(CLOSE, (await raw.frame()).payload));
      const [{ data } = { data: [] }] = await client.logged("close");
      assert.deepEqual(data, [{ code: 4001, reason: "mine", wasClean: true }]);
    },
  },
  {
    id: "X3.own-unanswered",
    fact: "if the client never answers the server's close, the close hook gets wasClean false",
    server: obey({ go: (peer) => peer.close(4001, "mine") }),
    async run(client) {
      const raw = await client.upgraded();
      raw.write(frame(TEXT, "go"));
      await raw.frame();
      raw.fin();
      const [{ data } = { data: [] }] = await client.logged("close");
      assert.deepEqual(data, [{ code: 4001, reason: "mine", wasClean: false }]);
    },
  },
  {
    id: "X4.hook",
    fact:
      "terminate() calls the close hook at once with 1006, and removes the peer from its topics",
    server: (server) => ({
      hooks: {
        open: (peer) => peer.subscribe("t"),
        message(peer) {
          peer.terminate();
          server.log(
            "terminated",
            peer.send("x"),
            peer.topics.size,
            peer.peers.size,
            peer.bufferedAmount,
          );
          peer.terminate();
          peer.close(4000);
          queueMicrotask(() => queueMicrotask(() => server.log("two microtasks later")));
        },
        close: (peer, info) => server.log("close", info, peer.websocket.readyState),
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.send("go");
      await client.logged("two microtasks later");
      const log = (await client.log()).map(({ event, data }) => [event, ...data]);
      assert.deepEqual(log, [
        ["terminated", -1, 0, 0, 0],
        ["close", { code: 1006, reason: "", wasClean: false }, 3],
        ["two microtasks later"],
      ]);
    },
  },
  {
    id: "X4.backlog",
    fact: "terminate() drops the messages that wait for their hooks, and counts them",
    server: (server) => ({
      limits: { concurrency: 1 },
      hooks: {
        async open() {
          await server.wait("open");
        },
        message(peer, message) {
          server.log("message", message.text());
          peer.terminate();
        },
        close: () => server.log("close"),
      },
    }),
    async run(client) {
      const socket = await client.connect();
      for (const text of ["1", "2", "3"]) socket.send(text);
      await client.statsUntil(({ messagesIn }) => messagesIn === 3);
      await client.release("open");
      await client.logged("close");
      assert.deepEqual(await client.events(30), ["message", "close"]);
      assert.equal((await client.stats()).drops, 2);
    },
  },
  {
    id: "X4.nothing-more",
    fact: "after terminate() the client receives no further message, and the connection ends",
    server: obey({
      go(peer) {
        peer.terminate();
        peer.send("late");
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.send("go");
      await socket.closed;
      assert.deepEqual(socket.queued, []);
    },
  },
  {
    id: "X4.wire",
    fact: "terminate() drops the connection, and the client sees 1006",
    server: obey({ go: (peer) => peer.terminate() }),
    async run(client) {
      const socket = await client.connect();
      socket.send("go");
      assert.equal((await socket.closed).code, 1006);
    },
  },
  {
    id: "X5.hook",
    fact: "if the client never answers a close, the close hook runs after closeTimeout",
    server: (server) => ({
      limits: { closeTimeout: 150 },
      hooks: {
        open: (peer) => peer.subscribe("t"),
        message: (peer) => peer.close(4001),
        close: (peer, info) => server.log("close", info, peer.peers.size),
      },
    }),
    async run(client) {
      const raw = await client.upgraded();
      raw.write(frame(TEXT, "go"));
      await raw.frame();
      const [{ data } = { data: [] }] = await client.logged("close", 1, 1000);
      assert.deepEqual([data[0].code, data[1]], [4001, 0]);
    },
  },
  {
    id: "X5.cut",
    fact: "if the client never answers a close, the server cuts the connection after closeTimeout",
    server: (server) => ({
      limits: { closeTimeout: 150 },
      ...obey({ go: (peer) => peer.close() })(server),
    }),
    async run(client) {
      const raw = await client.upgraded();
      raw.write(frame(TEXT, "go"));
      await raw.frame();
      await raw.ended(1000);
    },
  },
  ...([
    ["reserved bits", frame(TEXT, "x", { rsv: 7 }), "ERR_PEER_PROTOCOL", 1002],
    ["an unknown opcode", frame(3, "x"), "ERR_PEER_PROTOCOL", 1002],
    ["a fragmented ping", frame(9, "x", { fin: false }), "ERR_PEER_PROTOCOL", 1002],
    ["a stray continuation", frame(0, "x"), "ERR_PEER_PROTOCOL", 1002],
    ["a close code below 1000", frame(CLOSE, closePayload(999)), "ERR_PEER_PROTOCOL", 1002],
    ["a long ping", frame(PING, "x".repeat(126)), "ERR_PEER_PROTOCOL", 1002],
    ["text that is not UTF-8", frame(TEXT, new Uint8Array([0xff])), "ERR_PEER_INVALID_DATA", 1007],
    ["a message over maxPayload", frame(TEXT, "x".repeat(2000)), "ERR_PEER_TOO_LARGE", 1009],
  ] as const).map(([what, bytes, code, closeCode]): Case => ({
    // An id is stable, so the words of one row have changed without its id.
    id: `X6.${what.replace("below 1000", "of nobody").replaceAll(" ", "-")}`,
    fact: `after ${what}, error runs once with ${code}, then close with ${closeCode}, not clean`,
    server: (server) => ({ limits: { maxPayload: 1000 }, ...logClose(server) }),
    async run(client) {
      const raw = await client.upgraded();
      raw.write(bytes);
      raw.write(frame(TEXT, "after"));
      await client.logged("error");
      raw.fin();
      const [{ data } = { data: [] }] = await client.logged("close");
      assert.deepEqual(data, [{ code: closeCode, reason: "", wasClean: false }]);
      const log = (await client.log(30)).map(({ event, data }) => [event, data[0]]);
      assert.deepEqual(log, [["error", code], ["close", data[0]]]);
    },
  })),
  {
    id: "X6.at-once",
    fact: "after a protocol error the peer is gone at once, even if the client stays connected",
    server: (server) => ({
      limits: { closeTimeout: 5000 },
      hooks: { close: () => server.log("close") },
    }),
    async run(client) {
      const raw = await client.upgraded();
      raw.write(frame(TEXT, "x", { rsv: 4 }));
      await client.logged("close");
      assert.equal((await client.stats()).peers, 0);
    },
  },
  ...([
    [
      "X6.wire",
      "for a protocol error, the close frame carries 1002",
      frame(TEXT, "x", { rsv: 7 }),
      1002,
    ],
    [
      "X6.wire-text",
      "for text that is not UTF-8, the close frame carries 1007",
      frame(TEXT, Uint8Array.of(0xff)),
      1007,
    ],
  ] as const).map(([id, fact, bytes, code]): Case => ({
    id,
    fact,
    async run(client) {
      const raw = await client.upgraded();
      raw.write(bytes);
      const { opcode, payload } = await raw.frame();
      assert.deepEqual([opcode, payload.readUInt16BE(0)], [CLOSE, code]);
    },
  })),
  {
    id: "X6.wire-inflated",
    fact: "for a message that does not inflate, the close frame and the close hook carry 1007",
    server: (server) => ({ perMessageDeflate: true, ...logClose(server) }),
    async run(client) {
      const raw = await client.upgraded({
        headers: { "Sec-WebSocket-Extensions": "permessage-deflate; client_no_context_takeover" },
      });
      raw.write(frame(TEXT, new Uint8Array([0xff, 0xfe, 1, 3, 4]), { rsv: 4 }));
      const { opcode, payload } = await raw.frame();
      assert.deepEqual([opcode, payload.readUInt16BE(0)], [CLOSE, 1007]);
      assert.equal((await client.logged("close"))[0]!.data[0].code, 1007);
    },
  },
  {
    id: "X6.wire-size",
    fact: "for a message over maxPayload, the close frame carries 1009",
    server: () => ({ limits: { maxPayload: 1000 } }),
    async run(client) {
      const raw = await client.upgraded();
      raw.write(frame(TEXT, "x".repeat(1001)));
      const { opcode, payload } = await raw.frame();
      assert.deepEqual([opcode, payload.readUInt16BE(0)], [CLOSE, 1009]);
    },
  },
];

type Buffer_ = string | Uint8Array;

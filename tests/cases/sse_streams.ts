import assert from "node:assert/strict";
import type { EventStreamSocket } from "../harness/clients/event_stream_socket.ts";
import { numbered, numbersIn, until, upTo } from "../harness/clients/numbered_messages.ts";
import { sleep } from "../harness/clients/case_client.ts";
import type { Case, CaseServer } from "../fixtures/case.ts";

const MIB = 1024 * 1024;
const LONG = { grace: 10_000 };

/** Sends each message back, and logs the hooks. */
const echo = (server: CaseServer) => ({
  hooks: {
    open: () => server.log("open"),
    message(peer: { send(data: unknown): unknown }, message: { text(): string }) {
      server.log("message", message.text().slice(0, 20));
      peer.send(message);
    },
    close: (_: unknown, { code, wasClean }: { code: number; wasClean: boolean }) =>
      server.log("close", code, wasClean),
  },
});

/** SSE1, SSE2: the content of an event stream, and its recovery. */
export const sseStreams: readonly Case[] = [
  {
    id: "SSE1.text",
    fact: "text is kept exactly in both directions, with every kind of line end",
    server: echo,
    async run(client) {
      const socket = await client.connect();
      const texts = [
        "",
        "\n",
        "\r",
        "\r\n",
        "a\nb\r\nc\rd",
        "\n\n",
        " x",
        ":x",
        "data: y",
        "\ufeffz",
      ];
      texts.push(
        "id: 1\nevent: close\ndata: {}\n\n",
        "\0",
        "\u2028\u2029\x85",
        "ä€🙂",
        "x".repeat(MIB),
      );
      for (const text of texts) {
        socket.send(text);
        assert.equal(await socket.text(), text);
      }
    },
  },
  {
    id: "SSE1.binary",
    fact: "bytes are kept exactly in both directions, from an empty message to 1 MiB",
    server: echo,
    async run(client) {
      const socket = await client.connect();
      const all = Uint8Array.from({ length: 256 }, (_, i) => i);
      const large = Uint8Array.from({ length: MIB }, (_, i) => i * 7);
      for (const bytes of [all, new Uint8Array(), all.subarray(3, 5), large]) {
        socket.send(bytes);
        assert.deepEqual(await socket.bytes(), bytes);
      }
    },
  },
  {
    id: "SSE1.format",
    fact: "a plain EventSource can read text: one data field per line, and an id to resume with",
    server: () => ({
      hooks: {
        open(peer) {
          for (const data of ["plain", "two\nlines", "", "a\rb", new Uint8Array([1])]) {
            peer.send(data);
          }
        },
      },
    }),
    async run(client) {
      const stream = await client.eventStream();
      const events = [];
      for (let i = 0; i < 6; i++) events.push(await stream.next());
      const { token } = stream;
      assert.match(token, /^[\w-]{22,}$/);
      assert.deepEqual(events.map((it) => it?.id), upTo(6).map((i) => `${token}.${i}`));
      assert.deepEqual(events.slice(1).map((it) => [it?.event, it?.data]), [
        ["message", "plain"],
        ["message", "two\nlines"],
        ["message", ""],
        ["json", '"a\\rb"'],
        ["binary", "AQ=="],
      ]);
    },
  },
  {
    id: "SSE1.order",
    fact: "messages keep their order in both directions",
    server: echo,
    async run(client) {
      const socket = await client.connect();
      for (let i = 0; i < 100; i++) socket.send(numbered(i, 100));
      await until(socket, 100);
      assert.deepEqual(numbersIn(socket), upTo(100));
    },
  },
  {
    id: "SSE1.headers",
    fact: "the response forbids storing and buffering, and has the headers and protocol of upgrade",
    server: () => ({
      hooks: {
        upgrade: () => ({
          protocol: "two",
          headers: [["set-cookie", "a=1"], ["set-cookie", "b=2"], ["x-mine", "yes"]],
        }),
      },
    }),
    async run(client) {
      const { response: { headers }, next } = await client.eventStream({
        "onepeer-protocols": "one, two",
      }).then((it) => ({ response: it.response, next: () => it.next() }));
      const named = ["content-type", "cache-control", "x-accel-buffering", "x-mine"];
      assert.deepEqual(named.map((name) => headers.get(name)), [
        "text/event-stream; charset=utf-8",
        "no-store, no-transform",
        "no",
        "yes",
      ]);
      assert.deepEqual(headers.getSetCookie(), ["a=1", "b=2"]);
      const { event, data } = (await next())!;
      assert.equal(event, "start");
      assert.equal(JSON.parse(data).protocol, "two");
    },
  },
  {
    id: "SSE1.accept",
    fact:
      "a client that does not accept events gets 406, another method gets 405, and no hook runs",
    server: echo,
    async run(client) {
      for (const accept of ["*/*", "text/html", "text/event-streams"]) {
        assert.equal((await client.eventStream({ accept })).response.status, 406);
      }
      const url = `http://127.0.0.1:${client.port}${client.path()}`;
      const put = await fetch(url, { method: "PUT", body: "x" });
      await put.body?.cancel();
      assert.deepEqual([put.status, put.headers.get("allow")], [405, "GET, POST, DELETE, OPTIONS"]);
      assert.deepEqual(await client.events(), []);
    },
  },
  {
    id: "SSE1.heartbeat",
    fact: "an idle connection gets comments, and one timer serves all clients",
    server: (server) => ({ ...echo(server), sse: { heartbeat: 40 } }),
    async run(client) {
      const streams = await Promise.all(upTo(5).map(() => client.eventStream()));
      await Promise.all(streams.map((it) => it.next()));
      assert.equal((await client.stats()).timers, 1);
      await sleep(200);
      const posted = await streams[0]!.post("x");
      assert.equal(posted.status, 204);
      assert.equal((await streams[0]!.next())?.data, "x");
      assert.ok(streams[0]!.comments >= 2, `${streams[0]!.comments} comments`);
    },
  },
  {
    id: "SSE1.poll",
    fact: "a poll ends after the messages sent so far, and the next poll continues there",
    server: (server) => ({ ...echo(server), sse: { grace: 2000 } }),
    async run(client) {
      const poll = { "onepeer-delivery": "poll" };
      const first = await client.eventStream(poll);
      assert.equal((await first.next())?.event, "start");
      assert.equal(await first.next(), undefined);
      for (const text of ["a", "b"]) assert.equal((await first.post(text)).status, 204);
      const second = await first.resume(0, poll);
      assert.equal((await second.next())?.event, "resume");
      assert.deepEqual(await second.data(3), ["a", "b", "(the end)"]);
      const third = await first.resume(2, poll);
      assert.equal((await third.next())?.event, "resume");
      await first.post("c");
      assert.deepEqual(await third.data(2), ["c", "(the end)"]);
      assert.deepEqual(await client.events(), ["open", "message", "message", "message"]);
    },
  },
  {
    id: "SSE2.resume",
    fact: "a client that reconnects is the same peer and receives the missed messages once",
    server: (server) => ({
      ...echo(server),
      sse: LONG,
      commands: {
        publish: (text) =>
          [...server.ws.peers.values()].flatMap((it) => [...it]).map((it) => it.send(text)),
      },
    }),
    async run(client) {
      const stream = await client.eventStream();
      for (const text of ["1", "2"]) await stream.post(text);
      await stream.data(3);
      stream.drop();
      await sleep(30);
      for (const text of ["3", "4"]) await client.command("publish", text);
      const again = await stream.resume(2);
      const { event, data, id } = (await again.next())!;
      assert.deepEqual([event, JSON.parse(data), id], [
        "resume",
        { received: 2 },
        `${stream.token}.2`,
      ]);
      assert.deepEqual(await again.data(2), ["3", "4"]);
      await stream.post("5");
      assert.deepEqual(await again.data(1), ["5"]);
      const older = await stream.resume(3);
      assert.equal((await older.next())?.event, "resume");
      assert.deepEqual(await older.data(2), ["4", "5"]);
      assert.equal(await again.next(), undefined, "the newer connection replaces the older");
      assert.deepEqual(await client.events(), ["open", "message", "message", "message"]);
    },
  },
  {
    id: "SSE2.grace",
    fact:
      "after the grace period the peer is gone, and a client that reconnects learns that recovery failed",
    server: (server) => ({ ...echo(server), sse: { grace: 50 } }),
    async run(client) {
      const stream = await client.eventStream();
      await stream.next();
      stream.drop();
      assert.deepEqual((await client.logged("close"))[0]!.data, [1006, false]);
      const again = await stream.resume(0);
      assert.equal(again.response.status, 200);
      assert.equal(again.token, "");
      const { event, data } = (await again.next())!;
      assert.equal(event, "close");
      assert.equal(JSON.parse(data).code, 1006);
      assert.match(JSON.parse(data).reason, /recover/);
      assert.equal(await again.next(), undefined);
      assert.equal((await stream.post("x")).status, 403);
    },
  },
  {
    id: "SSE2.back",
    fact: "a client that reconnects within the grace period stays connected after it",
    server: (server) => ({ ...echo(server), sse: { grace: 150 } }),
    async run(client) {
      const stream = await client.eventStream();
      await stream.next();
      stream.drop();
      await sleep(20);
      const again = await stream.resume(0);
      await again.next();
      await sleep(300);
      assert.equal((await stream.post("here")).status, 204);
      assert.deepEqual(await again.data(1), ["here"]);
    },
  },
  {
    id: "SSE2.no-grace",
    fact: "without a grace period the peer is gone when its connection ends, and no sooner",
    server: (server) => ({ ...echo(server), sse: { grace: 0 } }),
    async run(client) {
      const stream = await client.eventStream();
      await stream.next();
      assert.equal((await stream.post("here")).status, 204);
      assert.deepEqual(await stream.data(1), ["here"]);
      stream.drop();
      assert.deepEqual((await client.logged("close"))[0]!.data, [1006, false]);
    },
  },
  {
    id: "SSE2.ring",
    fact: "the server keeps `replay` bytes of sent messages; a client that missed more is gone",
    server: (server) => ({ ...echo(server), sse: { ...LONG, replay: 3000 } }),
    async run(client) {
      const stream = await client.eventStream();
      for (let i = 1; i <= 10; i++) await stream.post(numbered(i, 800));
      await stream.data(11);
      const kept = await stream.resume(8);
      assert.equal((await kept.next())?.event, "resume");
      assert.deepEqual((await kept.data(2)).map((it) => parseInt(it)), [9, 10]);
      const lost = await stream.resume(3);
      assert.equal((await lost.next())?.event, "close");
      assert.deepEqual((await client.logged("close"))[0]!.data, [1006, false]);
      assert.equal(await kept.next(), undefined);
    },
  },
  {
    id: "SSE2.future",
    fact: "a client that claims a message the server never sent is not recovered",
    server: (server) => ({ ...echo(server), sse: LONG }),
    async run(client) {
      for (const sequence of [7, "x", "-2", "", "1e3"]) {
        const stream = await client.eventStream();
        await stream.next();
        const again = await stream.resume(sequence);
        assert.equal((await again.next())?.event, "close", `${sequence}`);
        stream.terminate();
      }
    },
  },
  {
    id: "SSE2.start",
    fact:
      "a client that knows its session only by the header resumes at -1 and receives every message",
    server: (server) => ({ ...echo(server), sse: LONG }),
    async run(client) {
      const stream = await client.eventStream();
      await stream.post("1");
      await stream.data(2);
      const again = await stream.resume(-1);
      assert.equal((await again.next())?.event, "start");
      assert.deepEqual(await again.data(1), ["1"]);
    },
  },
  {
    id: "SSE2.client",
    fact:
      "a client whose connection drops repeatedly receives every message in order, exactly once",
    server: (server) => ({ ...echo(server), sse: LONG }),
    async run(client) {
      const socket = await client.connect();
      const eventStream = socket.socket as unknown as EventStreamSocket;
      for (let i = 0; i < 60; i++) {
        socket.send(numbered(i, 50));
        if (i % 20 === 10) {
          await sleep(10);
          eventStream.drop();
        }
      }
      await until(socket, 60);
      assert.deepEqual(numbersIn(socket), upTo(60));
      assert.equal((await client.logged("open")).length, 1);
      socket.close();
      await socket.closed;
    },
  },
  {
    id: "SSE2.escaped",
    fact: "line ends and control characters count with all bytes of their event, queued and kept",
    server: (server) => ({
      ...echo(server),
      limits: { maxBuffered: 16 * MIB },
      sse: { ...LONG, replay: MIB },
      commands: {
        fill() {
          const [peer] = [...server.ws.peers.values()].flatMap((it) => [...it]);
          return ["\n", "\r\0"].map((text) => {
            const before = peer!.bufferedAmount;
            peer!.send(text.repeat(200_000));
            return peer!.bufferedAmount - before;
          });
        },
      },
    }),
    async run(client) {
      const stream = await client.eventStream();
      await stream.next();
      const [lines, controls] = await client.command<number[]>("fill");
      assert.ok(lines! >= 1_400_000 && lines! < 1_500_000, `${lines}`);
      assert.ok(controls! >= 1_600_000 && controls! < 1_700_000, `${controls}`);
      for (let i = 0; i < 2; i++) await stream.next();
      const lost = await stream.resume(0);
      assert.equal((await lost.next())?.event, "close", "the ring keeps `replay` bytes of events");
    },
  },
  {
    id: "SSE2.bounded",
    fact: "maxBuffered bounds the messages that wait for a client that is away",
    server: (server) => ({
      ...echo(server),
      limits: { maxBuffered: MIB },
      sse: { grace: 1500 },
      commands: {
        fill() {
          const [peer] = [...server.ws.peers.values()].flatMap((it) => [...it]);
          for (let i = 0; i < 40; i++) peer!.send(new Uint8Array(64 * 1024));
          return peer!.bufferedAmount;
        },
      },
    }),
    async run(client) {
      const stream = await client.eventStream();
      await stream.next();
      stream.drop();
      await sleep(150);
      assert.ok(await client.command<number>("fill") <= MIB);
      assert.deepEqual((await client.logged("close", 1, 5000))[0]!.data, [1013, false]);
    },
  },
  {
    id: "SSE4.unread",
    fillsMemory: true,
    fact:
      "adapter.close() ends within `timeout` and a second, though clients never read their streams",
    server: (server) => ({
      hooks: {
        open(peer) {
          if (peer.request.url.endsWith("?flood")) {
            for (let i = 0; i < 10; i++) peer.send("x".repeat(MIB));
          }
          server.log("open");
        },
        close: (_, { code }) => server.log("close", code),
      },
      sse: LONG,
      commands: {
        async end() {
          const started = Date.now();
          await server.ws.close({ timeout: 300 });
          return Date.now() - started;
        },
      },
    }),
    async run(client) {
      const head = "HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n";
      for (const query of ["?flood", "?silent"]) {
        const raw = await client.tcp();
        raw.pause();
        raw.write(`GET ${client.path(query)} ${head}`);
      }
      await client.logged("open", 2);
      const ms = await client.command<number>("end");
      assert.ok(ms < 1300, `close() took ${ms} ms`);
      const codes = (await client.logged("close", 2)).map(({ data }) => data[0]);
      assert.deepEqual(codes, [1006, 1006], "terminated, see X4");
      assert.equal((await client.stats()).peers, 0);
    },
  },
];

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { sleep } from "../harness/clients/case_client.ts";
import type { Case } from "../fixtures/case.ts";

/** C4, C6, C8: delivery of refusals, also to clients that misbehave. */
export const refusals: readonly Case[] = [
  {
    id: "C4.late-reader",
    fact:
      "a refused client that sends much data for more than a second, and reads then, receives the response",
    async run(client) {
      const raw = await client.tcp();
      raw.pause();
      raw.handshake({ target: client.path(), headers: { "Sec-WebSocket-Key": "bad" } });
      for (let i = 0; i < 16; i++) {
        raw.write(new Uint8Array(64 * 1024));
        await sleep(1);
      }
      // A busy server answers late. Most of these bytes come after its response.
      for (const until = Date.now() + 1_500; Date.now() < until; await sleep(10)) raw.write("late");
      raw.resume();
      assert.equal((await raw.head()).status, 400);
    },
  },
  {
    id: "C4.one-answer",
    fact: "the server answers no request behind a refused handshake, and ends the connection",
    server: () => ({
      hooks: {
        upgrade({ url }) {
          if (url.endsWith("?404")) return new Response("no such room", { status: 404 });
          if (url.endsWith("?302")) return Response.redirect("http://localhost/", 302);
          return Promise.resolve().then(() => new Response(null, { status: 403 }));
        },
      },
    }),
    async run(client) {
      const next = Buffer.from(`GET ${client.path()} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      for (
        const [status, version] of [[426, "12"], [404, "13"], [302, "13"], [403, "13"]] as const
      ) {
        const target = client.path(`?${status}`);
        const handshake = { target, headers: { "Sec-WebSocket-Version": version } };
        const later = await client.tcp(), samePacket = await client.tcp();
        later.handshake(handshake);
        const head = await later.head();
        assert.equal(head.status, status);
        const connection = head.headers.find(([name]) => name === "connection");
        assert.match(connection?.[1] ?? "", /^close$/i);
        later.write(next);
        assert.doesNotMatch(await later.body(), /HTTP\/1.1/);
        samePacket.handshake({ ...handshake, behind: next });
        assert.ok((await samePacket.body()).split("HTTP/1.1").length <= 2, "two answers");
      }
    },
  },
  {
    id: "C6.framing",
    fact:
      "the actual body sets the length of a refusal, not the Content-Length or Connection of upgrade",
    server: () => ({
      hooks: {
        upgrade(request) {
          const name = new URL(request.url).searchParams.get("header")!;
          const value = { "content-length": "3", connection: "keep-alive" }[name]!;
          return new Response("hello", { status: 403, headers: { [name]: value } });
        },
      },
    }),
    async run(client) {
      for (const header of ["content-length", "connection"]) {
        const { status, body } = await client.refused(`?header=${header}`);
        assert.deepEqual([status, body], [403, "hello"]);
      }
    },
  },
  {
    id: "C6.half",
    fact: "a refusal whose body fails halfway does not look complete to the client",
    server: (server) => ({
      hooks: {
        upgrade() {
          const body = new ReadableStream({
            async start(controller) {
              controller.enqueue(new TextEncoder().encode("half"));
              await server.wait("fail");
              controller.error(new Error("the body fails"));
            },
          });
          return new Response(body, { status: 403 });
        },
      },
    }),
    async run(client) {
      const raw = await client.raw();
      assert.equal((await raw.head()).status, 403);
      await sleep(50);
      await client.release("fail");
      const body = await raw.body();
      assert.ok(!/0\r\n\r\n$/.test(body), JSON.stringify(body));
    },
  },
  ...(["fin", "rst"] as const).map((way): Case => ({
    id: `C8.refused-${way}`,
    fact:
      `a client that leaves by ${way.toUpperCase()} before its refusal disturbs no other client`,
    server: (server) => ({
      // On a busy machine the default timeout could abort the signal before the client leaves.
      limits: { handshakeTimeout: 300_000 },
      hooks: {
        async upgrade(request) {
          if (request.url.endsWith("?other")) return;
          server.log("upgrade");
          request.signal.addEventListener("abort", () => server.log("left"));
          await server.wait("refuse");
          return new Response("too late", { status: 403 });
        },
      },
    }),
    async run(client) {
      const raw = await client.raw();
      await client.logged("upgrade");
      raw[way]();
      await client.logged("left");
      await client.release("refuse");
      await sleep(50);
      await client.connect("?other");
    },
  })),
];

import assert from "node:assert/strict";
import { type CaseClient, sleep } from "../harness/clients/case_client.ts";
import type { Case, CaseServer } from "../fixtures/case.ts";

const LONG = { grace: 10_000 };

const logging = (server: CaseServer) => ({
  hooks: {
    open: () => server.log("open"),
    message: (_: unknown, message: { uint8Array(): Uint8Array }) =>
      server.log("message", message.uint8Array().length),
    close: (_: unknown, info: { code: number; reason: string; wasClean: boolean }) =>
      server.log("close", info.code, info.reason, info.wasClean),
  },
});

/** Writes one request as raw bytes. Returns the status and the headers of the response. */
async function ask(client: CaseClient, method: string, lines: readonly string[], body = "") {
  const raw = await client.tcp();
  raw.write([`${method} ${client.path()} HTTP/1.1`, ...lines, "", body].join("\r\n"));
  const { status, headers } = await raw.head();
  return { status, headers: new Map(headers.map(([name, value]) => [name.toLowerCase(), value])) };
}

/** Returns a request for a stream as raw bytes, which another request may follow. */
function pipelined(client: CaseClient): string {
  const lines = [`host: 127.0.0.1:${client.port}`, "accept: text/event-stream"];
  return [`GET ${client.path()} HTTP/1.1`, ...lines, "", ""].join("\r\n");
}

async function eachOpenHasClose(client: CaseClient): Promise<void> {
  const events = await client.events();
  const of = (name: string) => events.filter((it) => it === name).length;
  assert.equal(of("close"), of("open"), events.join());
}

/** SSE2–SSE4: requests that are malformed, foreign, or sent at the wrong moment. */
export const sseRequests: readonly Case[] = [
  {
    id: "SSE3.framing",
    fact: "a Content-Length together with chunked encoding admits no message over maxPayload",
    server: (server) => ({ ...logging(server), limits: { maxPayload: 10_000 } }),
    async run(client) {
      const stream = await client.eventStream();
      await stream.next();
      for (const first of ["content-length: 5", "transfer-encoding: chunked"]) {
        const both = ["content-length: 5", "transfer-encoding: chunked"];
        const size = 50_000;
        const body = `${size.toString(16)}\r\n${"x".repeat(size)}\r\n0\r\n\r\n`;
        const status = await ask(client, "POST", [
          `host: 127.0.0.1:${client.port}`,
          `onepeer-session: ${stream.token}`,
          "onepeer-sequence: 1",
          "content-type: text/plain",
          ...first === both[0] ? both : both.reverse(),
        ], body).then(({ status }) => status, () => 0); // some runtimes disconnect at such a request
        assert.notEqual(status, 204, first);
      }
      assert.equal((await stream.post("unharmed")).status, 204);
      assert.deepEqual((await client.logged("message")).map(({ data }) => data), [[8]]);
    },
  },
  {
    id: "SSE3.torn",
    fact: "an incomplete body starts no message hook, with a Content-Length or in chunks",
    server: logging,
    async run(client) {
      const stream = await client.eventStream();
      await stream.next();
      const some = "x".repeat(60_000);
      const bodies = [
        ["content-length: 1000", "torn"],
        ["content-length: 100000", some],
        ["transfer-encoding: chunked", "4\r\ntorn\r\n"],
        ["transfer-encoding: chunked", `ffff\r\n${some}`],
      ];
      for (const [length, body] of bodies) {
        for (const end of ["fin", "rst", "destroy"] as const) {
          const raw = await client.tcp();
          raw.write([
            `POST ${client.path()} HTTP/1.1`,
            `host: 127.0.0.1:${client.port}`,
            `onepeer-session: ${stream.token}`,
            "onepeer-sequence: 1",
            "content-type: text/plain",
            length,
            "",
            body,
          ].join("\r\n"));
          await sleep(30);
          raw[end]();
        }
      }
      await sleep(100);
      assert.deepEqual(await client.events(), ["open"]);
      assert.equal((await stream.post("unharmed")).status, 204);
      assert.deepEqual((await client.logged("message")).map(({ data }) => data), [[8]]);
    },
  },
  {
    id: "SSE3.gzip",
    fact: "the server ignores the Content-Encoding of a body and inflates nothing",
    server: (server) => ({ ...logging(server), limits: { maxPayload: 10_000 } }),
    async run(client) {
      const stream = await client.eventStream();
      await stream.next();
      const zip = await new Response(
        new Blob(["x".repeat(1e6)]).stream().pipeThrough(new CompressionStream("gzip")),
      ).bytes();
      const { status } = await stream.post(zip, { headers: { "content-encoding": "gzip" } });
      const { data } = (await client.logged("message"))[0]!;
      assert.deepEqual([status, data], [204, [zip.length]]);
    },
  },
  {
    id: "SSE3.no-cors",
    fact: "a no-cors request or navigation with cookies gets 403 and opens no session",
    server: logging,
    async run(client) {
      for (const mode of ["no-cors", "navigate"]) {
        const stream = await client.eventStream({ "sec-fetch-mode": mode, cookie: "a=1" });
        assert.equal(stream.response.status, 403, mode);
      }
      for (const mode of ["cors", "same-origin"]) {
        const stream = await client.eventStream({ "sec-fetch-mode": mode, cookie: "a=1" });
        assert.equal(stream.response.status, 200, mode);
      }
      assert.equal((await client.logged("open", 2)).length, 2);
    },
  },
  {
    id: "SSE3.referer",
    fact: "a request with cookies and no Origin gets 403 if its Referer is a page of another host",
    server: (server) => ({
      ...logging(server),
      allowedOrigins: ["http://shop.example"],
      onError() {},
    }),
    async run(client) {
      const own = `http://127.0.0.1:${client.port}`;
      for (
        const [referer, status, headers] of [
          ["http://blog.example/page", 403, { cookie: "a=1" }],
          ["http://blog.example/page", 403, { authorization: "Basic eA==" }],
          ["http://blog.example/page", 200, {}],
          ["http://shop.example/", 200, { cookie: "a=1" }],
          [`${own}/page?x`, 200, { cookie: "a=1" }],
          ["about:client", 403, { cookie: "a=1" }],
          ["none", 200, { cookie: "a=1" }],
          // Only browsers send this header, and this value only without another origin.
          ["http://blog.example/page", 200, { cookie: "a=1", "sec-fetch-mode": "cors" }],
        ] as [string, number, Record<string, string>][]
      ) {
        const lines = Object.entries({ accept: "text/event-stream", referer, ...headers })
          .map(([name, value]) => `${name}: ${value}`);
        const answer = await ask(client, "GET", [`host: 127.0.0.1:${client.port}`, ...lines]);
        assert.equal(answer.status, status, `${referer} ${JSON.stringify(headers)}`);
      }
    },
  },
  {
    id: "SSE3.port",
    fact: "the server recognizes its own origin, whether or not a proxy writes the default port",
    server: (server) => ({ ...logging(server), sse: { grace: 100 } }),
    async run(client) {
      for (
        const [host, origin, status] of [
          ["a.example:443", "https://a.example", 204],
          ["a.example:80", "http://a.example", 204],
          ["a.example", "https://a.example", 204],
          ["a.example:8443", "https://a.example:8443", 204],
          ["a.example:443", "http://a.example", 403],
          ["a.example:8443", "https://a.example", 403],
          ["a.example:443", "https://a.example:8443", 403],
        ]
      ) {
        const opened = await ask(client, "GET", [`host: ${host}`, "accept: text/event-stream"]);
        const answer = await ask(client, "POST", [
          `host: ${host}`,
          `origin: ${origin}`,
          `onepeer-session: ${opened.headers.get("onepeer-session")}`,
          "onepeer-sequence: 1",
          "content-type: text/plain",
          "content-length: 1",
        ], "x");
        assert.equal(answer.status, status, `${host} ${origin}`);
      }
    },
  },
  {
    id: "SSE3.host",
    fact: "a request with a malformed Host gets 400 and reaches no option; no method ends in a 500",
    server: (server) => ({
      ...logging(server),
      allowedOrigins: () => Boolean(server.log("asked")) || true,
      onError: (error) => server.log("onError", String(error)),
      sse: { ...LONG, authorize: () => Boolean(server.log("asked")) || true },
    }),
    async run(client) {
      const stream = await client.eventStream();
      await stream.next();
      const rest = [
        "accept: text/event-stream",
        "origin: https://a.example",
        `onepeer-session: ${stream.token}`,
        "content-length: 0",
      ];
      for (const host of ["a b", "a%00", "[::", "x:99999", "u:p@x", "a,b", "a/b"]) {
        for (const method of ["GET", "POST", "DELETE", "OPTIONS"]) {
          // Some runtimes disconnect at such a request.
          const status = await ask(client, method, [`host: ${host}`, ...rest])
            .then(({ status }) => status, () => 400);
          assert.equal(status, 400, `${method} ${host}`);
        }
      }
      const host = `host: 127.0.0.1:${client.port}`;
      for (const method of ["TRACE", "PUT", "PATCH", "HEAD"]) {
        const { status } = await ask(client, method, [host, ...rest]);
        assert.ok(status >= 400 && status <= 405, `${method}: ${status}`);
      }
      assert.deepEqual(await client.events(), ["open"]);
      assert.equal((await stream.close()).status, 204);
    },
  },
  {
    id: "SSE3.stored",
    fact:
      "no answer may be stored by a cache, unless a hook allows it; an unknown session gets no 204",
    server: (server) => ({
      hooks: {
        ...logging(server).hooks,
        upgrade({ headers }) {
          const wanted = headers.get("x-answer");
          if (wanted === "redirect") return Response.redirect("https://a.example/", 301);
          if (wanted === "404") return new Response("nothing here", { status: 404 });
          if (wanted !== "allowed") return undefined;
          return new Response("yes", { status: 404, headers: { "cache-control": "max-age=60" } });
        },
      },
    }),
    async run(client) {
      const url = `http://127.0.0.1:${client.port}${client.path()}`;
      const accept = "text/event-stream";
      const unknown = "x".repeat(43);
      for (
        const [status, method, headers, stored = /^no-store/] of [
          [200, "GET", { accept }],
          [200, "GET", { accept, "last-event-id": `${unknown}.1` }],
          [403, "GET", { accept, "last-event-id": `${unknown}.closed` }],
          [403, "GET", { accept, "last-event-id": "x.closed" }],
          [406, "GET", {}],
          [405, "PUT", {}],
          [204, "OPTIONS", {}],
          [403, "POST", { "onepeer-session": unknown }],
          [403, "DELETE", { "onepeer-session": unknown }],
          [404, "GET", { accept, "x-answer": "404" }],
          [301, "GET", { accept, "x-answer": "redirect" }],
          [404, "GET", { accept, "x-answer": "allowed" }, /^max-age=60$/],
        ] as [number, string, Record<string, string>, RegExp?][]
      ) {
        const response = await fetch(url, { method, headers, redirect: "manual" });
        await response.body?.cancel();
        const what = `${method} ${JSON.stringify(headers)}`;
        assert.equal(response.status, status, what);
        assert.match(response.headers.get("cache-control") ?? "", stored, what);
      }
    },
  },
  {
    id: "SSE2.pipelined",
    fact:
      "if a connection with pipelined requests ends, none of its peers outlives the grace period",
    server: (server) => ({ ...logging(server), sse: { grace: 100 } }),
    async run(client) {
      const raw = await client.tcp();
      raw.write(pipelined(client).repeat(20));
      await raw.head();
      await client.logged("open");
      raw.rst();
      assert.equal((await client.statsUntil(({ peers }) => peers === 0)).peers, 0);
      await eachOpenHasClose(client);
    },
  },
  {
    id: "SSE2.pipelined-hooks",
    fact: "if a connection ends while hooks of its pipelined requests are pending, no peer stays",
    server: (server) => ({
      hooks: {
        ...logging(server).hooks,
        async upgrade() {
          server.log("upgrade");
          await server.wait("upgrade");
        },
      },
      sse: { grace: 100 },
    }),
    async run(client) {
      const raw = await client.tcp();
      raw.write(pipelined(client).repeat(20));
      await client.logged("upgrade");
      raw.rst();
      await client.release("upgrade");
      assert.equal((await client.statsUntil(({ peers }) => peers === 0)).peers, 0);
      await eachOpenHasClose(client);
    },
  },
  {
    id: "SSE2.over",
    fact:
      "if a session ends while the client reconnects, the client receives the close, and no timer is left",
    server: (server) => ({
      ...logging(server),
      sse: {
        ...LONG,
        async authorize() {
          server.log("asked");
          await server.wait("answer");
          return true;
        },
      },
      commands: { end: () => server.ws.closeAll(1000, "", true) },
    }),
    async run(client) {
      const stream = await client.eventStream();
      await stream.next();
      stream.drop();
      const resumed = stream.resume(0);
      await client.logged("asked");
      await client.command("end");
      await client.release("answer");
      const again = await resumed;
      assert.equal((await again.next())?.event, "close");
      assert.equal(await again.next(), undefined);
      assert.equal((await client.stats()).timers, 0);
    },
  },
  {
    id: "SSE4.no-grace",
    fact: "a client can answer the server's close even without a grace period",
    server: (server) => ({
      ...logging(server),
      sse: { grace: 0 },
      commands: { close: () => server.ws.closeAll(4001, "enough") },
    }),
    async run(client) {
      const stream = await client.eventStream();
      await stream.next();
      await client.command("close");
      assert.equal((await stream.next())?.event, "close");
      assert.equal(await stream.next(), undefined);
      await sleep(50);
      assert.equal((await stream.close({ code: 4001, reason: "enough" })).status, 204);
      assert.deepEqual((await client.logged("close"))[0]!.data, [4001, "enough", true]);
    },
  },
  {
    id: "SSE4.again",
    fact:
      "a client that missed the response to its close can repeat it, or learns how the session ended",
    server: (server) => ({ ...logging(server), sse: LONG }),
    async run(client) {
      const stream = await client.eventStream();
      await stream.next();
      stream.drop();
      for (const code of [3001, 3002]) {
        assert.equal((await stream.close({ code, reason: "bye" })).status, 204, `${code}`);
      }
      const again = await stream.resume(0);
      const { id, event, data } = (await again.next())!;
      assert.deepEqual([id, event, data], ["closed", "close", '{"code":3001,"reason":"bye"}']);
      assert.equal(await again.next(), undefined);
      assert.equal((await stream.post("late")).status, 403);
      assert.equal((await stream.close({}, { "onepeer-session": `${stream.token}x` })).status, 403);
      assert.deepEqual((await client.logged("close")).map(({ data }) => data), [[
        3001,
        "bye",
        true,
      ]]);
    },
  },
];

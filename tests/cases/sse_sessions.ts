import assert from "node:assert/strict";
import type { RawEventStream } from "../harness/clients/raw_event_stream.ts";
import { type CaseClient, sleep } from "../harness/clients/case_client.ts";
import type { Case, CaseServer } from "../fixtures/case.ts";
import { WebSocketSSE } from "../../websocket/sse.ts";

const LONG = { grace: 10_000 };

const logging = (server: CaseServer) => ({
  hooks: {
    open: (peer: { id: string }) => server.log("open", peer.id),
    message: (_: unknown, message: { uint8Array(): Uint8Array }) =>
      server.log("message", message.uint8Array().length),
    close: (_: unknown, info: { code: number; reason: string; wasClean: boolean }) =>
      server.log("close", info.code, info.reason, info.wasClean),
  },
});

/** Checks that the session accepts one more message, and `taken` messages in all. */
async function mustBeUnharmed(
  client: CaseClient,
  stream: RawEventStream,
  taken: number,
): Promise<void> {
  assert.equal((await stream.post("unharmed")).status, 204);
  assert.equal((await client.logged("message", taken)).length, taken);
}

/** SSE3–SSE5: requests that a session accepts, how a session ends, and shared endpoints. */
export const sseSessions: readonly Case[] = [
  {
    id: "SSE3.forged",
    fact: "a request without the session's secret gets 403, and the public peer.id is no secret",
    server: logging,
    async run(client) {
      const stream = await client.eventStream();
      await stream.next();
      const id: string = (await client.logged("open"))[0]!.data[0];
      const { token } = stream;
      const last = token.endsWith("A") ? "B" : "A";
      const forged = [null, "", id, token.slice(0, -1), token.slice(0, -1) + last, `${token}x`];
      forged.push(token.slice(0, 11) + id, token.slice(11), token.toUpperCase());
      for (const session of forged) {
        const headers = { "onepeer-session": session };
        for (const answer of [stream.post("x", { headers }), stream.close({}, headers)]) {
          const { status, code } = await answer;
          assert.deepEqual([status, code], [403, "ERR_SSE_SESSION"], `${session}`);
        }
      }
      await mustBeUnharmed(client, stream, 1);
    },
  },
  {
    id: "SSE3.hijack",
    fact: "no client takes over a session by peer.id, by a guess, or by a part of the secret",
    server: (server) => ({ ...logging(server), sse: LONG }),
    async run(client) {
      const stream = await client.eventStream();
      await stream.next();
      const id: string = (await client.logged("open"))[0]!.data[0];
      const { token } = stream;
      for (const guess of [id, token.slice(0, 11), token.slice(0, -1), `${token.slice(0, -1)}!`]) {
        const thief = await client.eventStream({ "last-event-id": `${guess}.0` });
        assert.equal((await thief.next())?.event, "close");
        const closer = await client.eventStream({ "last-event-id": `${guess}.closed` });
        assert.equal(closer.response.status, 403);
      }
      await mustBeUnharmed(client, stream, 1);
      assert.equal((await client.events()).includes("close"), false);
    },
  },
  {
    id: "SSE3.sequence",
    fact: "a replayed or skipped message gets 409 with the expected number, and starts no hook",
    server: logging,
    async run(client) {
      const stream = await client.eventStream();
      assert.equal((await stream.post("one")).status, 204);
      for (const sequence of [1, 0, 3, 99, -1, 1.5, "x", "", " ", "0x2", null]) {
        const { status, code, expected } = await stream.post("x", { sequence });
        assert.deepEqual([status, code, expected], [409, "ERR_SSE_SEQUENCE", 2], `${sequence}`);
      }
      await mustBeUnharmed(client, stream, 2);
    },
  },
  {
    id: "SSE3.race",
    fact: "of concurrent requests with the same number the server accepts exactly one",
    server: logging,
    async run(client) {
      const stream = await client.eventStream();
      const answers = await Promise.all(
        Array.from({ length: 12 }, () => stream.post("x".repeat(1000), { sequence: 1 })),
      );
      assert.equal(answers.filter(({ status }) => status === 204).length, 1);
      assert.ok(answers.every(({ status }) => status === 204 || status === 409));
      assert.equal((await client.logged("message")).length, 1);
    },
  },
  {
    id: "SSE3.oversized",
    fact: "a message over maxPayload gets 413, whether or not its length is stated",
    server: (server) => ({ ...logging(server), limits: { maxPayload: 100_000 } }),
    async run(client) {
      const stream = await client.eventStream();
      const chunked = (size: number) => new Blob([new Uint8Array(size)]).stream();
      for (const body of [new Uint8Array(100_001), chunked(100_001), "ä".repeat(50_001)]) {
        const { status, code } = await stream.post(body);
        assert.deepEqual([status, code], [413, "ERR_SSE_TOO_LARGE"]);
      }
      assert.equal((await stream.post(chunked(100_000))).status, 204);
      await mustBeUnharmed(client, stream, 2);
      assert.deepEqual((await client.logged("message"))[0]!.data, [100_000]);
    },
  },
  {
    id: "SSE3.kinds",
    fact: "another content type gets 415, and text that is not UTF-8 gets 400",
    server: logging,
    async run(client) {
      const stream = await client.eventStream();
      const types = ["application/json", "text/plainer", "multipart/form-data", null];
      for (const type of types) {
        const body = new Uint8Array([0xff, 0xfe]);
        const { status } = await stream.post(body, { headers: { "content-type": type } });
        assert.equal(status, 415, `${type}`);
      }
      const headers = { "content-type": "Text/Plain" };
      const { status, code } = await stream.post(new Uint8Array([0xc3]), { headers });
      assert.deepEqual([status, code], [400, "ERR_SSE_DATA"]);
      await mustBeUnharmed(client, stream, 1);
    },
  },
  {
    id: "SSE3.origin",
    fact: "a message of another origin than the one that opened the session gets 403",
    server: (server) => ({ ...logging(server), sse: LONG }),
    async run(client) {
      const own = `http://127.0.0.1:${client.port}`;
      for (const opened of [undefined, own, "http://a.example"]) {
        const stream = await client.eventStream(opened ? { origin: opened } : {});
        await stream.next();
        const foreign = ["http://evil.example", "null", `${own}0`, "http://a.example.evil", "%"];
        for (const origin of foreign) {
          const { status, code } = await stream.post("x", { headers: { origin } });
          assert.deepEqual([status, code], [403, "ERR_SSE_ORIGIN"], `${opened} ${origin}`);
          assert.equal((await stream.resume(0, { origin })).response.status, 403);
        }
        const headers = { origin: opened ?? own };
        assert.equal((await stream.post("x", { headers })).status, 204, opened);
        const without = await stream.post("x");
        assert.equal(without.status, opened ? 403 : 204);
        assert.equal((await stream.close({}, headers)).status, 204);
      }
    },
  },
  {
    id: "SSE3.replaced-host",
    fact:
      "behind a proxy that replaces Host, the first refused message is reported with the cure, and allowedOrigins admits it",
    server: (server) => ({
      ...logging(server),
      allowedOrigins: ["https://shop.example"],
      onError: (error, { stage }) => server.log("onError", stage, (error as Error).message),
      sse: LONG,
    }),
    async run(client) {
      const stream = await client.eventStream(); // a browser sends no Origin to the page's own server
      await stream.next();
      const admitted = await stream.post("x", { headers: { origin: "https://shop.example" } });
      assert.equal(admitted.status, 204);
      const headers = { origin: "https://blog.example" };
      for (let i = 0; i < 2; i++) {
        const { status, code } = await stream.post("x", { headers });
        assert.deepEqual([status, code], [403, "ERR_SSE_ORIGIN"]);
      }
      assert.equal((await stream.close({ code: 3001 }, headers)).status, 204);
      assert.deepEqual((await client.logged("close"))[0]!.data, [3001, "", true]);
      const reports = await client.logged("onError");
      assert.equal(reports.length, 1);
      const [stage, message] = reports[0]!.data;
      assert.equal(stage, "origin");
      for (const cure of ["`Host`", "`trustProxy`", 'allowedOrigins: ["https://blog.example"]']) {
        assert.ok(message.includes(cure), message);
      }
    },
  },
  {
    id: "SSE3.refused-client",
    fact: "our client ends with 1008 after a message of another origin, and its peer ends at once",
    server: (server) => ({ ...logging(server), onError() {}, sse: LONG }),
    async run(client) {
      const url = client.url();
      const socket = new WebSocketSSE(url, [], {
        // Sends what a browser sends behind a proxy that replaces `Host`.
        fetch: (input, init) => {
          const headers = new Headers(init?.headers);
          if (init?.method) headers.set("origin", "https://shop.example");
          return fetch(input, { ...init, headers });
        },
      });
      const closed = Promise.withResolvers<CloseEvent>();
      socket.onopen = () => socket.send("x");
      socket.onclose = (event) => closed.resolve(event);
      const { code, reason, wasClean } = await closed.promise;
      const expected = "The server answered a message with 403: ERR_SSE_ORIGIN";
      assert.deepEqual([code, reason, wasClean], [1008, expected, true]);
      assert.deepEqual((await client.logged("close"))[0]!.data, [1008, expected, true]);
    },
  },
  {
    id: "SSE3.hook-cors",
    fact:
      "pages of origins that only the hooks of resolve admit can read responses, without a session too",
    server: (server) => ({
      resolve(request) {
        server.log("resolve", request.method);
        if (request.url.endsWith("?throws")) throw new Response("no", { status: 404 });
        const allowedOrigins = request.url.endsWith("?ours") ? ["https://a.example"] : [];
        return { ...logging(server).hooks, allowedOrigins, limits: { maxPayload: 1000 } };
      },
      onError: (error) => server.log("onError", String(error)),
    }),
    async run(client) {
      const origin = "https://a.example", cookie = "a=1";
      const allowed = ({ headers }: { headers: Headers }) =>
        headers.get("access-control-allow-origin");
      for (const [query, expected] of [["?ours", origin], ["?other", null], ["?throws", null]]) {
        const url = `http://127.0.0.1:${client.port}${client.path(query!)}`;
        const preflight = await fetch(url, { method: "OPTIONS", headers: { origin } });
        assert.deepEqual([preflight.status, allowed(preflight)], [204, expected]);
        const lost = await fetch(url, {
          method: "POST",
          body: "x",
          headers: { origin, "onepeer-session": "unknown" },
        });
        assert.deepEqual([lost.status, allowed(lost)], [403, expected]);
        await lost.body?.cancel();
      }
      for (const { data } of await client.logged("resolve", 6)) assert.deepEqual(data, ["GET"]);
      const stream = await client.eventStream({ origin, cookie }, "?ours");
      assert.deepEqual([stream.response.status, allowed(stream.response)], [200, origin]);
      assert.equal(JSON.parse((await stream.next())!.data).maxPayload, 1000);
      const posted = await stream.post("x", { headers: { origin, cookie } });
      assert.deepEqual([posted.status, allowed(posted)], [204, origin]);
      const large = await stream.post("x".repeat(1001), { headers: { origin, cookie } });
      assert.deepEqual([large.status, allowed(large)], [413, origin]);
      const foreign = await client.eventStream({ origin, cookie }, "?other");
      assert.deepEqual([foreign.response.status, allowed(foreign.response)], [403, null]);
      const reports = await client.logged("onError");
      assert.equal(reports.length, 1, "a Response that resolve throws is no failure");
      assert.match(reports[0]!.data[0], /The origin https:\/\/a\.example may not connect/);
    },
  },
  {
    id: "SSE3.cors",
    fact: "only pages of admitted origins can read responses and send custom headers",
    server: (server) => ({
      hooks: {
        ...logging(server).hooks,
        upgrade(request) {
          if (request.headers.has("x-refuse")) throw new Response("not you", { status: 401 });
        },
      },
      allowedOrigins: ["https://a.example"],
    }),
    async run(client) {
      const url = `http://127.0.0.1:${client.port}${client.path()}`;
      const asked = async (origin: string) => {
        const headers = { origin, "access-control-request-headers": "onepeer-session,x-mine" };
        const { status, headers: answer } = await fetch(url, { method: "OPTIONS", headers });
        const allowed = ["origin", "credentials", "headers", "methods"].map((name) =>
          answer.get(`access-control-allow-${name}`)
        );
        return [status, ...allowed];
      };
      const methods = "GET, POST, DELETE";
      assert.deepEqual(await asked("https://a.example"), [
        204,
        "https://a.example",
        "true",
        "onepeer-session,x-mine",
        methods,
      ]);
      assert.deepEqual(await asked("https://b.example"), [204, null, null, null, null]);
      for (const [origin, allowed] of [["https://a.example", true], ["https://b.example", false]]) {
        const stream = await client.eventStream({ origin: `${origin}` });
        await stream.next();
        const posted = await stream.post("x", { headers: { origin: `${origin}` } });
        for (const headers of [stream.response.headers, posted.headers]) {
          const expected = allowed ? origin : null;
          assert.equal(headers.get("access-control-allow-origin"), expected);
        }
      }
      for (
        const [origin, said] of [["https://a.example", "https://a.example"], ["https://b.example"]]
      ) {
        const { response } = await client.eventStream({ origin: origin!, "x-refuse": "1" });
        assert.equal(response.status, 401);
        assert.equal(response.headers.get("access-control-allow-origin"), said ?? null);
      }
      const cookies = { origin: "https://b.example", cookie: "a=1" };
      assert.equal((await client.eventStream(cookies)).response.status, 403);
    },
  },
  {
    id: "SSE3.option",
    fact: "an option that throws is a 500, and onError receives the error",
    server: (server) => ({
      ...logging(server),
      allowedOrigins: () => {
        throw new Error("broken option");
      },
      onError: (error) => server.log("onError", (error as Error).message),
    }),
    async run(client) {
      const url = `http://127.0.0.1:${client.port}${client.path()}`;
      const headers = { origin: "https://a.example" };
      for (const method of ["OPTIONS", "POST"]) {
        const { status, body } = await fetch(url, { method, headers });
        await body?.cancel();
        assert.equal(status, 500, method);
      }
      assert.equal((await client.eventStream(headers)).response.status, 500);
      assert.equal((await client.logged("onError", 3)).length, 3);
      assert.equal((await client.eventStream()).response.status, 200);
    },
  },
  {
    id: "SSE3.authorize",
    fact:
      "authorize runs for each later request except the close; a throw gives 500, any result but true 403",
    server: (server) => ({
      ...logging(server),
      onError: (error) => server.log("onError", (error as Error).message),
      sse: {
        ...LONG,
        authorize(request, peer) {
          server.log("authorize", request.method, peer.id);
          const says = request.headers.get("x-says");
          if (says === "throw") throw new Error("not now");
          return says === "later" ? Promise.resolve(true) : says === "yes" || "truthy" as never;
        },
      },
    }),
    async run(client) {
      const stream = await client.eventStream();
      await stream.next();
      assert.equal((await client.events()).includes("authorize"), false);
      for (const [says, status] of [["no", 403], ["throw", 500], ["yes", 204], ["later", 204]]) {
        const { status: found } = await stream.post("x", { headers: { "x-says": `${says}` } });
        assert.equal(found, status, `${says}`);
      }
      assert.deepEqual((await client.logged("onError"))[0]!.data, ["not now"]);
      assert.equal((await stream.resume(0)).response.status, 403);
      assert.equal((await client.logged("message", 2)).length, 2);
      assert.equal(
        (await stream.close({})).status,
        204,
        "otherwise the session would last for the whole grace period",
      );
      const asked = (await client.logged("authorize")).map(({ data }) => data[0]);
      assert.deepEqual(asked, ["POST", "POST", "POST", "POST", "GET"]);
    },
  },
  {
    id: "SSE3.trickle",
    fact: "a slow body gets 408 after bodyTimeout, and a retry replaces it at once",
    server: (server) => ({ ...logging(server), sse: { bodyTimeout: 300 } }),
    async run(client) {
      const stream = await client.eventStream();
      await stream.next();
      const begin = async (method = "POST"): Promise<{ status(): Promise<number> }> => {
        const raw = await client.tcp();
        raw.write([
          `${method} ${client.path()} HTTP/1.1`,
          `Host: 127.0.0.1:${client.port}`,
          `onepeer-session: ${stream.token}`,
          "onepeer-sequence: 1",
          "content-type: text/plain",
          "content-length: 1000",
          "",
          "slow",
        ].join("\r\n"));
        return { status: async () => (await raw.head()).status };
      };
      assert.equal(await (await begin()).status(), 408);
      assert.equal(await (await begin("DELETE")).status(), 408);
      const slow = await begin();
      await sleep(100);
      assert.equal((await stream.post("at once")).status, 204);
      assert.equal(await slow.status(), 409);
      await mustBeUnharmed(client, stream, 2);
    },
  },
  {
    id: "SSE3.places",
    fact: "a session that has lost its connection keeps its slot of maxPeers until it expires",
    server: (server) => ({ ...logging(server), limits: { maxPeers: 1 }, sse: { grace: 300 } }),
    async run(client) {
      const stream = await client.eventStream();
      await stream.next();
      stream.drop();
      assert.equal((await client.eventStream()).response.status, 503);
      await client.logged("close");
      assert.equal((await client.eventStream()).response.status, 200);
    },
  },
  {
    id: "SSE4.server",
    fact:
      "the server closes by an event and the end of the stream; a reconnect gets 204 and answers the close",
    server: (server) => ({
      hooks: {
        ...logging(server).hooks,
        message(peer) {
          peer.send("before");
          peer.close(4001, "enough");
        },
      },
      sse: LONG,
    }),
    async run(client) {
      const stream = await client.eventStream();
      await stream.post("go");
      const [, before, close] = [await stream.next(), await stream.next(), await stream.next()];
      assert.equal(before?.data, "before");
      assert.deepEqual(close, {
        id: `${stream.token}.closed`,
        event: "close",
        data: '{"code":4001,"reason":"enough"}',
      });
      assert.equal(await stream.next(), undefined);
      assert.equal((await client.events()).includes("close"), false);
      for (let i = 0; i < 2; i++) {
        assert.equal((await stream.resume("closed")).response.status, 204);
      }
      assert.deepEqual((await client.logged("close"))[0]!.data, [4001, "enough", true]);
      assert.equal((await client.eventStream({ "last-event-id": "closed" })).response.status, 403);
    },
  },
  {
    id: "SSE4.missed",
    fact: "a client that was away receives the server's close when it reconnects",
    server: (server) => ({
      ...logging(server),
      sse: LONG,
      commands: { close: () => server.ws.closeAll(4002, "later") },
    }),
    async run(client) {
      const stream = await client.eventStream();
      await stream.next();
      stream.drop();
      await sleep(30);
      await client.command("close");
      const again = await stream.resume(0);
      assert.equal((await again.next())?.event, "resume");
      assert.equal((await again.next())?.data, '{"code":4002,"reason":"later"}');
      assert.equal(await again.next(), undefined);
      assert.equal((await stream.close({ code: 4002 })).status, 204);
      assert.deepEqual((await client.logged("close"))[0]!.data, [4002, "later", true]);
    },
  },
  {
    id: "SSE4.client",
    fact: "a client closes by DELETE with a legal code, and then has no session",
    server: (server) => ({ ...logging(server), sse: LONG }),
    async run(client) {
      const stream = await client.eventStream();
      await stream.next();
      for (const code of [999, 1004, 1006, "1000", null, 5000]) {
        assert.equal((await stream.close({ code })).status, 400, `${code}`);
      }
      assert.equal((await stream.close({ code: 1000, reason: "x".repeat(124) })).status, 400);
      assert.equal((await stream.close({ code: 1000, reason: "x".repeat(2000) })).status, 413);
      await mustBeUnharmed(client, stream, 1);
      assert.equal((await stream.close({ code: 3001, reason: "bye" })).status, 204);
      assert.deepEqual((await client.logged("close"))[0]!.data, [3001, "bye", true]);
      assert.equal((await stream.next())?.data, '{"code":3001,"reason":"bye"}');
      assert.equal(await stream.next(), undefined);
      assert.equal((await stream.post("late")).status, 403);
      const other = await client.eventStream();
      await other.next();
      assert.equal((await other.close()).status, 204);
      assert.deepEqual((await client.logged("close", 2))[1]!.data, [1005, "", true]);
    },
  },
  {
    id: "SSE5.shared",
    fact:
      "clients of both transports on one endpoint publish to each other, and one stats counts them all",
    server: (server) => ({
      hooks: {
        open: (peer) => peer.subscribe("t"),
        message(peer, message) {
          server.log("reached", peer.publish("t", message), peer.peers.size);
        },
      },
    }),
    async run(client) {
      const [sse, other, ws] = [
        await client.connect(),
        await client.connect(),
        await client.connect("", {}, "websocket"),
      ];
      sse!.send("from events");
      assert.deepEqual([await other!.text(), await ws!.text()], ["from events", "from events"]);
      ws!.send(new Uint8Array([1, 2]));
      for (const socket of [sse!, other!]) {
        assert.deepEqual(await socket.bytes(), new Uint8Array([1, 2]));
      }
      const reached = (await client.logged("reached", 2)).map(({ data }) => data);
      assert.deepEqual(reached, [[2, 3], [2, 3]]);
      assert.equal((await client.stats()).peers, 3);
    },
  },
];

import assert from "node:assert/strict";
import { getWebSocketHooks, setWebSocketHooks } from "../../endpoint/framework_hooks.ts";
import type { Case } from "../fixtures/case.ts";

/** Makes a response whose body has been read. */
function usedResponse(): Response {
  const response = new Response("once");
  void response.text();
  return response;
}

const RESULT_FIELDS = [
  "headers",
  "context",
  "namespace",
  "user",
  "protocol",
  "perMessageDeflate",
  "handled",
];

/** C6–C8, C11, C12: the upgrade hook. */
export const upgrade: readonly Case[] = [
  {
    id: "C6.response",
    fact:
      "a Response from upgrade reaches the client with status, headers and body, and no peer is made",
    server: (server) => ({
      hooks: {
        upgrade(request) {
          const init = {
            status: 401,
            headers: [["x-why", "no token"], ["set-cookie", "a=1"], ["set-cookie", "b=2"]],
          };
          const response = new Response("who are you?", init as ResponseInit);
          if (request.url.endsWith("?throw")) throw response;
          if (request.url.endsWith("?error")) throw Object.assign(new Error("no"), { response });
          return request.url.endsWith("?async") ? Promise.resolve(response) : response;
        },
        open: () => server.log("open"),
      },
      onError: () => server.log("onError"),
    }),
    async run(client) {
      for (const query of ["", "?async", "?throw", "?error"]) {
        const refused = await client.refused(query);
        assert.equal(refused.status, 401, query);
        assert.equal(refused.body, "who are you?");
        assert.equal(refused.headers["x-why"], "no token");
        assert.deepEqual(refused.headers["set-cookie"], ["a=1", "b=2"]);
      }
      assert.deepEqual(await client.events(), []);
      const { peers, refusals } = await client.stats();
      assert.deepEqual({ peers, refusals }, { peers: 0, refusals: 4 });
    },
  },
  {
    id: "C6.large-response",
    fact: "a streamed refusal of 1 MiB reaches the client complete",
    server: () => ({
      hooks: {
        upgrade() {
          let left = 16;
          const body = new ReadableStream<Uint8Array>({
            pull(controller) {
              if (left-- === 0) controller.close();
              else controller.enqueue(new Uint8Array(65_536).fill(120));
            },
          });
          return new Response(body, { status: 403 });
        },
      },
    }),
    async run(client) {
      const { status, body } = await client.refused();
      assert.equal(status, 403);
      assert.equal(body, "x".repeat(16 * 65_536));
    },
  },
  {
    id: "C6.throw",
    fact: "an upgrade hook that throws is a 500 without details, and onError receives the error",
    server: (server) => ({
      hooks: {
        upgrade(request) {
          const error = new Error("secret of the house");
          if (request.url.endsWith("?async")) return Promise.reject(error);
          throw error;
        },
        open: () => server.log("open"),
      },
      onError: (error, { stage, request }) =>
        server.log("onError", String(error), stage, request!.url),
    }),
    async run(client) {
      for (const query of ["", "?async"]) {
        const { status, body } = await client.refused(query);
        assert.equal(status, 500);
        assert.equal(body, "Internal Server Error\n");
      }
      const [first] = await client.logged("onError", 2);
      assert.deepEqual(first!.data.slice(0, 2), ["Error: secret of the house", "upgrade"]);
      assert.ok(!(await client.events()).includes("open"));
    },
  },
  {
    id: "C6.console",
    fact: "without onError, a failed upgrade is one console.error call",
    server: () => ({
      hooks: {
        upgrade() {
          throw new Error("a62f4 upgrade failed");
        },
      },
    }),
    async run(client) {
      assert.equal((await client.refused()).status, 500);
      const said = await client.consoleErrors("a62f4", 80);
      assert.equal(said.length, 1);
    },
  },
  {
    id: "C6.control-character",
    fact: "a Response with a control character in a header is a 500 and a TypeError to onError",
    server: (server) => ({
      hooks: {
        upgrade(request) {
          const why = decodeURIComponent(new URL(request.url).search.slice(1));
          return new Response("no", { status: 400, headers: { "x-why": why } });
        },
      },
      onError: (error) => server.log("onError", String(error)),
    }),
    async run(client) {
      for (const bad of ["%01", "a%7Fb", "a%1Bb"]) {
        assert.equal((await client.refused(`?${bad}`)).status, 500, bad);
      }
      assert.equal((await client.refused("?fine")).status, 400);
      for (const { data } of await client.logged("onError", 3)) {
        assert.match(data[0], /TypeError: .*x-why/);
      }
    },
  },
  {
    id: "C6.odd-results",
    fact:
      "an unknown result of upgrade, another realm's Response included, is a 500 and admits no client",
    server: (server) => ({
      hooks: {
        upgrade(request): undefined {
          const odd: Record<string, unknown> = {
            false: false,
            null: null,
            typo: { contex: {} },
            status: { status: 401 },
            number: 5,
            string: "yes",
            list: [],
            alien: { status: 401, headers: new Map(), body: null },
            namespace: { namespace: 5 },
            header: { headers: [["x"]] },
            deflate: { perMessageDeflate: "on" },
            level: { perMessageDeflate: { level: 99 } },
            used: usedResponse(),
            thenable: { then: () => {} },
          };
          return odd[new URL(request.url).search.slice(1)] as undefined;
        },
        open: () => server.log("open"),
      },
      limits: { handshakeTimeout: 100 },
      onError: (error) => server.log("onError", (error as Error).name),
    }),
    async run(client) {
      const odd = [
        "false",
        "null",
        "typo",
        "status",
        "number",
        "string",
        "list",
        "alien",
        "namespace",
        "header",
        "deflate",
        "level",
        "used",
      ];
      for (const which of odd) assert.equal((await client.refused(`?${which}`)).status, 500, which);
      assert.equal((await client.refused("?thenable")).status, 503, "the thenable never settles");
      const names = (await client.logged("onError", odd.length + 1)).map(({ data }) => data[0]);
      assert.deepEqual(names, [...odd.map(() => "TypeError"), "PeerError"]);
      assert.ok(!(await client.events()).includes("open"));
      await client.connect("?nothing");
    },
  },
  {
    id: "C6.promises",
    fact:
      "a promise in a field of an upgrade result, or from getNamespace or allowedOrigins, is a 500 and a TypeError to onError, even if rejected",
    server: (server) => {
      const late = (request: { url: string }, which: string): Promise<never> | undefined => {
        const [field, how] = new URL(request.url).search.slice(1).split(".");
        if (field !== which) return undefined;
        return how === "rejects"
          ? Promise.reject(new Error("too late"))
          : Promise.resolve("x" as never);
      };
      const field = (request: { url: string }): undefined => {
        for (const name of [...RESULT_FIELDS, "value"]) {
          const value = late(request, name);
          const result = name === "value" ? { headers: { "x-a": value } } : { [name]: value };
          if (value) return result as unknown as undefined;
        }
      };
      return {
        hooks: {
          upgrade: field,
          open: () => server.log("open"),
        },
        resolve(request) {
          const open = late(request, "hook");
          if (open) return { open } as never;
          // A second upgrade hook: the results of both are merged.
          return { upgrade: () => ({ context: { resolved: true } }) };
        },
        getNamespace: (request) => late(request, "getNamespace") as never ?? "fine",
        allowedOrigins: (_, request) => late(request, "origin") as never ?? true,
        onError: (error) => server.log("onError", (error as Error).name, (error as Error).message),
      };
    },
    async run(client) {
      const headers = { cookie: "a=1", origin: "https://a.example" };
      const options = ["hook", "getNamespace", "origin", "value", ...RESULT_FIELDS];
      const queries = options.flatMap((it) => [`${it}.resolves`, `${it}.rejects`]);
      for (const query of queries) {
        const { status } = await client.refused(`?${query}`, { headers });
        assert.equal(status, 500, query);
      }
      for (const { data: [name, message] } of await client.logged("onError", queries.length)) {
        assert.deepEqual([name, /is a promise/.test(message)], ["TypeError", true], message);
      }
      assert.ok(!(await client.events()).includes("open"));
      await client.connect("", { headers });
    },
  },
  {
    id: "C6.cancel",
    fact: "the body of a refusal is cancelled if the client leaves",
    server: (server) => ({
      hooks: {
        upgrade() {
          const body = new ReadableStream<Uint8Array>({
            start: (controller) => controller.enqueue(new Uint8Array(1000)),
            cancel: () => server.log("cancel"),
          });
          return new Response(body, { status: 403 });
        },
      },
    }),
    async run(client) {
      const raw = await client.raw();
      assert.equal((await raw.head()).status, 403);
      raw.rst();
      await client.logged("cancel");
    },
  },
  {
    id: "C6.handled",
    fact: "an upgrade hook can take over the socket, and the adapter then leaves the socket alone",
    server: (server) => ({
      hooks: {
        upgrade: (request) => server.takeOver(request) as undefined,
        open: () => server.log("open"),
      },
    }),
    async run(client) {
      const raw = await client.raw();
      const { status } = await raw.head();
      const said = status === 101 ? (await raw.frame()).payload.toString() : await raw.body();
      assert.equal(said, "taken over");
      assert.deepEqual(await client.events(30), []);
      const { peers, refusals } = await client.stats();
      assert.equal(peers, 0);
      assert.ok(refusals <= 1);
    },
  },
  {
    id: "C7.headers",
    fact:
      "the headers that upgrade returns are part of the 101, several set-cookie headers included",
    server: () => ({
      hooks: {
        upgrade(request) {
          const pairs: [string, string][] = [["X-One", "1"], ["Set-Cookie", "a=1"], [
            "Set-Cookie",
            "b=2; Path=/",
          ]];
          if (request.url.endsWith("?headers")) return { headers: new Headers(pairs) };
          if (request.url.endsWith("?record")) return { headers: { "x-one": "1" } };
          return { headers: pairs };
        },
      },
    }),
    async run(client) {
      for (const query of ["", "?headers", "?record"]) {
        const raw = await client.raw({ target: client.path(query) });
        const { status, headers } = await raw.head();
        assert.equal(status, 101);
        assert.ok(headers.some(([name, value]) => name === "x-one" && value === "1"), query);
        const cookies = headers.filter(([name]) => name === "set-cookie").map(([, value]) => value);
        assert.deepEqual(cookies, query === "?record" ? [] : ["a=1", "b=2; Path=/"]);
      }
    },
  },
  {
    id: "C7.injection",
    fact:
      "CR, LF or NUL in a header is a TypeError to onError and a 500, and never reaches the wire",
    server: (server) => ({
      hooks: {
        upgrade(request) {
          const bad = decodeURIComponent(new URL(request.url).search.slice(1));
          return { headers: bad.startsWith("name") ? { [bad]: "v" } : [["x-a", bad]] };
        },
      },
      onError: (error) => server.log("onError", (error as Error).name),
    }),
    async run(client) {
      const bad = ["a\r\nevil: 1", "a\nb", "a\0b", "a\r", "name\r\nevil", "name ", "\r\n"];
      for (const value of bad) {
        const raw = await client.raw({ target: client.path(`?${encodeURIComponent(value)}`) });
        const { status, headers } = await raw.head();
        assert.equal(status, 500, JSON.stringify(value));
        assert.ok(!headers.some(([name]) => name === "evil"));
        raw.fin();
      }
      const errors = await client.logged("onError", bad.length);
      assert.ok(errors.every(({ data }) => data[0] === "TypeError"));
    },
  },
  ...(["fin", "rst"] as const).map((way): Case => ({
    id: `C8.${way}`,
    fact:
      `a client that leaves by ${way.toUpperCase()} during an asynchronous upgrade aborts request.signal, and no peer is made`,
    server: (server) => ({
      // On a busy machine the default timeout could abort the signal before the client leaves.
      limits: { handshakeTimeout: 300_000 },
      hooks: {
        async upgrade(request) {
          request.signal.addEventListener("abort", () => server.log("abort"));
          server.log("upgrade");
          await server.wait("upgrade");
          server.log("aborted", request.signal.aborted);
        },
        open: () => server.log("open"),
        close: () => server.log("close"),
      },
    }),
    async run(client) {
      const raw = await client.raw();
      await client.logged("upgrade");
      raw[way]();
      await client.logged("abort");
      await client.release("upgrade");
      await client.logged("aborted");
      assert.deepEqual(await client.events(100), ["upgrade", "abort", "aborted"]);
      await raw.ended();
      const { peers, opened, refusals } = await client.stats();
      assert.deepEqual({ peers, opened, refusals }, { peers: 0, opened: 0, refusals: 1 });
    },
  })),
  {
    id: "C8.stays",
    fact:
      "if the client stays during an asynchronous upgrade, request.signal aborts only when the peer is gone",
    server: (server) => ({
      hooks: {
        async upgrade(request) {
          await new Promise((resolve) => setTimeout(resolve, 30));
          server.log("upgrade", request.signal.aborted);
        },
        open: (peer) => server.log("open", peer.request.signal.aborted),
        close: (peer) => server.log("close", peer.request.signal.aborted),
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.close();
      await client.logged("close");
      const log = (await client.log()).map(({ event, data }) => [event, data[0]]);
      assert.deepEqual(log, [["upgrade", false], ["open", false], ["close", true]]);
    },
  },
  {
    id: "C11.framework",
    fact:
      "the adapter uses hooks and context that a framework leaves on the request; the context has no hooks",
    server: (server) => ({
      resolve(request) {
        request.context.user = "ann";
        setWebSocketHooks(request, {
          open: (peer) => server.log("open", Reflect.ownKeys(peer.context).map(String)),
        });
        return getWebSocketHooks(request);
      },
    }),
    async run(client) {
      await client.connect();
      assert.deepEqual((await client.logged("open"))[0]!.data, [["user"]]);
    },
  },
  {
    id: "C11.context",
    fact:
      "the context of upgrade is merged over request.context with its own keys only, never __proto__",
    server: (server) => ({
      hooks: {
        upgrade(request) {
          request.context = { framework: 1, both: "framework" };
          const evil = JSON.parse('{"__proto__": {"polluted": true}, "both": "hook"}');
          const context = Object.create({ inherited: true });
          Object.defineProperties(context, Object.getOwnPropertyDescriptors(evil));
          return { context: Object.assign(context, { user: "ann" }) };
        },
        open(peer) {
          const context = peer.context as Record<string, unknown>;
          const own = Object.fromEntries(Object.entries(context));
          server.log(
            "open",
            own,
            context.polluted,
            context.inherited,
            ({} as { polluted?: unknown }).polluted,
          );
        },
      },
    }),
    async run(client) {
      await client.connect();
      const [{ data } = { data: [] }] = await client.logged("open");
      assert.deepEqual(data, [{ framework: 1, both: "hook", user: "ann" }, null, null, null]);
    },
  },
  {
    id: "C12.both",
    fact: "global and resolved hooks both run, the global one first, and the resolved upgrade wins",
    server: (server) => ({
      resolve: (request) => {
        server.log("resolve", new URL(request.url).search);
        return {
          upgrade: () => ({ context: { who: "resolved", resolved: 1 }, namespace: "resolved" }),
          open: () => server.log("resolved open"),
          message: () => server.log("resolved message"),
          close: () => server.log("resolved close"),
        };
      },
      hooks: {
        upgrade: () => ({ context: { who: "global", global: 1 }, namespace: "global" }),
        open(peer) {
          server.log("global open", peer.namespace, peer.context);
        },
        async message() {
          await Promise.resolve();
          server.log("global message");
        },
        close: () => server.log("global close"),
      },
    }),
    async run(client) {
      const socket = await client.connect("?q");
      socket.send("1");
      socket.send("2");
      await client.logged("resolved message", 2);
      socket.close();
      await client.logged("resolved close");
      const names = await client.events();
      assert.deepEqual(names.slice(0, 3), ["resolve", "global open", "resolved open"]);
      assert.deepEqual(names.slice(-2), ["global close", "resolved close"]);
      assert.equal(
        names.filter((name) => name === "resolve").length,
        1,
        "resolve runs once per connection",
      );
      const [{ data } = { data: [] }] = await client.logged("global open");
      assert.deepEqual(data, ["resolved", { who: "resolved", global: 1, resolved: 1 }]);
    },
  },
  {
    id: "C12.order",
    fact:
      "with global and resolved hooks messages keep their order, none starts after close, and one failure does not stop the other hook",
    server: (server) => ({
      hooks: {
        async message(_, message) {
          await new Promise((resolve) => setTimeout(resolve, 30 - 10 * Number(message.text())));
          throw new Error(`global ${message}`);
        },
        close() {
          throw new Error("global close");
        },
        error: (_, error) => server.log("error", error.message),
      },
      resolve: () => ({
        message: (_, message) => server.log("message", message.text()),
        close: () => server.log("close"),
      }),
    }),
    async run(client) {
      const socket = await client.connect();
      for (const text of ["1", "2", "3"]) socket.send(text);
      socket.close();
      await client.logged("error", 4);
      const log = (await client.log()).map(({ event, data }) => [event, ...data].join(" "));
      const started = log.filter((line) => !line.startsWith("error"));
      assert.deepEqual(started, ["message 1", "message 2", "message 3", "close"]);
    },
  },
  {
    id: "C12.handled",
    fact: "if a global upgrade hook takes over the socket, the resolved upgrade hook does not run",
    server: (server) => ({
      hooks: { upgrade: (request) => server.takeOver(request) as undefined },
      resolve: () => ({
        upgrade() {
          server.log("resolved upgrade");
        },
      }),
    }),
    async run(client) {
      const raw = await client.raw();
      await raw.head();
      assert.deepEqual(await client.events(30), []);
    },
  },
  {
    id: "C12.namespace",
    fact: "getNamespace sets the namespace unless upgrade does",
    server: (server) => ({
      getNamespace: (request) => `by option ${new URL(request.url).search}`,
      hooks: {
        upgrade: (request) => request.url.endsWith("?hook") ? { namespace: "by hook" } : undefined,
        open: (peer) => server.log("open", peer.namespace),
      },
    }),
    async run(client) {
      await client.connect("?a");
      await client.connect("?hook");
      const opened = await client.logged("open", 2);
      assert.deepEqual(opened.map(({ data }) => data[0]), ["by option ?a", "by hook"]);
    },
  },
  {
    id: "C12.fails",
    fact: "a failing resolve or getNamespace is a 500, and onError receives the error",
    server: (server) => ({
      resolve(request) {
        if (request.url.endsWith("?resolve")) throw new Error("no hooks");
      },
      getNamespace() {
        throw new Error("no namespace");
      },
      onError: (error) => server.log("onError", String(error)),
    }),
    async run(client) {
      assert.equal((await client.refused("?resolve")).status, 500);
      assert.equal((await client.refused()).status, 500);
      const errors = await client.logged("onError", 2);
      assert.deepEqual(errors.map(({ data }) => data[0]), [
        "Error: no hooks",
        "Error: no namespace",
      ]);
    },
  },
];

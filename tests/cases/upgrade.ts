import assert from "node:assert/strict";
import { getWebSocketHooks, setWebSocketHooks } from "../../endpoint/framework_hooks.ts";
import type { Case } from "../fixtures/case.ts";

/** A response whose body is gone. */
function usedResponse(): Response {
  const response = new Response("once");
  void response.text();
  return response;
}

/** C6–C8, C11, C12: the upgrade hook. */
export const upgrade: readonly Case[] = [
  {
    id: "C6.response",
    fact:
      "a Response from upgrade reaches the client with status, headers and body, and no peer exists",
    site: (s) => ({
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
        open: () => s.log("open"),
      },
      onError: () => s.log("onError"),
    }),
    async run(t) {
      for (const query of ["", "?async", "?throw", "?error"]) {
        const refused = await t.refused(query);
        assert.equal(refused.status, 401, query);
        assert.equal(refused.body, "who are you?");
        assert.equal(refused.headers["x-why"], "no token");
        assert.deepEqual(refused.headers["set-cookie"], ["a=1", "b=2"]);
      }
      assert.deepEqual(await t.events(), []);
      const { peers, refusals } = await t.stats();
      assert.deepEqual({ peers, refusals }, { peers: 0, refusals: 4 });
    },
  },
  {
    id: "C6.large-response",
    fact: "a streamed refusal of 1 MiB arrives whole",
    site: () => ({
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
    async run(t) {
      const { status, body } = await t.refused();
      assert.equal(status, 403);
      assert.equal(body, "x".repeat(16 * 65_536));
    },
  },
  {
    id: "C6.throw",
    fact: "a throw is a 500 without a trace of it, and onError hears of it",
    site: (s) => ({
      hooks: {
        upgrade(request) {
          const error = new Error("secret of the house");
          if (request.url.endsWith("?async")) return Promise.reject(error);
          throw error;
        },
        open: () => s.log("open"),
      },
      onError: (error, { stage, request }) => s.log("onError", String(error), stage, request!.url),
    }),
    async run(t) {
      for (const query of ["", "?async"]) {
        const { status, body } = await t.refused(query);
        assert.equal(status, 500);
        assert.equal(body, "Internal Server Error\n");
      }
      const [first] = await t.logged("onError", 2);
      assert.deepEqual(first!.data.slice(0, 2), ["Error: secret of the house", "upgrade"]);
      assert.ok(!(await t.events()).includes("open"));
    },
  },
  {
    id: "C6.console",
    fact: "without onError a failed upgrade is one console.error",
    site: () => ({
      hooks: {
        upgrade() {
          throw new Error("a62f4 upgrade failed");
        },
      },
    }),
    async run(t) {
      assert.equal((await t.refused()).status, 500);
      const said = await t.consoleErrors("a62f4", 80);
      assert.equal(said.length, 1);
    },
  },
  {
    id: "C6.control-character",
    fact: "a Response with a control character in a header is a 500 and an error, not a crash",
    site: (s) => ({
      hooks: {
        upgrade(request) {
          const why = decodeURIComponent(new URL(request.url).search.slice(1));
          return new Response("no", { status: 400, headers: { "x-why": why } });
        },
      },
      onError: (error) => s.log("onError", String(error)),
    }),
    async run(t) {
      for (const bad of ["%01", "a%7Fb", "a%1Bb"]) {
        assert.equal((await t.refused(`?${bad}`)).status, 500, bad);
      }
      assert.equal((await t.refused("?fine")).status, 400);
      for (const { data } of await t.logged("onError", 3)) {
        assert.match(data[0], /TypeError: .*x-why/);
      }
    },
  },
  {
    id: "C6.odd-results",
    fact: "what is no answer at all is a 500, never an admission; so is another realm's Response",
    site: (s) => ({
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
        open: () => s.log("open"),
      },
      limits: { handshakeTimeout: 100 },
      onError: (error) => s.log("onError", (error as Error).name),
    }),
    async run(t) {
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
      for (const which of odd) assert.equal((await t.refused(`?${which}`)).status, 500, which);
      assert.equal((await t.refused("?thenable")).status, 503, "it never settles");
      const names = (await t.logged("onError", odd.length + 1)).map(({ data }) => data[0]);
      assert.deepEqual(names, [...odd.map(() => "TypeError"), "PeerError"]);
      assert.ok(!(await t.events()).includes("open"));
      await t.connect("?nothing");
    },
  },
  {
    id: "C6.cancel",
    fact: "the body of a refusal is cancelled where the client leaves",
    site: (s) => ({
      hooks: {
        upgrade() {
          const body = new ReadableStream<Uint8Array>({
            start: (controller) => controller.enqueue(new Uint8Array(1000)),
            cancel: () => s.log("cancel"),
          });
          return new Response(body, { status: 403 });
        },
      },
    }),
    async run(t) {
      const client = await t.raw();
      assert.equal((await client.head()).status, 403);
      client.rst();
      await t.logged("cancel");
    },
  },
  {
    id: "C6.handled",
    fact: "a hook may take the socket over; the adapter leaves it alone",
    site: (s) => ({
      hooks: {
        upgrade: (request) => s.takeOver(request) as undefined,
        open: () => s.log("open"),
      },
    }),
    async run(t) {
      const client = await t.raw();
      const { status } = await client.head();
      const said = status === 101 ? (await client.frame()).payload.toString() : await client.body();
      assert.equal(said, "taken over");
      assert.deepEqual(await t.events(30), []);
      const { peers, refusals } = await t.stats();
      assert.equal(peers, 0);
      assert.ok(refusals <= 1);
    },
  },
  {
    id: "C7.headers",
    fact: "headers from upgrade are on the 101, several set-cookie included",
    site: () => ({
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
    async run(t) {
      for (const query of ["", "?headers", "?record"]) {
        const client = await t.raw({ target: t.path(query) });
        const { status, headers } = await client.head();
        assert.equal(status, 101);
        assert.ok(headers.some(([name, value]) => name === "x-one" && value === "1"), query);
        const cookies = headers.filter(([name]) => name === "set-cookie").map(([, value]) => value);
        assert.deepEqual(cookies, query === "?record" ? [] : ["a=1", "b=2; Path=/"]);
      }
    },
  },
  {
    id: "C7.injection",
    fact: "CR, LF or NUL in a header is a TypeError to onError and a 500, never on the wire",
    site: (s) => ({
      hooks: {
        upgrade(request) {
          const bad = decodeURIComponent(new URL(request.url).search.slice(1));
          return { headers: bad.startsWith("name") ? { [bad]: "v" } : [["x-a", bad]] };
        },
      },
      onError: (error) => s.log("onError", (error as Error).name),
    }),
    async run(t) {
      const bad = ["a\r\nevil: 1", "a\nb", "a\0b", "a\r", "name\r\nevil", "name ", "\r\n"];
      for (const value of bad) {
        const client = await t.raw({ target: t.path(`?${encodeURIComponent(value)}`) });
        const { status, headers } = await client.head();
        assert.equal(status, 500, JSON.stringify(value));
        assert.ok(!headers.some(([name]) => name === "evil"));
        client.fin();
      }
      const errors = await t.logged("onError", bad.length);
      assert.ok(errors.every(({ data }) => data[0] === "TypeError"));
    },
  },
  ...(["fin", "rst"] as const).map((way): Case => ({
    id: `C8.${way}`,
    fact:
      `a client that leaves by ${way.toUpperCase()} during an async upgrade aborts request.signal, and makes no peer`,
    site: (s) => ({
      // The time-out would abort the signal too, on a machine too busy to run the client in time.
      limits: { handshakeTimeout: 300_000 },
      hooks: {
        async upgrade(request) {
          request.signal.addEventListener("abort", () => s.log("abort"));
          s.log("upgrade");
          await s.wait("upgrade");
          s.log("aborted", request.signal.aborted);
        },
        open: () => s.log("open"),
        close: () => s.log("close"),
      },
    }),
    async run(t) {
      const client = await t.raw();
      await t.logged("upgrade");
      client[way]();
      await t.logged("abort");
      await t.release("upgrade");
      await t.logged("aborted");
      assert.deepEqual(await t.events(100), ["upgrade", "abort", "aborted"]);
      await client.ended();
      const { peers, opened, refusals } = await t.stats();
      assert.deepEqual({ peers, opened, refusals }, { peers: 0, opened: 0, refusals: 1 });
    },
  })),
  {
    id: "C8.stays",
    fact: "a client that stays sees its frames of before the 101 delivered, the signal not aborted",
    site: (s) => ({
      hooks: {
        async upgrade(request) {
          await new Promise((resolve) => setTimeout(resolve, 30));
          s.log("upgrade", request.signal.aborted);
        },
        open: (peer) => s.log("open", peer.request.signal.aborted),
        close: (peer) => s.log("close", peer.request.signal.aborted),
      },
    }),
    async run(t) {
      const client = await t.connect();
      client.close();
      await t.logged("close");
      const log = (await t.log()).map(({ event, data }) => [event, data[0]]);
      assert.deepEqual(log, [["upgrade", false], ["open", false], ["close", true]]);
    },
  },
  {
    id: "C11.framework",
    fact:
      "hooks and context that a framework leaves on the request count, the hooks not as context",
    site: (s) => ({
      resolve(request) {
        request.context.user = "ann";
        setWebSocketHooks(request, {
          open: (peer) => s.log("open", Reflect.ownKeys(peer.context).map(String)),
        });
        return getWebSocketHooks(request);
      },
    }),
    async run(t) {
      await t.connect();
      assert.deepEqual((await t.logged("open"))[0]!.data, [["user"]]);
    },
  },
  {
    id: "C11.context",
    fact: "what upgrade returns is merged over request.context, own keys only, __proto__ never",
    site: (s) => ({
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
          s.log(
            "open",
            own,
            context.polluted,
            context.inherited,
            ({} as { polluted?: unknown }).polluted,
          );
        },
      },
    }),
    async run(t) {
      await t.connect();
      const [{ data } = { data: [] }] = await t.logged("open");
      assert.deepEqual(data, [{ framework: 1, both: "hook", user: "ann" }, null, null, null]);
    },
  },
  {
    id: "C12.both",
    fact: "global hooks and resolved hooks both run, the global first; the resolved upgrade wins",
    site: (s) => ({
      resolve: (request) => {
        s.log("resolve", new URL(request.url).search);
        return {
          upgrade: () => ({ context: { who: "resolved", resolved: 1 }, namespace: "resolved" }),
          open: () => s.log("resolved open"),
          message: () => s.log("resolved message"),
          close: () => s.log("resolved close"),
        };
      },
      hooks: {
        upgrade: () => ({ context: { who: "global", global: 1 }, namespace: "global" }),
        open(peer) {
          s.log("global open", peer.namespace, peer.context);
        },
        async message() {
          await Promise.resolve();
          s.log("global message");
        },
        close: () => s.log("global close"),
      },
    }),
    async run(t) {
      const client = await t.connect("?q");
      client.send("1");
      client.send("2");
      await t.logged("resolved message", 2);
      client.close();
      await t.logged("resolved close");
      const names = await t.events();
      assert.deepEqual(names.slice(0, 3), ["resolve", "global open", "resolved open"]);
      assert.deepEqual(names.slice(-2), ["global close", "resolved close"]);
      assert.equal(names.filter((name) => name === "resolve").length, 1, "once per connection");
      const [{ data } = { data: [] }] = await t.logged("global open");
      assert.deepEqual(data, ["resolved", { who: "resolved", global: 1, resolved: 1 }]);
    },
  },
  {
    id: "C12.order",
    fact:
      "with both, messages keep their order, none starts after close, and a failure of one stops not the other",
    site: (s) => ({
      hooks: {
        async message(_, message) {
          await new Promise((resolve) => setTimeout(resolve, 30 - 10 * Number(message.text())));
          throw new Error(`global ${message}`);
        },
        close() {
          throw new Error("global close");
        },
        error: (_, error) => s.log("error", error.message),
      },
      resolve: () => ({
        message: (_, message) => s.log("message", message.text()),
        close: () => s.log("close"),
      }),
    }),
    async run(t) {
      const client = await t.connect();
      for (const text of ["1", "2", "3"]) client.send(text);
      client.close();
      await t.logged("error", 4);
      const log = (await t.log()).map(({ event, data }) => [event, ...data].join(" "));
      const started = log.filter((line) => !line.startsWith("error"));
      assert.deepEqual(started, ["message 1", "message 2", "message 3", "close"]);
    },
  },
  {
    id: "C12.handled",
    fact: "a global hook that took the socket over has the last word",
    site: (s) => ({
      hooks: { upgrade: (request) => s.takeOver(request) as undefined },
      resolve: () => ({
        upgrade() {
          s.log("resolved upgrade");
        },
      }),
    }),
    async run(t) {
      const client = await t.raw();
      await client.head();
      assert.deepEqual(await t.events(30), []);
    },
  },
  {
    id: "C12.namespace",
    fact: "getNamespace decides, unless upgrade does",
    site: (s) => ({
      getNamespace: (request) => `by option ${new URL(request.url).search}`,
      hooks: {
        upgrade: (request) => request.url.endsWith("?hook") ? { namespace: "by hook" } : undefined,
        open: (peer) => s.log("open", peer.namespace),
      },
    }),
    async run(t) {
      await t.connect("?a");
      await t.connect("?hook");
      const opened = await t.logged("open", 2);
      assert.deepEqual(opened.map(({ data }) => data[0]), ["by option ?a", "by hook"]);
    },
  },
  {
    id: "C12.fails",
    fact: "a failing resolve or getNamespace is a 500, and onError hears of it",
    site: (s) => ({
      resolve(request) {
        if (request.url.endsWith("?resolve")) throw new Error("no hooks");
      },
      getNamespace() {
        throw new Error("no namespace");
      },
      onError: (error) => s.log("onError", String(error)),
    }),
    async run(t) {
      assert.equal((await t.refused("?resolve")).status, 500);
      assert.equal((await t.refused()).status, 500);
      const errors = await t.logged("onError", 2);
      assert.deepEqual(errors.map(({ data }) => data[0]), [
        "Error: no hooks",
        "Error: no namespace",
      ]);
    },
  },
];

import assert from "node:assert/strict";
import { createEndpoint } from "../../endpoint/endpoint.ts";
import { DEFAULT_LIMITS } from "../../common/limits.ts";
import type { Case, CaseServerOptions } from "../fixtures/case.ts";

/** A1–A2: options, endpoints and statistics of every adapter. `serve()` has its own tests. */
export const adapters: readonly Case[] = [
  {
    id: "A1.endpoint",
    fact: "an adapter takes an endpoint of createEndpoint(), with its hooks and limits",
    server: (server) => ({
      endpoint: createEndpoint({
        limits: { maxTopicsPerPeer: 1 },
        hooks: {
          open(peer) {
            peer.subscribe("t");
            server.log(
              "open",
              server.ws.endpoint.publish("t", "x"),
              server.ws.endpoint.limits.maxTopicsPerPeer,
            );
          },
        },
      }),
    }),
    async run(client) {
      const socket = await client.connect();
      assert.equal(await socket.text(), "x");
      assert.deepEqual((await client.logged("open"))[0]!.data, [1, 1]);
    },
  },
  {
    id: "A1.mistakes",
    fact:
      "an adapter with a wrong option throws when it is made; the error names the option and the value",
    server: (server) => ({
      commands: {
        make() {
          const Adapter = server.ws.constructor as new (options: unknown) => unknown;
          const bad: unknown[] = [
            { hooks: { message: "x" } },
            { hooks: { mesage() {} } },
            { hooks() {} },
            { resolve: 1 },
            { handleProtocols: "graphql-transport-ws" },
            { idleTimeout: 30 },
            { sync: 1 },
            { trustProxy: "yes" },
            { trustProxy: -1 },
            { allowedOrigins: ["example.com"] },
            { limits: { maxPayload: "1" } },
            { limits: { maxPayload: NaN } },
            { limits: { idleTimeout: -1 } },
            { limits: { pingInterval: 60_001 } },
            { limits: { maxpayload: 1 } },
            { limits: { overflow: "explode" } },
            { limits: { drainThreshold: 100_000 } },
            { maxPayload: 5 },
            { open() {} },
            { retainHeaders: "cookie" },
            { retainHeaders: ["user agent"] },
            { perMessageDeflate: "on" },
            { perMessageDeflate: null },
            { perMessageDeflate: { level: 99 } },
            { perMessageDeflate: { serverMaxWindowBits: 99 } },
            { perMessageDeflate: { threshold: -1 } },
            { perMessageDeflate: { serverNoContextTakeover: "yes" } },
            { perMessageDeflate: { zlibDeflateOptions: { level: 10 } } },
            { endpoint: {} },
            { endpoint: createEndpoint(), hooks: {} },
          ];
          return bad.map((options) => {
            try {
              new Adapter(options);
              return "accepted";
            } catch (error) {
              return `${(error as Error).name}: ${(error as Error).message}`;
            }
          });
        },
      },
    }),
    async run(client) {
      const errors = await client.command<string[]>("make");
      const expected = [
        /^TypeError: .*hooks\.message.*function: current value is "x"/,
        /^TypeError: .*hooks\.mesage.*no such hook: known are upgrade, open, message/,
        /^TypeError: .*hooks as it must be an object: found function/,
        /^TypeError: .*resolve.*function: current value is 1/,
        /^TypeError: .*handleProtocols.*function: current value is "graphql/,
        /^TypeError: .*idleTimeout.*no such option/,
        /^TypeError: Cannot use sync /,
        /^TypeError: .*trustProxy.*yes/,
        /^TypeError: .*trustProxy.*-1/,
        /^TypeError: .*allowedOrigins.*example\.com/,
        /^TypeError: .*limits\.maxPayload.*number/,
        /^RangeError: .*limits\.maxPayload.*NaN/,
        /^RangeError: .*limits\.idleTimeout.*-1/,
        /^RangeError: .*pingInterval must not be over idleTimeout: 60001 > 60000/,
        /^TypeError: .*limits\.maxpayload.*no such limit/,
        /^TypeError: .*limits\.overflow.*explode/,
        /^RangeError: .*drainThreshold.*100000 > 65536/,
        /^TypeError: Cannot use maxPayload as there is no such option: known are hooks, /,
        /^TypeError: Cannot use open as there is no such option/,
        /^TypeError: .*retainHeaders.*list.*cookie/,
        /^TypeError: .*retainHeaders.*list.*user agent/,
        /^TypeError: .*perMessageDeflate.*object: current value is "on"/,
        /^TypeError: .*perMessageDeflate.*object: current value is null/,
        /^TypeError: .*perMessageDeflate\.level.*no such option: known are server/,
        /^RangeError: .*perMessageDeflate\.serverMaxWindowBits.*8 to 15.*99/,
        /^RangeError: .*perMessageDeflate\.threshold.*-1/,
        /^TypeError: .*perMessageDeflate\.serverNoContextTakeover.*boolean.*yes/,
        /^RangeError: .*zlibDeflateOptions\.level.*-1 to 9.*10/,
        /^TypeError: .*endpoint.*createEndpoint/,
        /^TypeError: .*hooks together with endpoint/,
      ];
      assert.equal(errors.length, expected.length);
      for (const [i, pattern] of expected.entries()) assert.match(errors[i]!, pattern);
    },
  },
  {
    id: "A1.undefined",
    fact: "an option or limit that is undefined counts as absent",
    server: (server) => {
      // A caller without `exactOptionalPropertyTypes` may pass undefined.
      const limits: object = { maxPayload: undefined, idleTimeout: 5000 };
      const options: object = { resolve: undefined, onError: undefined, unknown: undefined };
      return {
        ...options,
        limits,
        hooks: { open: () => server.log("limits", server.ws.endpoint.limits) },
      };
    },
    async run(client) {
      await client.connect();
      const [{ maxPayload, idleTimeout }] = (await client.logged("limits"))[0]!.data;
      assert.deepEqual([maxPayload, idleTimeout], [DEFAULT_LIMITS.maxPayload, 5000]);
    },
  },
  {
    id: "A1.calls",
    fact: "an unknown option of publish, send or waitForDrain is a TypeError, and nothing is sent",
    server: (server) => ({
      hooks: {
        async open(peer) {
          peer.subscribe("t");
          const typo: object = { namspace: "/a" }, { ws } = server;
          const calls: (() => unknown)[] = [
            () => ws.publish("t", "secret", typo),
            () => ws.publish("t", "secret", "/a" as unknown as object),
            () => ws.endpoint.publish("t", "secret", typo),
            () => peer.publish("t", "secret", typo),
            () => peer.publish("t", "secret", true as unknown as object),
            () => peer.send("secret", typo),
            () => peer.send("secret", (() => {}) as unknown as object),
            () => peer.websocket.send("secret", typo),
            () => peer.waitForDrain(typo),
          ];
          for (const call of calls) {
            try {
              server.log("accepted", await call());
            } catch (error) {
              server.log("refused", String(error));
            }
          }
          // Applications for crossws pass `pollInterval`.
          await peer.waitForDrain({ pollInterval: 10 } as object);
          ws.publish("t", "done", { namespace: undefined, unknown: undefined } as object);
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      assert.equal(await socket.text(), "done");
      const errors = (await client.logged("refused", 9)).map(({ data }) => data[0]);
      const unknown = "TypeError: Cannot use namspace as there is no such option: known are ";
      const found = (kind: string) =>
        `TypeError: Cannot use the options as they must be an object: found ${kind}`;
      assert.deepEqual(errors, [
        `${unknown}namespace, compress, local`,
        found("string"),
        `${unknown}namespace, compress, local`,
        `${unknown}compress, echo, local`,
        found("boolean"),
        `${unknown}compress`,
        found("function"),
        `${unknown}compress`,
        `${unknown}threshold, signal, pollInterval`,
      ]);
    },
  },
  {
    id: "A1.detached",
    fact: "the methods of an adapter work if called without the adapter object",
    server: (server) => ({
      hooks: { open: (peer) => peer.subscribe("t") },
      commands: {
        async go() {
          const { publish, closeAll, close } = server.ws;
          const counts = [publish("t", "1"), publish("t", "2")];
          closeAll(4001, "detached");
          await close();
          return counts;
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.send("a message"); // without one, workerd 2026-11 reports the close after 10 s
      assert.deepEqual(await client.command("go"), [1, 1]);
      assert.deepEqual([await socket.text(), await socket.text()], ["1", "2"]);
      assert.deepEqual(await socket.closed, { code: 4001, reason: "detached" });
    },
  },
  {
    id: "A1.shared",
    fact: "adapters of one endpoint share its peers, topics and statistics",
    server: (server) => {
      const endpoint = createEndpoint({ hooks: { open: (peer) => peer.subscribe("t") } });
      return {
        endpoint,
        commands: {
          second() {
            const Adapter = server.ws.constructor as new (
              options: CaseServerOptions,
            ) => typeof server.ws;
            const second = new Adapter({ endpoint });
            return [
              second.publish("t", "from the second"),
              second.stats.peers,
              second.peers === server.ws.peers,
            ];
          },
        },
      };
    },
    async run(client) {
      const socket = await client.connect();
      assert.deepEqual(await client.command("second"), [1, 1, true]);
      assert.equal(await socket.text(), "from the second");
    },
  },
  {
    id: "A2.stats",
    fact: "stats counts peers, topics, messages and bytes in both directions, drops and refusals",
    server: () => ({
      hooks: {
        open: (peer) => peer.subscribe("t"),
        message: (peer, message) => void peer.publish("t", message, { echo: true }),
      },
    }),
    async run(client) {
      const a = await client.connect(), b = await client.connect();
      a.send("é12");
      a.send(new Uint8Array(6));
      for (const socket of [a, b]) await Promise.all([socket.next(), socket.next()]);
      const raw = await client.raw({ headers: { "Sec-WebSocket-Key": "bad" } });
      await raw.head();
      const { timers: _, ...stats } = await client.stats();
      assert.deepEqual(stats, {
        peers: 2,
        topics: 1,
        namespaces: 1,
        opened: 2,
        messagesIn: 2,
        messagesOut: 4,
        bytesIn: 10,
        bytesOut: 20,
        drops: 0,
        refusals: 1,
      });
    },
  },
  {
    id: "A2.subscribers",
    fact: "subscribers() is a live view of a topic, in all namespaces or in one",
    server: (server) => ({
      hooks: {
        upgrade: (request) => ({ namespace: request.url.endsWith("?b") ? "b" : "a" }),
        open: (peer) => peer.subscribe("t"),
        message: (peer) => peer.unsubscribe("t"),
      },
      commands: {
        look() {
          const { ws } = server,
            all = ws.subscribers("t"),
            a = ws.subscribers("t", { namespace: "a" });
          const none = ws.subscribers("other"), [first] = a;
          const before = [
            all.size,
            a.size,
            [...all].length,
            [...a].length,
            none.size,
            [...none].length,
          ];
          first!.unsubscribe("t");
          const had = [all.has(first!), a.has(first!)];
          first!.subscribe("t");
          first!.subscribe("other");
          const after = [all.has(first!), a.has(first!), none.size, none.has(first!)];
          first!.unsubscribe("other");
          return { before, had, after, namespaces: [...all].map((peer) => peer.namespace).sort() };
        },
        size: () => server.ws.subscribers("t").size,
        mistakes() {
          const { ws } = server;
          const calls: (() => unknown)[] = [
            () => ws.subscribers(1 as unknown as string),
            () => ws.subscribers("t", { namespace: null as unknown as string }),
            () => ws.subscribers("t", { topic: "t" } as object),
          ];
          return calls.map((call) => {
            try {
              return `no error: ${call()}`;
            } catch (error) {
              return (error as Error).name;
            }
          });
        },
      },
    }),
    async run(client) {
      const sockets = await Promise.all([
        client.connect("?a"),
        client.connect("?a"),
        client.connect("?b"),
      ]);
      assert.deepEqual(await client.command("look"), {
        before: [3, 2, 3, 2, 0, 0],
        had: [false, false],
        after: [true, true, 1, true],
        namespaces: ["a", "a", "b"],
      });
      sockets[2].send("leave");
      while (await client.command("size") !== 2);
      sockets[0].close();
      while (await client.command("size") !== 1);
      assert.deepEqual(await client.command("mistakes"), ["TypeError", "TypeError", "TypeError"]);
    },
  },
  {
    id: "A2.peer",
    fact: "peer(id) returns a live peer by its id, and nothing once the peer is gone",
    server: (server) => ({
      hooks: {
        open: (peer) => server.log("id", peer.id),
        message: (peer) => server.log("found", server.ws.peer(peer.id) === peer),
        close: (peer) => server.log("left", server.ws.peer(peer.id) === undefined),
      },
      commands: {
        namespaceOf: (id) => server.ws.peer(id as string)?.namespace,
        mistake() {
          try {
            return server.ws.peer(undefined as unknown as string);
          } catch (error) {
            return (error as Error).message;
          }
        },
      },
    }),
    async run(client) {
      const [a, b] = [await client.connect(), await client.connect()];
      const ids = (await client.logged("id", 2)).map(({ data }) => data[0]);
      await client.evict();
      const [first, second] = [
        await client.command("namespaceOf", ids[0]),
        await client.command("namespaceOf", ids[1]),
      ];
      assert.equal(typeof first, "string");
      assert.equal(first, second);
      for (const id of ["", "onepeer", "x".repeat(300), `${ids[0]} `]) {
        assert.equal(await client.command("namespaceOf", id) ?? "none", "none");
      }
      assert.match(await client.command("mistake"), /the id.* must be a string/);
      a.send("who");
      assert.deepEqual((await client.logged("found"))[0]!.data, [true]);
      a.close();
      assert.deepEqual((await client.logged("left"))[0]!.data, [true]);
      assert.equal(await client.command("namespaceOf", ids[0]) ?? "none", "none");
      b.send("still here");
      assert.deepEqual((await client.logged("found", 2))[1]!.data, [true]);
    },
  },
  {
    id: "A2.refusals",
    fact: "stats counts a handshake whose method is not GET as a refusal",
    async run(client) {
      assert.equal((await (await client.raw({ method: "POST" })).head()).status, 405);
      assert.equal((await client.stats()).refusals, 1);
    },
  },
];

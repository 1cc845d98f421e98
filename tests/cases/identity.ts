import assert from "node:assert/strict";
import type { Peer } from "../../peer.ts";
import type { Case } from "../fixtures/case.ts";

/** I1–I7: identity and request of a peer. */
export const identity: readonly Case[] = [
  {
    id: "I1.id",
    fact: "peer.id is a UUID v4, the same in every hook and different for each peer",
    server: (server) => ({
      hooks: {
        open: (peer) => server.log("id", peer.id),
        message: (peer) => server.log("id", peer.id),
        close: (peer) => server.log("id", peer.id),
      },
    }),
    async run(client) {
      for (let i = 0; i < 2; i++) {
        const socket = await client.connect();
        socket.send("x");
        socket.close();
        await socket.closed;
      }
      const ids = (await client.logged("id", 6)).map(({ data }) => data[0] as string);
      assert.equal(new Set(ids).size, 2);
      const v4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
      assert.ok(ids.every((id) => v4.test(id)));
    },
  },
  {
    id: "I2.request",
    fact:
      "peer.request is a Request with URL, method and headers, in every hook and after the close",
    server: (server) => {
      const show = (request: Request) => [
        request instanceof Request,
        request.url,
        request.method,
        request.headers.get("x-one"),
        request.headers.get("cookie"),
      ];
      return {
        hooks: {
          upgrade: (request) => server.log("seen", ...show(request)),
          open: (peer) => server.log("seen", ...show(peer.request)),
          message: (peer) => server.log("seen", ...show(peer.request)),
          close(peer) {
            server.log("seen", ...show(peer.request));
            setTimeout(() => server.log("seen", ...show(peer.request)), 20);
          },
        },
      };
    },
    async run(client) {
      const raw = await client.upgraded({
        target: client.path("/a?b=c"),
        headers: { "X-One": ["1", "2"], Cookie: "a=b" },
      });
      raw.write(new Uint8Array([0x81, 0x80, 0, 0, 0, 0]));
      await client.logged("seen", 3);
      raw.fin();
      const url = `http://127.0.0.1:${client.port}${client.path("/a?b=c")}`;
      for (const { data } of await client.logged("seen", 5)) {
        assert.deepEqual(data, [true, url, "GET", "1, 2", "a=b"]);
      }
    },
  },
  {
    id: "I2.retained",
    fact:
      "with retainHeaders, the peer.request of an open peer keeps its URL and only the named headers",
    server: (server) => ({
      retainHeaders: ["X-Kept"],
      hooks: {
        upgrade: (request) => server.log("upgrade", request.headers.get("x-other")),
        open: ({ request }) =>
          server.log(
            "seen",
            ...["x-kept", "x-other"].map((name) => request.headers.get(name)),
            new URL(request.url).host,
          ),
      },
    }),
    async run(client) {
      await client.connect("", { headers: { "x-kept": "1", "x-other": "2" } });
      assert.deepEqual((await client.logged("upgrade"))[0]!.data, ["2"]);
      assert.deepEqual((await client.logged("seen"))[0]!.data, [
        "1",
        null,
        `127.0.0.1:${client.port}`,
      ]);
    },
  },
  {
    id: "I2.copy",
    fact: "new Request(peer.request) and peer.request.clone() keep URL, method and headers",
    server: (server) => ({
      hooks: {
        open(peer) {
          for (const copy of [new Request(peer.request), peer.request.clone()]) {
            server.log("copy", copy.url, copy.headers.get("x-one"), copy.method);
          }
        },
      },
    }),
    async run(client) {
      await client.connect("", { headers: { "x-one": "1" } });
      for (const { data } of await client.logged("copy", 2)) {
        assert.deepEqual(data, [`http://127.0.0.1:${client.port}${client.path()}`, "1", "GET"]);
      }
    },
  },
  {
    id: "I2.signal",
    fact: "request.signal aborts when the peer is gone, and not at a successful upgrade",
    server: (server) => ({
      hooks: {
        open(peer) {
          server.log("open", peer.request.signal.aborted);
          peer.request.signal.addEventListener("abort", () => server.log("abort"));
        },
        close: (peer) => server.log("close", peer.request.signal.aborted),
      },
    }),
    async run(client) {
      const socket = await client.connect();
      assert.deepEqual((await client.logged("open"))[0]!.data, [false]);
      assert.deepEqual(await client.events(50), ["open"]);
      socket.terminate();
      assert.deepEqual((await client.logged("close"))[0]!.data, [true]);
      assert.deepEqual(await client.events(), ["open", "abort", "close"]);
    },
  },
  {
    id: "I2.same",
    fact: "the request of the upgrade hook and peer.request are the same object",
    server: (server) => {
      let seen: Request | undefined;
      return {
        hooks: {
          upgrade(request) {
            seen = request;
          },
          open: (peer) => server.log("open", peer.request === seen, peer.request === peer.request),
        },
      };
    },
    async run(client) {
      await client.connect();
      assert.deepEqual((await client.logged("open"))[0]!.data, [true, true]);
    },
  },
  {
    id: "I2.runtime",
    fact:
      "request.runtime names the runtime and holds its objects in open, without an upgrade hook",
    server: (server) => ({
      hooks: {
        async open(peer) {
          await Promise.resolve();
          const runtime = peer.request.runtime as unknown as Record<string, object>;
          const name = String(runtime.name);
          server.log("open", name, Object.keys(runtime[name] ?? {}).length);
        },
      },
    }),
    async run(client) {
      await client.connect();
      const [name, objects] = (await client.logged("open"))[0]!.data;
      assert.ok(["node", "deno", "bun", "uws", "cloudflare", "sse"].includes(name), name);
      assert.ok(objects >= 2);
    },
  },
  {
    id: "I2.objects",
    fact: "the objects in request.runtime can be read in open, after the upgrade",
    server: (server) => ({
      hooks: {
        async open(peer) {
          await Promise.resolve();
          const runtime = peer.request.runtime as unknown as Record<string, RuntimeObjects>;
          const name = String(runtime.name);
          server.log("open", ...READERS[name]!(runtime[name]!));
        },
      },
    }),
    async run(client) {
      await client.connect("/read");
      const [path, ...others] = (await client.logged("open"))[0]!.data;
      assert.equal(path, client.path("/read"));
      assert.deepEqual(others.filter((it) => it !== "127.0.0.1" && it !== true), []);
    },
  },
  {
    id: "I3.address",
    fact: "peer.remoteAddress is the client's IP address without a port, also after the close",
    server: (server) => ({
      hooks: {
        open: (peer) => server.log("open", peer.remoteAddress),
        close: (peer) => setTimeout(() => server.log("close", peer.remoteAddress), 20),
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.terminate();
      await client.logged("close");
      const log = await client.log();
      assert.deepEqual(log.map(({ data }) => data[0]), ["127.0.0.1", "127.0.0.1"]);
    },
  },
  {
    id: "I3.mapped",
    fact:
      "peer.remoteAddress has no port, and is an IPv4 address if the client's is IPv4-mapped IPv6",
    server: (server) => ({
      trustProxy: true,
      hooks: { open: (peer) => server.log("open", peer.remoteAddress) },
    }),
    async run(client) {
      const table = [
        ["::ffff:198.51.100.3", "198.51.100.3"],
        ["::ffff:c633:6403", "198.51.100.3"],
        ["[2001:db8::1]:443", "2001:db8::1"],
        ["203.0.113.9:5000", "203.0.113.9"],
      ];
      for (const [given] of table) {
        await client.connect("", { headers: { "x-forwarded-for": given! } });
      }
      const seen = (await client.logged("open", 4)).map(({ data }) => data[0]);
      assert.deepEqual(seen, table.map(([, expected]) => expected));
    },
  },
  {
    id: "I4.context",
    fact: "peer.context is the same object in every hook",
    server: (server) => {
      let first: unknown;
      return {
        hooks: {
          upgrade: () => ({ context: { n: 1 } }),
          open(peer) {
            first = peer.context;
            peer.context.n = 2;
          },
          message: (peer) => server.log("seen", peer.context === first, peer.context.n),
          close: (peer) => server.log("seen", peer.context === first, peer.context.n),
        },
      };
    },
    async run(client) {
      const socket = await client.connect();
      socket.send("x");
      socket.close();
      for (const { data } of await client.logged("seen", 2)) assert.deepEqual(data, [true, 2]);
    },
  },
  {
    id: "I5.namespace",
    fact:
      "the default namespace is the pathname, isolates peers and topics, and is freed when empty",
    server: (server) => ({
      hooks: {
        open: (peer) => peer.subscribe("topic"),
        message(peer, message) {
          server.log("reached", peer.publish("topic", message), peer.peers.size, peer.namespace);
        },
      },
    }),
    async run(client) {
      const a1 = await client.connect("/a"),
        a2 = await client.connect("/a?x"),
        b = await client.connect("/b");
      a1.send("hello");
      assert.equal(await a2.text(), "hello");
      b.send("alone");
      const reached = (await client.logged("reached", 2)).map(({ data }) => data);
      assert.deepEqual(reached, [[1, 2, client.path("/a")], [0, 1, client.path("/b")]]);
      assert.deepEqual([a1.queued, b.queued], [[], []]);
      assert.equal((await client.stats()).namespaces, 2);
      b.terminate();
      const { namespaces } = await client.statsUntil(({ namespaces }) => namespaces === 1);
      assert.equal(namespaces, 1);
    },
  },
  {
    id: "I5.many",
    runsAlone: true,
    fact: "3,000 connections to 3,000 paths leave no namespace behind",
    server: (server) => {
      let opened = 0, most = 0;
      return {
        hooks: {
          open() {
            opened++;
            most = Math.max(most, server.ws.peers.size);
            if (opened === 3000) server.log("all", most);
          },
        },
      };
    },
    async run(client) {
      for (let round = 0; round < 30; round++) {
        const paths = Array.from({ length: 100 }, (_, i) => client.path(`/${round}/${i}`));
        const connections = await Promise.all(paths.map((target) => client.upgraded({ target })));
        for (const raw of connections) raw.rst();
      }
      const [{ data } = { data: [] }] = await client.logged("all");
      assert.ok(data[0] >= 50, `${data[0]} namespaces at a time`);
      const { namespaces } = await client.statsUntil(({ namespaces }) => namespaces === 0);
      assert.equal(namespaces, 0);
    },
  },
  {
    id: "I6.url",
    fact: "peer.websocket.url is the URL of the connection, with the scheme ws:",
    server: (server) => ({ hooks: { open: (peer) => server.log("open", peer.websocket.url) } }),
    async run(client) {
      await client.connect("/a?b");
      assert.deepEqual((await client.logged("open"))[0]!.data, [client.url("/a?b")]);
    },
  },
  {
    id: "I6.protocol",
    fact: "peer.websocket.protocol is the negotiated subprotocol, not the offered ones",
    server: (server) => ({
      hooks: {
        upgrade: () => ({ protocol: "two" }),
        open: (peer) => server.log("open", peer.websocket.protocol),
        close: (peer) => server.log("close", peer.websocket.protocol),
      },
    }),
    async run(client) {
      const socket = await client.connect("", { protocols: ["one", "two"] });
      assert.equal(socket.socket.protocol, "two");
      socket.close();
      await client.logged("close");
      assert.deepEqual((await client.log()).map(({ data }) => data[0]), ["two", "two"]);
    },
  },
  {
    id: "I6.extensions",
    fact: "peer.websocket.extensions are the negotiated extensions, as the client sees them",
    server: (server) => ({
      perMessageDeflate: true,
      hooks: { open: (peer) => server.log("open", peer.websocket.extensions) },
    }),
    async run(client) {
      const none = await client.connect();
      assert.equal(none.socket.extensions, "");
      const offered = await client.connect("", { deflate: true });
      const illegal = "permessage-deflate; server_max_window_bits=99";
      await client.upgraded({ headers: { "Sec-WebSocket-Extensions": illegal } });
      const seen = (await client.logged("open", 3)).map(({ data }) => data[0]);
      assert.deepEqual(seen, ["", offered.socket.extensions, ""]);
    },
  },
  {
    id: "I6.readyState",
    fact: "peer.websocket.readyState is 1 in open, 2 after close() and 3 in the close hook",
    server: (server) => ({
      hooks: {
        open(peer) {
          server.log("state", peer.websocket.readyState);
          peer.close();
          server.log("state", peer.websocket.readyState);
        },
        close: (peer) => server.log("state", peer.websocket.readyState),
      },
    }),
    async run(client) {
      await client.connect();
      const states = await client.logged("state", 3);
      assert.deepEqual(states.map(({ data }) => data[0]), [1, 2, 3]);
    },
  },
  {
    id: "I6.binaryType",
    fact:
      "peer.websocket.binaryType sets the type of message.data, and an unknown value is a TypeError",
    server: (server) => ({
      hooks: {
        open(peer) {
          server.log("default", peer.websocket.binaryType);
          try {
            peer.websocket.binaryType = "fragments" as "blob";
          } catch (error) {
            server.log("error", String(error));
          }
        },
        message(peer, message) {
          if (message.type === "text") {
            peer.websocket.binaryType = message.text() as "blob";
            return;
          }
          const { data } = message;
          const bytes = data instanceof ArrayBuffer ? new Uint8Array(data) : data as Uint8Array;
          server.log(
            "data",
            data!.constructor.name,
            bytes.length ?? (data as Blob).size,
            bytes.buffer?.byteLength,
          );
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      for (const type of ["", "arraybuffer", "nodebuffer", "blob", "uint8array"]) {
        if (type) socket.send(type);
        socket.send(new Uint8Array([1, 2, 3]));
      }
      const seen = (await client.logged("data", 5)).map(({ data }) => data);
      assert.deepEqual(seen, [
        ["Uint8Array", 3, 3],
        ["ArrayBuffer", 3, 3],
        ["Buffer", 3, 3],
        ["Blob", 3, null],
        ["Uint8Array", 3, 3],
      ]);
      assert.deepEqual((await client.logged("default"))[0]!.data, ["uint8array"]);
      assert.deepEqual((await client.logged("error"))[0]!.data, [
        'TypeError: Cannot use binaryType as it must be uint8array or arraybuffer or blob or nodebuffer: current value is "fragments"',
      ]);
    },
  },
  {
    id: "I6.bufferedAmount",
    fact: "peer.websocket.bufferedAmount equals peer.bufferedAmount: 0 at rest and after the close",
    server: (server) => ({
      hooks: {
        open: (peer) => server.log("amount", peer.websocket.bufferedAmount, peer.bufferedAmount),
        close: (peer) => server.log("amount", peer.websocket.bufferedAmount, peer.bufferedAmount),
      },
    }),
    async run(client) {
      (await client.connect()).close();
      for (const { data } of await client.logged("amount", 2)) assert.deepEqual(data, [0, 0]);
    },
  },
  {
    id: "I6.own",
    fact: "peer.websocket.send() and close() act like the peer's, and raw is the runtime's socket",
    server: (server) => ({
      hooks: {
        open(peer) {
          peer.websocket.send({ json: true });
          server.log(
            "raw",
            typeof peer.websocket.raw,
            typeof (peer.websocket.raw as WebSocket).send,
          );
          try {
            peer.websocket.close(999);
          } catch (error) {
            server.log("error", (error as Error).name);
          }
          peer.websocket.close(4001, "own");
        },
      },
    }),
    async run(client) {
      const raw = await client.upgraded();
      assert.equal((await raw.frame()).payload.toString(), '{"json":true}');
      assert.deepEqual(await raw.closing(), { code: 4001, reason: "own" });
      assert.deepEqual((await client.logged("raw"))[0]!.data, ["object", "function"]);
      assert.deepEqual((await client.logged("error"))[0]!.data, ["RangeError"]);
    },
  },
  {
    id: "I6.extensible",
    fact: "an application may add properties to a peer",
    server: (server) => ({
      hooks: {
        open: (peer) => void Object.assign(peer, { mine: 1 }),
        message: (peer) => server.log("mine", (peer as Peer & { mine: number }).mine),
      },
    }),
    async run(client) {
      (await client.connect()).send("x");
      assert.deepEqual((await client.logged("mine"))[0]!.data, [1]);
    },
  },
  {
    id: "I7.inspect",
    fact: "an inspected peer or message is one short line, and String(peer) is the id",
    server: (server) => ({
      hooks: {
        async message(peer, message) {
          const { inspect } = await import("node:util");
          const global = globalThis as { Deno?: { inspect(value: unknown): string } };
          const show = global.Deno?.inspect ?? inspect;
          server.log("shown", show(peer), show(message), String(peer) === peer.id, peer.id);
        },
      },
    }),
    async run(client) {
      (await client.connect("/x")).send("secret");
      const [{ data } = { data: [] }] = await client.logged("shown");
      const [peer, message, same, id] = data;
      assert.equal(peer, `Peer(${id} open, 127.0.0.1, ${client.path("/x")})`);
      assert.equal(message, `Message(text, 6 bytes, from ${id})`);
      assert.equal(same, true);
    },
  },
];

/** Objects in `request.runtime`, typed by the members that a case reads. */
interface RuntimeObjects {
  readonly request: Request;
  readonly info?: { readonly remoteAddr?: { readonly hostname: string } };
  readonly server: { readonly port: number };
  readonly req: { readonly url: string; getUrl(): string };
  readonly socket: { readonly remoteAddress: string };
  readonly head: Uint8Array;
  readonly env: object;
  readonly ctx: { readonly waitUntil: unknown };
}

/** Reads each object by the name of the runtime: first the path, then addresses and other facts. */
const READERS: Readonly<Record<string, (objects: RuntimeObjects) => unknown[]>> = {
  node: ({ req, socket, head }) => [req.url, socket.remoteAddress, head.length === 0],
  deno: ({ request, info }) => [pathOf(request), info!.remoteAddr!.hostname],
  bun: ({ request, server }) => [pathOf(request), request.headers.has("host"), server.port > 0],
  uws: ({ req }) => [req.getUrl()],
  cloudflare: ({ request, env, ctx }) => [
    pathOf(request),
    request.headers.has("upgrade"),
    typeof env === "object",
    typeof ctx.waitUntil === "function",
  ],
  sse: ({ request, info }) => [
    pathOf(request),
    request.headers.has("accept"),
    info?.remoteAddr?.hostname ?? true, // only Deno's info has an address
  ],
};

function pathOf({ url }: Request): string {
  return new URL(url).pathname;
}

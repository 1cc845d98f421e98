import assert from "node:assert/strict";
import { sleep } from "../harness/clients/test_bed.ts";
import type { Peer } from "../../peer.ts";
import type { Case } from "../fixtures/case.ts";

/** I1–I7: who a peer is, and what its request was. */
export const identity: readonly Case[] = [
  {
    id: "I1.id",
    fact: "peer.id is a UUID v4, the same in every hook, another for each peer",
    site: (s) => ({
      hooks: {
        open: (peer) => s.log("id", peer.id),
        message: (peer) => s.log("id", peer.id),
        close: (peer) => s.log("id", peer.id),
      },
    }),
    async run(t) {
      for (let i = 0; i < 2; i++) {
        const client = await t.connect();
        client.send("x");
        client.close();
        await client.closed;
      }
      const ids = (await t.logged("id", 6)).map(({ data }) => data[0] as string);
      assert.equal(new Set(ids).size, 2);
      const v4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
      assert.ok(ids.every((id) => v4.test(id)));
    },
  },
  {
    id: "I2.request",
    fact:
      "peer.request is a Request with url, method and headers, in every hook and after the close",
    site: (s) => {
      const show = (request: Request) => [
        request instanceof Request,
        request.url,
        request.method,
        request.headers.get("x-one"),
        request.headers.get("cookie"),
      ];
      return {
        hooks: {
          upgrade: (request) => s.log("seen", ...show(request)),
          open: (peer) => s.log("seen", ...show(peer.request)),
          message: (peer) => s.log("seen", ...show(peer.request)),
          close(peer) {
            s.log("seen", ...show(peer.request));
            setTimeout(() => s.log("seen", ...show(peer.request)), 20);
          },
        },
      };
    },
    async run(t) {
      const client = await t.upgraded({
        target: t.path("/a?b=c"),
        headers: { "X-One": ["1", "2"], Cookie: "a=b" },
      });
      client.write(new Uint8Array([0x81, 0x80, 0, 0, 0, 0]));
      await t.logged("seen", 3);
      client.fin();
      const url = `http://127.0.0.1:${t.port}${t.path("/a?b=c")}`;
      for (const { data } of await t.logged("seen", 5)) {
        assert.deepEqual(data, [true, url, "GET", "1, 2", "a=b"]);
      }
    },
  },
  {
    id: "I2.retained",
    fact: "with retainHeaders, peer.request keeps these headers and its URL once connected",
    site: (s) => ({
      retainHeaders: ["X-Kept"],
      hooks: {
        upgrade: (request) => s.log("upgrade", request.headers.get("x-other")),
        open: ({ request }) =>
          s.log(
            "seen",
            ...["x-kept", "x-other"].map((name) => request.headers.get(name)),
            new URL(request.url).host,
          ),
      },
    }),
    async run(t) {
      await t.connect("", { headers: { "x-kept": "1", "x-other": "2" } });
      assert.deepEqual((await t.logged("upgrade"))[0]!.data, ["2"]);
      assert.deepEqual((await t.logged("seen"))[0]!.data, ["1", null, `127.0.0.1:${t.port}`]);
    },
  },
  {
    id: "I2.copy",
    fact: "new Request(peer.request) and clone() work, with the headers",
    site: (s) => ({
      hooks: {
        open(peer) {
          for (const copy of [new Request(peer.request), peer.request.clone()]) {
            s.log("copy", copy.url, copy.headers.get("x-one"), copy.method);
          }
        },
      },
    }),
    async run(t) {
      await t.connect("", { headers: { "x-one": "1" } });
      for (const { data } of await t.logged("copy", 2)) {
        assert.deepEqual(data, [`http://127.0.0.1:${t.port}${t.path()}`, "1", "GET"]);
      }
    },
  },
  {
    id: "I2.signal",
    fact: "request.signal is not aborted by a successful upgrade, and is when the peer has gone",
    site: (s) => ({
      hooks: {
        open(peer) {
          s.log("open", peer.request.signal.aborted);
          peer.request.signal.addEventListener("abort", () => s.log("abort"));
        },
        close: (peer) => s.log("close", peer.request.signal.aborted),
      },
    }),
    async run(t) {
      const client = await t.connect();
      assert.deepEqual((await t.logged("open"))[0]!.data, [false]);
      assert.deepEqual(await t.events(50), ["open"]);
      client.terminate();
      assert.deepEqual((await t.logged("close"))[0]!.data, [true]);
      assert.deepEqual(await t.events(), ["open", "abort", "close"]);
    },
  },
  {
    id: "I2.same",
    fact: "upgrade and the peer see the same request object",
    site: (s) => {
      let seen: Request | undefined;
      return {
        hooks: {
          upgrade(request) {
            seen = request;
          },
          open: (peer) => s.log("open", peer.request === seen, peer.request === peer.request),
        },
      };
    },
    async run(t) {
      await t.connect();
      assert.deepEqual((await t.logged("open"))[0]!.data, [true, true]);
    },
  },
  {
    id: "I3.address",
    fact: "peer.remoteAddress is the textual IP without port, after the close too",
    site: (s) => ({
      hooks: {
        open: (peer) => s.log("open", peer.remoteAddress),
        close: (peer) => setTimeout(() => s.log("close", peer.remoteAddress), 20),
      },
    }),
    async run(t) {
      const client = await t.connect();
      client.terminate();
      await t.logged("close");
      const log = await t.log();
      assert.deepEqual(log.map(({ data }) => data[0]), ["127.0.0.1", "127.0.0.1"]);
    },
  },
  {
    id: "I3.mapped",
    fact: "an IPv4-mapped IPv6 address is unmapped",
    site: (s) => ({
      trustProxy: true,
      hooks: { open: (peer) => s.log("open", peer.remoteAddress) },
    }),
    async run(t) {
      const table = [
        ["::ffff:198.51.100.3", "198.51.100.3"],
        ["::ffff:c633:6403", "198.51.100.3"],
        ["[2001:db8::1]:443", "2001:db8::1"],
        ["203.0.113.9:5000", "203.0.113.9"],
      ];
      for (const [given] of table) await t.connect("", { headers: { "x-forwarded-for": given! } });
      const seen = (await t.logged("open", 4)).map(({ data }) => data[0]);
      assert.deepEqual(seen, table.map(([, expected]) => expected));
    },
  },
  {
    id: "I4.context",
    fact: "peer.context is the same object in every hook",
    site: (s) => {
      let first: unknown;
      return {
        hooks: {
          upgrade: () => ({ context: { n: 1 } }),
          open(peer) {
            first = peer.context;
            peer.context.n = 2;
          },
          message: (peer) => s.log("seen", peer.context === first, peer.context.n),
          close: (peer) => s.log("seen", peer.context === first, peer.context.n),
        },
      };
    },
    async run(t) {
      const client = await t.connect();
      client.send("x");
      client.close();
      for (const { data } of await t.logged("seen", 2)) assert.deepEqual(data, [true, 2]);
    },
  },
  {
    id: "I5.namespace",
    fact: "namespaces are pathnames, isolate topics and peers, and are freed when empty",
    site: (s) => ({
      hooks: {
        open: (peer) => peer.subscribe("topic"),
        message(peer, message) {
          s.log("reached", peer.publish("topic", message), peer.peers.size, peer.namespace);
        },
      },
    }),
    async run(t) {
      const a1 = await t.connect("/a"), a2 = await t.connect("/a?x"), b = await t.connect("/b");
      a1.send("hello");
      assert.equal(await a2.text(), "hello");
      b.send("alone");
      const reached = (await t.logged("reached", 2)).map(({ data }) => data);
      assert.deepEqual(reached, [[1, 2, t.path("/a")], [0, 1, t.path("/b")]]);
      assert.deepEqual([a1.queued, b.queued], [[], []]);
      assert.equal((await t.stats()).namespaces, 2);
      b.terminate();
      for (let i = 0; i < 100 && (await t.stats()).namespaces > 1; i++) await sleep(5);
      assert.equal((await t.stats()).namespaces, 1);
    },
  },
  {
    id: "I5.many",
    runsAlone: true,
    fact: "3,000 connections on 3,000 paths leave no namespace behind",
    site: (s) => {
      let opened = 0, most = 0;
      return {
        hooks: {
          open() {
            opened++;
            most = Math.max(most, s.ws.peers.size);
            if (opened === 3000) s.log("all", most);
          },
        },
      };
    },
    async run(t) {
      for (let round = 0; round < 30; round++) {
        const paths = Array.from({ length: 100 }, (_, i) => t.path(`/${round}/${i}`));
        const clients = await Promise.all(paths.map((target) => t.upgraded({ target })));
        for (const client of clients) client.rst();
      }
      const [{ data } = { data: [] }] = await t.logged("all");
      assert.ok(data[0] >= 50, `${data[0]} namespaces at a time`);
      let left = 3000;
      for (let i = 0; i < 40 && left > 0; i++) {
        await new Promise((go) => setTimeout(go, 20));
        left = (await t.stats()).namespaces;
      }
      assert.equal(left, 0);
    },
  },
  {
    id: "I6.url",
    fact: "peer.websocket.url is the ws: URL",
    site: (s) => ({ hooks: { open: (peer) => s.log("open", peer.websocket.url) } }),
    async run(t) {
      await t.connect("/a?b");
      assert.deepEqual((await t.logged("open"))[0]!.data, [t.url("/a?b")]);
    },
  },
  {
    id: "I6.protocol",
    fact: "peer.websocket.protocol is the one negotiated, not the ones offered",
    site: (s) => ({
      hooks: {
        upgrade: () => ({ protocol: "two" }),
        open: (peer) => s.log("open", peer.websocket.protocol),
        close: (peer) => s.log("close", peer.websocket.protocol),
      },
    }),
    async run(t) {
      const client = await t.connect("", { protocols: ["one", "two"] });
      assert.equal(client.socket.protocol, "two");
      client.close();
      await t.logged("close");
      assert.deepEqual((await t.log()).map(({ data }) => data[0]), ["two", "two"]);
    },
  },
  {
    id: "I6.extensions",
    fact: "peer.websocket.extensions are the ones negotiated, as the client sees them",
    site: (s) => ({
      perMessageDeflate: true,
      hooks: { open: (peer) => s.log("open", peer.websocket.extensions) },
    }),
    async run(t) {
      const none = await t.connect();
      assert.equal(none.socket.extensions, "");
      const offered = await t.connect("", { deflate: true });
      const illegal = "permessage-deflate; server_max_window_bits=99";
      await t.upgraded({ headers: { "Sec-WebSocket-Extensions": illegal } });
      const seen = (await t.logged("open", 3)).map(({ data }) => data[0]);
      assert.deepEqual(seen, ["", offered.socket.extensions, ""]);
    },
  },
  {
    id: "I6.readyState",
    fact: "peer.websocket.readyState is 1 in open, 2 after close(), 3 in the close hook",
    site: (s) => ({
      hooks: {
        open(peer) {
          s.log("state", peer.websocket.readyState);
          peer.close();
          s.log("state", peer.websocket.readyState);
        },
        close: (peer) => s.log("state", peer.websocket.readyState),
      },
    }),
    async run(t) {
      await t.connect();
      const states = await t.logged("state", 3);
      assert.deepEqual(states.map(({ data }) => data[0]), [1, 2, 3]);
    },
  },
  {
    id: "I6.binaryType",
    fact: "peer.websocket.binaryType decides what message.data is; an unknown one is a TypeError",
    site: (s) => ({
      hooks: {
        open(peer) {
          s.log("default", peer.websocket.binaryType);
          try {
            peer.websocket.binaryType = "fragments" as "blob";
          } catch (error) {
            s.log("error", String(error));
          }
        },
        message(peer, message) {
          if (message.type === "text") {
            peer.websocket.binaryType = message.text() as "blob";
            return;
          }
          const { data } = message;
          const bytes = data instanceof ArrayBuffer ? new Uint8Array(data) : data as Uint8Array;
          s.log(
            "data",
            data!.constructor.name,
            bytes.length ?? (data as Blob).size,
            bytes.buffer?.byteLength,
          );
        },
      },
    }),
    async run(t) {
      const client = await t.connect();
      for (const type of ["", "arraybuffer", "nodebuffer", "blob", "uint8array"]) {
        if (type) client.send(type);
        client.send(new Uint8Array([1, 2, 3]));
      }
      const seen = (await t.logged("data", 5)).map(({ data }) => data);
      assert.deepEqual(seen, [
        ["Uint8Array", 3, 3],
        ["ArrayBuffer", 3, 3],
        ["Buffer", 3, 3],
        ["Blob", 3, null],
        ["Uint8Array", 3, 3],
      ]);
      assert.deepEqual((await t.logged("default"))[0]!.data, ["uint8array"]);
      assert.deepEqual((await t.logged("error"))[0]!.data, [
        "TypeError: Cannot set binaryType as it must be one of uint8array, arraybuffer, blob, nodebuffer: current value is fragments",
      ]);
    },
  },
  {
    id: "I6.bufferedAmount",
    fact: "peer.websocket.bufferedAmount is peer.bufferedAmount: 0 at rest and after the close",
    site: (s) => ({
      hooks: {
        open: (peer) => s.log("amount", peer.websocket.bufferedAmount, peer.bufferedAmount),
        close: (peer) => s.log("amount", peer.websocket.bufferedAmount, peer.bufferedAmount),
      },
    }),
    async run(t) {
      (await t.connect()).close();
      for (const { data } of await t.logged("amount", 2)) assert.deepEqual(data, [0, 0]);
    },
  },
  {
    id: "I6.own",
    fact: "peer.websocket.send and close are the peer's own, raw is the runtime's socket",
    site: (s) => ({
      hooks: {
        open(peer) {
          peer.websocket.send({ json: true });
          s.log("raw", typeof peer.websocket.raw, typeof (peer.websocket.raw as WebSocket).send);
          try {
            peer.websocket.close(999);
          } catch (error) {
            s.log("error", (error as Error).name);
          }
          peer.websocket.close(4001, "own");
        },
      },
    }),
    async run(t) {
      const client = await t.upgraded();
      assert.equal((await client.frame()).payload.toString(), '{"json":true}');
      assert.deepEqual(await client.closing(), { code: 4001, reason: "own" });
      assert.deepEqual((await t.logged("raw"))[0]!.data, ["object", "function"]);
      assert.deepEqual((await t.logged("error"))[0]!.data, ["RangeError"]);
    },
  },
  {
    id: "I6.extensible",
    fact: "a peer is an ordinary object: user code may hang properties on it",
    site: (s) => ({
      hooks: {
        open: (peer) => void Object.assign(peer, { mine: 1 }),
        message: (peer) => s.log("mine", (peer as Peer & { mine: number }).mine),
      },
    }),
    async run(t) {
      (await t.connect()).send("x");
      assert.deepEqual((await t.logged("mine"))[0]!.data, [1]);
    },
  },
  {
    id: "I7.inspect",
    fact: "an inspected peer or message is one short line; String(peer) is its id",
    site: (s) => ({
      hooks: {
        async message(peer, message) {
          const { inspect } = await import("node:util");
          const global = globalThis as { Deno?: { inspect(value: unknown): string } };
          const show = global.Deno?.inspect ?? inspect;
          s.log("shown", show(peer), show(message), String(peer) === peer.id, peer.id);
        },
      },
    }),
    async run(t) {
      (await t.connect("/x")).send("secret");
      const [{ data } = { data: [] }] = await t.logged("shown");
      const [peer, message, same, id] = data;
      assert.equal(peer, `Peer(${id} open, 127.0.0.1, ${t.path("/x")})`);
      assert.equal(message, `Message(text, 6 bytes, from ${id})`);
      assert.equal(same, true);
    },
  },
];

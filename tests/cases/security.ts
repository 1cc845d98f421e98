import assert from "node:assert/strict";
import { createEndpoint } from "../../endpoint/endpoint.ts";
import { CLOSE, closePayload, frame, PING, PONG, TEXT } from "../harness/clients/raw_client.ts";
import { type CaseClient, sleep } from "../harness/clients/case_client.ts";
import { stopwatch } from "../harness/time_limit.ts";
import type { Case } from "../fixtures/case.ts";

/** Attacks, each under the clause that it would break. */
export const security: readonly Case[] = [
  {
    id: "C10.odd-origins",
    fact: "no spelling makes a foreign origin equal to the server's own host",
    server: () => ({ onError() {} }),
    async run(client) {
      const Host = "app.example";
      const foreign: (string | string[])[] = [
        "null",
        "app.example",
        "//app.example",
        "https://app.example.evil.example",
        "https://evil-app.example",
        "https://evilapp.example",
        "https://sub.app.example",
        "https://app.example.",
        "https://app.example@evil.example",
        "https://evil.example#app.example",
        "https://evil.example/app.example",
        "https://evil.example\\@app.example",
        "https://evil.example%00.app.example",
        "https://xn--pp-7lc.example", // with a Cyrillic a
        ["https://app.example", "https://evil.example"],
        ["https://evil.example", "https://app.example"],
      ];
      for (const Origin of foreign) {
        const status = await statusOf(client, { Host, Origin, Cookie: "sid=1" });
        assert.ok([400, 403].includes(status), `${Origin}: ${status}`);
      }
      const own: [host: string, origin: string][] = [
        [Host, "https://APP.example"],
        [Host, "http://app.example:8443"],
        ["app.example.:80", "http://app.example."],
        ["xn--mnchen-3ya.example", "https://xn--mnchen-3ya.example"],
        ["[::1]:80", "http://[0:0::1]"],
      ];
      for (const [Host, Origin] of own) {
        assert.equal(await statusOf(client, { Host, Origin, Cookie: "sid=1" }), 101, Origin);
      }
    },
  },
  {
    id: "C10.patterns",
    fact:
      "allowedOrigins refuses origins that differ in name, scheme or port, also on repeated requests",
    server: () => ({
      onError() {},
      allowedOrigins: ["https://app.example", /^https:\/\/[a-z]+\.app\.example$/gy],
    }),
    async run(client) {
      const Cookie = "sid=1", admitted = ["https://app.example", "https://a.app.example"];
      const refused = [
        "null",
        "http://app.example",
        "https://app.example:444",
        "https://app.example.evil.example",
        "https://evil.example/https://app.example",
        "https://a.app.example.evil.example",
        "https://aapp.example",
        "xhttps://a.app.example",
      ];
      for (let time = 0; time < 2; time++) {
        for (const Origin of admitted) {
          assert.equal(await statusOf(client, { Origin, Cookie }), 101);
        }
        for (const Origin of refused) {
          assert.equal(await statusOf(client, { Origin, Cookie }), 403, Origin);
        }
      }
    },
  },
  {
    id: "C10.opaque",
    fact: 'the entries "null" and "file://" of allowedOrigins admit these origins, and no other',
    server: () => ({ onError() {}, allowedOrigins: ["null", "file://"] }),
    async run(client) {
      const Cookie = "sid=1";
      for (const Origin of ["null", "file://"]) {
        assert.equal(await statusOf(client, { Origin, Cookie }), 101, Origin);
      }
      for (const Origin of ["https://a.example", "file://a", "about:blank", "null.example"]) {
        assert.equal(await statusOf(client, { Origin, Cookie }), 403, Origin);
      }
    },
  },
  {
    id: "C10.advice",
    fact:
      "the option that the text of a refusal names is valid; a wildcard throws an error with advice",
    server: () => ({
      onError() {},
      commands: {
        make(allowedOrigins) {
          try {
            createEndpoint({ allowedOrigins: allowedOrigins as string[] });
            return "made";
          } catch (error) {
            return `${(error as Error).name}: ${(error as Error).message}`;
          }
        },
      },
    }),
    async run(client) {
      const origins = [
        "https://a.example",
        "http://a.example:8080",
        "null",
        "file://",
        "capacitor://localhost",
        "chrome-extension://abc",
        "ws://a.example",
        "https://a.example/path",
        "https://a.example:99999",
        "https://*.example",
        "a.example",
      ];
      for (const Origin of origins) {
        const raw = await client.raw({ headers: { Origin, Cookie: "sid=1" } });
        assert.equal((await raw.head()).status, 403, Origin);
        raw.fin();
        const body = await raw.body();
        const [, list] = /`allowedOrigins: (\[.*?\])` would admit/.exec(body) ?? [];
        if (list) assert.equal(await client.command("make", JSON.parse(list)), "made", Origin);
        else assert.match(body, /`allowedOrigins` as a function would admit/);
      }
      for (
        const wrong of ["*", "https://*.example.com", "wss://a.example", "https://u@a.example"]
      ) {
        const said = await client.command<string>("make", [wrong]);
        assert.match(
          said,
          /^TypeError: .* must be "\*", a function, .*: an origin, .* a RegExp/,
          wrong,
        );
      }
    },
  },
  {
    id: "C5.hops",
    fact:
      "in a chain of proxies only the values of the trusted proxies count, and Forwarded never counts",
    server: (server) => ({
      trustProxy: 2,
      hooks: { open: (peer) => server.log("open", peer.remoteAddress) },
    }),
    async run(client) {
      const line = "127.0.0.1";
      const table: [header: string | readonly string[], expected: string][] = [
        ["6.6.6.6, 198.51.100.1, 203.0.113.1", "198.51.100.1"],
        [["6.6.6.6", "198.51.100.1", "203.0.113.1"], "198.51.100.1"],
        ["203.0.113.1", line],
        ["", line],
        ["unknown, 203.0.113.1", line],
        ["_hidden, 203.0.113.1", line],
        ["999.1.1.1, 203.0.113.1", line],
        ["1.2.3.4:99999999, 203.0.113.1", "1.2.3.4"],
        ["[2001:db8::7]:1234, 203.0.113.1", "2001:db8::7"],
        ["2001:db8:::7, 203.0.113.1", line],
        ["fe80::1%eth0, 203.0.113.1", line],
        ["127.0.0.1' OR 1=1, 203.0.113.1", line],
      ];
      for (const [forwarded] of table) {
        const headers = { "X-Forwarded-For": forwarded, Forwarded: "for=6.6.6.6" };
        (await client.upgraded({ headers })).fin();
        await sleep(5);
      }
      const seen = (await client.logged("open", table.length)).map(({ data }) => data[0]);
      assert.deepEqual(seen, table.map(([, expected]) => expected));
    },
  },
  {
    id: "C10.empty-origin",
    fact: "an empty Origin, which no browser sends, does not count as the server's own host",
    server: () => ({ onError() {} }),
    async run(client) {
      const status = await statusOf(client, { Host: "app.example", Origin: "", Cookie: "sid=1" });
      assert.ok([400, 403].includes(status), String(status));
    },
  },
  {
    id: "C5.targets",
    fact:
      "no request target changes the host, or makes the namespace differ from the URL's pathname",
    runsAlone: true, // these targets name no case, so no other case can share the port
    server: (server) => ({
      hooks: {
        open(peer) {
          const { host, pathname } = new URL(peer.request.url);
          server.log("open", host, pathname === peer.namespace, peer.websocket.url.slice(0, 17));
        },
      },
    }),
    async run(client) {
      const below = [
        "//evil.example/x",
        "/@evil.example",
        "/%2e%2e/a",
        "/%00",
        "/a?//evil.example",
      ];
      const targets = [
        "//evil.example/x",
        "/@evil.example/",
        ...below.map((it) => client.path(it)),
      ];
      for (const target of targets) {
        await client.upgraded({ target, headers: { Host: "app.example" } });
      }
      for (const { data } of await client.logged("open", targets.length)) {
        assert.deepEqual(data, ["app.example", true, "ws://app.example/"]);
      }
    },
  },
  {
    id: "C4.host-tricks",
    fact: "a Host with user information, a path, a query or an escape gets 400",
    server: (server) => ({ hooks: { open: () => server.log("open") } }),
    async run(client) {
      const hosts = [
        "u@a.example",
        "u:p@a.example",
        "a.example\\b",
        "a%2fb",
        "a.example/..",
        "a?b",
      ];
      for (const Host of hosts) assert.equal(await statusOf(client, { Host }), 400, Host);
      assert.deepEqual(await client.events(), []);
    },
  },
  {
    id: "C4.body",
    fact: "the server never reads the body of a handshake as a request",
    server: (server) => ({
      hooks: {
        upgrade: (request) => server.log("upgrade", new URL(request.url).search),
        open: () => server.log("open"),
        message: () => server.log("message"),
      },
    }),
    async run(client) {
      const smuggled =
        `GET ${client.path("?smuggled")} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n` +
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
      const framings = [
        { "Content-Length": `${smuggled.length}` },
        { "Content-Length": "5" },
        { "Transfer-Encoding": "chunked" },
        { "Content-Length": "0", "Transfer-Encoding": "chunked" },
      ];
      for (const headers of framings) {
        for (const version of ["13", "12"]) { // one handshake is valid, one is refused
          const raw = await client.raw({
            headers: { ...headers, "Sec-WebSocket-Version": version },
          });
          raw.write(smuggled);
        }
      }
      const log = await client.log(300);
      assert.deepEqual(log.filter(({ data }) => data[0] === "?smuggled"), []);
      assert.ok(!log.some(({ event }) => event === "message"));
    },
  },
  {
    id: "C6.status-text",
    fact: "neither a status text nor a subprotocol can inject a header",
    server: () => ({
      onError() {},
      hooks: {
        upgrade(request) {
          const evil = "x\r\nInjected: yes";
          if (request.url.endsWith("?protocol")) return { protocol: evil };
          return new Response("no", { status: 403, statusText: evil });
        },
      },
    }),
    async run(client) {
      for (const query of ["?status", "?protocol"]) {
        const raw = await client.raw({
          target: client.path(query),
          headers: { "Sec-WebSocket-Protocol": "x" },
        });
        const { status, headers } = await raw.head();
        assert.ok([403, 500].includes(status), `${query}: ${status}`); // Bun 1.4 sends its own text
        assert.ok(!headers.some(([name]) => name === "injected"));
      }
    },
  },
  {
    id: "C11.prototype",
    fact: "no context, JSON, topic or namespace changes a prototype",
    server(server) {
      const evil = '{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 2}}}';
      return {
        getNamespace: (request) => new URL(request.url).searchParams.get("in")!,
        hooks: {
          upgrade(request) {
            request.context = JSON.parse(evil);
            return { context: JSON.parse(evil) };
          },
          open: (peer) => NAMES.forEach((name) => peer.subscribe(name)),
          message(peer, message) {
            message.json();
            server.log(
              "message",
              ({} as { polluted?: number }).polluted ?? "clean",
              (peer.context as { polluted?: number }).polluted ?? "clean",
              Object.getPrototypeOf(peer.context) === Object.prototype,
              peer.publish("__proto__", "hello"),
            );
          },
        },
      };
    },
    async run(client) {
      for (const name of NAMES) await client.connect(`?in=${name}`);
      const socket = await client.connect("?in=__proto__");
      socket.send('{"__proto__": {"polluted": 3}, "a": {"__proto__": {"polluted": 4}}}');
      const [message] = await client.logged("message");
      assert.deepEqual(message!.data, ["clean", "clean", true, 1]);
    },
  },
  {
    id: "I1.unguessable",
    fact:
      "ids come from the runtime's CSPRNG and never repeat, and an id does not predict the next",
    server(server) {
      const { randomUUID } = crypto, drawn: string[] = [];
      return {
        hooks: {
          upgrade() {
            crypto.randomUUID = () => drawn[drawn.push(randomUUID.call(crypto)) - 1] as never;
          },
          open({ id }) {
            crypto.randomUUID = randomUUID;
            server.log("open", drawn.filter((it) => it === id).length === 1, ...spreadOf(100_000));
          },
        },
      };
    },
    async run(client) {
      await client.connect();
      const [isDrawn, distinct, changed] = (await client.logged("open"))[0]!.data;
      assert.equal(isDrawn, true);
      assert.equal(distinct, 100_000);
      // Half of the 122 random bits change from one id to the next: 61 on average, ± 0.02.
      assert.ok(Math.abs(changed - 61) < 0.2, `${changed} bits`);
    },
  },
  {
    id: "E1.floods",
    fact: "a client's floods of empty fragments, pings and pongs leave time for another client",
    async run(client) {
      const flooder = await client.upgraded();
      flooder.write(frame(TEXT, "x", { fin: false }));
      for (const piece of [frame(0, "", { fin: false }), frame(PING), frame(PONG)]) {
        flooder.write(
          new Uint8Array(50_000 * piece.length).map((_, i) => piece[i % piece.length]!),
        );
        const elapsed = stopwatch();
        const other = await client.connect();
        other.close();
        await other.closed;
        const ms = elapsed();
        assert.ok(ms < 1500, `another client waited ${ms} ms`);
      }
    },
  },
  {
    id: "L5.network",
    fact: "maxPeersPerAddress counts all addresses of an IPv6 /64 as one",
    server: () => ({ trustProxy: true, limits: { maxPeersPerAddress: 1 } }),
    async run(client) {
      const status = (address: string) => statusOf(client, { "X-Forwarded-For": address });
      assert.equal(await status("2001:db8:1:2::1"), 101);
      assert.equal(await status("2001:db8:1:2:ffff::9"), 429);
      assert.equal(await status("2001:0db8:0001:0002:3:4:5:6"), 429);
      assert.equal(await status("2001:db8:1:3::1"), 101);
      assert.equal(await status("2001:db8::1"), 101);
      assert.equal(await status("2001:db8:0:0:1::"), 429);
      assert.equal(await status("::1"), 101);
      assert.equal(await status("::ffff:198.51.100.1"), 101);
      assert.equal(await status("::ffff:198.51.100.2"), 101);
      assert.equal(await status("198.51.100.2"), 429);
    },
  },
  {
    id: "L5.refused",
    fact: "a refused client frees its slot after every kind of refusal",
    server: () => ({
      onError() {},
      limits: { maxPeers: 1, handshakeTimeout: 50 },
      hooks: {
        upgrade(request) {
          switch (new URL(request.url).search) {
            case "?throw":
              throw new Error("no");
            case "?response":
              return new Response("no", { status: 401 });
            case "?protocol":
              return { protocol: "never-offered" };
            case "?late":
              return new Promise(() => {});
          }
        },
      },
    }),
    async run(client) {
      const queries: [query: string, status: number][] = [
        ["?throw", 500],
        ["?response", 401],
        ["?protocol", 500],
        ["?late", 503],
      ];
      for (const [query, expected] of queries) {
        assert.equal((await client.refused(query)).status, expected, query);
      }
      assert.equal(await statusOf(client, { Origin: "https://evil.example", Cookie: "a=b" }), 403);
      assert.equal(await statusOf(client, { "Sec-WebSocket-Key": "short" }), 400);
      await client.connect();
    },
  },
  {
    id: "L6.units",
    fact:
      "messagesPerSecond counts messages, empty ones included, but neither fragments nor control frames",
    server: (server) => ({
      limits: { messagesPerSecond: 5 },
      hooks: {
        message: () => server.log("message"),
        close: (_, { code }) => server.log("close", code),
      },
    }),
    async run(client) {
      const raw = await client.upgraded();
      raw.write(frame(TEXT, "x", { fin: false }));
      for (let i = 0; i < 50; i++) raw.write(frame(0, "", { fin: false }));
      raw.write(frame(0));
      for (let i = 0; i < 50; i++) raw.write(frame(PONG));
      await client.logged("message");
      assert.ok(!(await client.events(50)).includes("close"));
      for (let i = 0; i < 20; i++) raw.write(frame(TEXT));
      while ((await raw.frame()).opcode !== CLOSE);
      raw.write(frame(CLOSE, closePayload(1008)));
      assert.deepEqual((await client.logged("close"))[0]!.data, [1008]);
    },
  },
];

/** Names of properties that objects inherit or that lead to a prototype. */
const NAMES = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty"];

/** Status of the response to a handshake with these headers. An admitted client stays connected. */
async function statusOf(
  client: CaseClient,
  headers: Readonly<Record<string, string | readonly string[]>>,
): Promise<number> {
  return (await (await client.raw({ headers })).head()).status;
}

/** Draws ids. Returns the number of distinct ids, and the average number of bits that change between two. */
function spreadOf(count: number): [distinct: number, changedBits: number] {
  const ids = Array.from({ length: count }, () => crypto.randomUUID().replaceAll("-", ""));
  const bits = ids.map((id) => [0, 8, 16, 24].map((at) => parseInt(id.slice(at, at + 8), 16)));
  let changed = 0;
  for (let i = 1; i < count; i++) {
    bits[i]!.forEach((word, at) => {
      for (let left = (word ^ bits[i - 1]![at]!) >>> 0; left; left &= left - 1) changed++;
    });
  }
  return [new Set(ids).size, changed / (count - 1)];
}

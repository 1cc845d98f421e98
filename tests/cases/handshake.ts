import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import type { CaseClient } from "../harness/clients/case_client.ts";
import type { Case, CaseServer } from "../fixtures/case.ts";
import type { RawHandshakeOptions } from "../harness/clients/raw_client.ts";

const loggingHooks = (server: CaseServer) => ({
  hooks: {
    upgrade: () => server.log("upgrade"),
    open: () => server.log("open"),
  },
});

/** Sends a handshake that the server must refuse before any hook runs. */
async function mustRefuse(
  client: CaseClient,
  options: RawHandshakeOptions,
  status: number,
  body: RegExp,
): Promise<Record<string, string>> {
  const raw = await client.raw(options);
  const head = await raw.head();
  const what = JSON.stringify(options);
  assert.equal(head.status, status, what);
  raw.fin();
  assert.match(await raw.body(), body, what);
  assert.deepEqual(await client.events(), [], `${what} reached a hook`);
  assert.equal((await client.stats()).peers, 0);
  return Object.fromEntries(head.headers);
}

/** Number of open sockets at a local port. Reads /proc, as the suite runs on Linux. */
async function descriptorsAt(port: number): Promise<number> {
  const { existsSync, readFileSync } = await import("node:fs");
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const lines = ["/proc/net/tcp", "/proc/net/tcp6"].filter((table) => existsSync(table))
    .flatMap((table) => readFileSync(table, "utf8").split("\n").slice(1));
  const sockets = lines.map((line) => line.trim().split(/\s+/));
  return sockets.filter(([, local, , , , , , , , inode]) =>
    local?.endsWith(suffix) && inode !== "0"
  )
    .length;
}

/** Headers of every handshake. */
const HANDSHAKE = [
  "Host: a.example",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "",
].join("\r\n");

/** C4, C5, C9, C10: validity, path, subprotocol and origin of a handshake. */
export const handshake: readonly Case[] = [
  {
    id: "C4.method",
    fact: "a handshake by POST gets 405 with Allow, and no hook runs",
    server: loggingHooks,
    async run(client) {
      const headers = await mustRefuse(
        client,
        { method: "POST" },
        405,
        /GET/,
      );
      assert.equal(headers.allow, "GET");
    },
  },
  {
    id: "C4.upgrade",
    fact: "a handshake for a protocol other than websocket gets 426 with Upgrade: websocket",
    server: loggingHooks,
    async run(client) {
      const headers = await mustRefuse(client, { headers: { Upgrade: "h2c" } }, 426, /websocket/i);
      assert.equal(headers.upgrade?.toLowerCase(), "websocket");
    },
  },
  {
    id: "C4.version",
    fact: "a handshake with a version other than 13 gets 426 with Sec-WebSocket-Version: 13",
    server: loggingHooks,
    async run(client) {
      for (const version of ["12", "14", "013", "13, 12", "", null]) {
        const headers = { "Sec-WebSocket-Version": version };
        const found = await mustRefuse(client, { headers }, 426, /version.* 13/i);
        assert.equal(found["sec-websocket-version"], "13");
      }
    },
  },
  {
    id: "C4.key",
    fact: "a handshake whose key is not 16 bytes in base64 gets 400",
    server: loggingHooks,
    async run(client) {
      const bad = [
        null,
        "",
        "abc",
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25jZSE=",
        "not base64 at all!!!!==",
      ];
      for (const key of bad) {
        await mustRefuse(
          client,
          { headers: { "Sec-WebSocket-Key": key } },
          400,
          /Sec-WebSocket-Key/,
        );
      }
    },
  },
  {
    id: "C4.host",
    fact: "a handshake with an illegal Host gets 400, and the server goes on",
    server: loggingHooks,
    async run(client) {
      for (
        const Host of ["[", "a@b/c?d", "a b", "a/b", "a#b", "a:b", "a:99999", "%zz", "[::1", "a,b"]
      ) {
        await mustRefuse(client, { headers: { Host } }, 400, /Host/i);
      }
    },
  },
  {
    id: "C4.host-missing",
    fact: "a handshake with no Host or two Host headers gets 400",
    server: loggingHooks,
    async run(client) {
      for (const Host of [null, ["a.example", "b.example"]]) {
        const raw = await client.raw({ headers: { Host } });
        assert.equal((await raw.head()).status, 400);
        raw.fin();
      }
      assert.deepEqual(await client.events(), []);
    },
  },
  {
    id: "C4.subprotocol-list",
    fact: "a handshake whose subprotocol list has an illegal or repeated token gets 400",
    server: loggingHooks,
    async run(client) {
      for (const list of ["a b", "a, a", "a,,a", "(x)", ",a;b"]) {
        await mustRefuse(
          client,
          { headers: { "Sec-WebSocket-Protocol": list } },
          400,
          /Sec-WebSocket-Protocol/,
        );
      }
    },
  },
  {
    id: "C4.subprotocol-empty",
    fact: "empty elements of a subprotocol list are ignored",
    server: (server) => ({
      handleProtocols(offered) {
        server.log("offered", [...offered]);
        return [...offered].at(-1);
      },
      hooks: { open: (peer) => server.log("open", peer.websocket.protocol) },
    }),
    async run(client) {
      const lists: [list: string | string[], selected: string | undefined][] = [
        ["ocpp1.6,", "ocpp1.6"],
        ["a,, b", "b"],
        [" ,\ta ,", "a"],
        [["a", "", "b"], "b"],
        ["", undefined],
        [",", undefined],
      ];
      for (const [list, selected] of lists) {
        const raw = await client.raw({ headers: { "Sec-WebSocket-Protocol": list } });
        const { status, headers } = await raw.head();
        assert.equal(status, 101, JSON.stringify(list));
        assert.equal(Object.fromEntries(headers)["sec-websocket-protocol"], selected);
      }
      const opened = (await client.logged("open", lists.length)).map(({ data }) => data[0]);
      assert.deepEqual(opened, lists.map(([, selected]) => selected ?? ""));
      assert.equal((await client.logged("offered", 4)).length, 4);
    },
  },
  {
    id: "C4.key-unused-bits",
    fact: "a key whose unused bits are not zero is valid, as in RFC 6455 §4.1",
    server: loggingHooks,
    async run(client) {
      for (const key of ["AQIDBAUGBwgJCgsMDQ4PEC==", "dGhlIHNhbXBsZSBub25jZf=="]) {
        await client.upgraded({ headers: { "Sec-WebSocket-Key": key } });
      }
      await client.logged("open", 2);
    },
  },
  {
    id: "C4.lenient",
    fact:
      "the header names and tokens of a handshake may have any case, and Connection may be a list",
    server: loggingHooks,
    async run(client) {
      await client.upgraded({
        headers: { Upgrade: "WebSocket", Connection: "keep-alive, upgrade" },
      });
      const headers = { Upgrade: null, UPGRADE: "websocket", "Sec-WebSocket-Version": null };
      await client.upgraded({ headers: { ...headers, "sec-websocket-version": "13" } });
      await client.logged("open", 2);
    },
  },
  {
    id: "C4.upgrade-list",
    fact: "a client may offer other protocols besides websocket",
    server: loggingHooks,
    async run(client) {
      await client.upgraded({ headers: { Upgrade: "websocket, other/1" } });
      await client.logged("open");
    },
  },
  {
    id: "C4.header-bytes",
    fact: "a header value beyond ASCII becomes one character per byte, and the handshake succeeds",
    server: (server) => ({
      hooks: { upgrade: ({ headers }) => server.log("upgrade", headers.get("x-price")) },
    }),
    async run(client) {
      const raw = await client.tcp();
      const target = `GET ${client.path()} HTTP/1.1`;
      raw.write(Buffer.from(
        `${target}\r\n${HANDSHAKE}X-Price: 5 \u20ac each\r\n\r\n`, // a client should send no UTF-8 here
      ));
      assert.equal((await raw.head()).status, 101);
      assert.deepEqual((await client.logged("upgrade"))[0]!.data, ["5 \u00e2\u0082\u00ac each"]);
    },
  },
  {
    id: "C4.leaves-server-alone",
    fact: "a refused handshake is counted, and the next client connects",
    server: loggingHooks,
    async run(client) {
      await mustRefuse(client, { headers: { "Sec-WebSocket-Key": "x" } }, 400, /Key/);
      await client.connect();
      const { refusals, opened } = await client.stats();
      assert.deepEqual({ refusals, opened }, { refusals: 1, opened: 1 });
    },
  },
  {
    id: "C4.descriptors",
    fact: "a refused client that sends garbage and leaves keeps no descriptor open",
    runsAlone: true,
    async run(client) {
      const before = await descriptorsAt(client.port);
      const connections = await Promise.all(Array.from({ length: 60 }, async () => {
        const raw = await client.raw({ headers: { "Sec-WebSocket-Key": "bad" } });
        assert.equal((await raw.head()).status, 400);
        raw.write("garbage that nobody reads");
        await new Promise((go) => setTimeout(go, 20));
        raw.fin();
        return raw;
      }));
      await new Promise((go) => setTimeout(go, 50));
      for (const raw of connections) raw.destroy();
      let left = 60;
      for (let i = 0; i < 60 && left > 10; i++) {
        await new Promise((go) => setTimeout(go, 30));
        left = await descriptorsAt(client.port) - before;
      }
      assert.ok(left <= 10, `${left} descriptors are still open`);
    },
  },
  {
    id: "C5.path",
    fact: "the path comes from the request target, and Host does not change it",
    server: (server) => ({
      hooks: {
        open: (peer) => server.log("open", peer.namespace, new URL(peer.request.url).pathname),
      },
    }),
    async run(client) {
      await client.upgraded({ target: client.path("/room"), headers: { Host: "evil.example" } });
      const [{ data } = { data: [] }] = await client.logged("open");
      assert.deepEqual(data, [client.path("/room"), client.path("/room")]);
    },
  },
  {
    id: "C5.absolute-form",
    fact: "for a request target in absolute form, the namespace is the target's path",
    server: (server) => ({ hooks: { open: (peer) => server.log("open", peer.namespace) } }),
    async run(client) {
      await client.upgraded({ target: `http://evil.example${client.path("/room?x")}` });
      assert.deepEqual((await client.logged("open"))[0]!.data, [client.path("/room")]);
    },
  },
  {
    id: "C5.normal-form",
    fact: "the default namespace is the URL's pathname in its normal form",
    server: (server) => ({ hooks: { open: (peer) => server.log("open", peer.namespace) } }),
    async run(client) {
      await client.upgraded({ target: client.path("/a/../b/%7Ec//d?x=/e") });
      const [{ data } = { data: [] }] = await client.logged("open");
      assert.deepEqual(data, [client.path("/b/%7Ec//d")]);
    },
  },
  {
    id: "C5.forwarded-ignored",
    fact: "without trustProxy, X-Forwarded-* headers change neither the URL nor the address",
    server: (server) => ({
      hooks: { open: (peer) => server.log("open", peer.request.url, peer.remoteAddress) },
    }),
    async run(client) {
      const headers = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-For": "1.2.3.4",
      };
      await client.upgraded({ headers });
      const [{ data } = { data: [] }] = await client.logged("open");
      assert.deepEqual(data, [`http://127.0.0.1:${client.port}${client.path()}`, "127.0.0.1"]);
    },
  },
  {
    id: "C5.trust-proxy",
    fact: "with trustProxy the last forwarded values count, and illegal values are ignored",
    server: (server) => ({
      trustProxy: true,
      hooks: { open: (peer) => server.log("open", peer.request.url, peer.remoteAddress) },
    }),
    async run(client) {
      await client.upgraded({
        headers: {
          "X-Forwarded-Host": "app.example",
          "X-Forwarded-Proto": "https",
          "X-Forwarded-For": "6.6.6.6, 203.0.113.7",
        },
      });
      await client.upgraded({
        headers: { "X-Forwarded-Host": "a/b?c", "X-Forwarded-For": "<script>" },
      });
      const [good, bad] = (await client.logged("open", 2)).map(({ data }) => data);
      assert.deepEqual(good, [`https://app.example${client.path()}`, "203.0.113.7"]);
      assert.deepEqual(bad, [`http://127.0.0.1:${client.port}${client.path()}`, "127.0.0.1"]);
    },
  },
  {
    id: "C9.picked",
    fact: "the server selects the subprotocol that upgrade names in protocol or in a header",
    server: (server) => ({
      hooks: {
        upgrade(request) {
          return request.url.endsWith("?header")
            ? { headers: { "Sec-WebSocket-Protocol": "b" } }
            : { protocol: "b" };
        },
        open: (peer) => server.log("open", peer.websocket.protocol),
      },
    }),
    async run(client) {
      for (const query of ["", "?header"]) {
        for (const list of ["a, b", "a,b", "b"]) {
          const raw = await client.raw({
            target: client.path(query),
            headers: { "Sec-WebSocket-Protocol": list },
          });
          const { headers } = await raw.head();
          const selected = headers.filter(([name]) => name === "sec-websocket-protocol");
          assert.deepEqual(selected, [["sec-websocket-protocol", "b"]]);
        }
      }
      const opened = await client.logged("open", 6);
      assert.ok(opened.every(({ data }) => data[0] === "b"));
    },
  },
  {
    id: "C9.none",
    fact: "if upgrade names no subprotocol, the response names none",
    server: (server) => ({
      hooks: { open: (peer) => server.log("open", peer.websocket.protocol) },
    }),
    async run(client) {
      const raw = await client.raw({ headers: { "Sec-WebSocket-Protocol": "a,b" } });
      const { status, headers } = await raw.head();
      assert.equal(status, 101);
      assert.ok(!headers.some(([name]) => name === "sec-websocket-protocol"));
      assert.deepEqual((await client.logged("open"))[0]!.data, [""]);
    },
  },
  {
    id: "C9.option",
    fact:
      "handleProtocols selects a subprotocol, and runs only if upgrade names none and the client offers some",
    server: (server) => ({
      handleProtocols(offered, request) {
        server.log("asked", [...offered], new URL(request.url).search);
        return request.url.endsWith("?later") ? Promise.resolve("b") : offered.has("b") && "b";
      },
      hooks: {
        upgrade(request) {
          if (request.url.endsWith("?named")) return { protocol: "a" };
          if (request.url.endsWith("?header")) {
            return { headers: { "sec-websocket-protocol": "a" } };
          }
        },
        open: (peer) => server.log("open", peer.websocket.protocol),
      },
    }),
    async run(client) {
      const table: [query: string, offered: string[], selected: string][] = [
        ["", ["a", "b"], "b"],
        ["?later", ["a", "b"], "b"],
        ["", ["a"], ""],
        ["?named", ["a", "b"], "a"],
        ["?header", ["a", "b"], "a"],
        ["", [], ""],
      ];
      for (const [query, protocols, selected] of table) {
        const raw = await client.raw({
          target: client.path(query),
          headers: { "Sec-WebSocket-Protocol": protocols.join(", ") || null },
        });
        const { status, headers } = await raw.head();
        assert.equal(status, 101);
        assert.equal(new Headers(headers).get("sec-websocket-protocol") ?? "", selected, query);
      }
      assert.deepEqual((await client.logged("open", 6)).map(({ data }) => data[0]), [
        ...table.map(([, , selected]) => selected),
      ]);
      assert.deepEqual((await client.logged("asked", 3)).map(({ data }) => data), [
        [["a", "b"], ""],
        [["a", "b"], "?later"],
        [["a"], ""],
      ]);
    },
  },
  {
    id: "C9.option-not-offered",
    fact: "a subprotocol that handleProtocols selects and the client did not offer is a 500",
    server: (server) => ({
      handleProtocols: () => Promise.resolve("c"),
      hooks: { open: () => server.log("open") },
      onError: (error) => server.log("onError", String(error)),
    }),
    async run(client) {
      assert.equal((await client.refused("", { protocols: ["a", "b"] })).status, 500);
      assert.match(
        (await client.logged("onError"))[0]!.data[0],
        /subprotocol "c".*offered are "a", "b"/,
      );
      assert.deepEqual(await client.events(), ["onError"]);
    },
  },
  {
    id: "C9.not-offered",
    fact:
      "a subprotocol that upgrade names and the client did not offer is a 500 and an error to onError",
    server: (server) => ({
      hooks: { upgrade: () => ({ protocol: "c" }), open: () => server.log("open") },
      onError: (error, { stage }) => server.log("onError", stage, String(error)),
    }),
    async run(client) {
      const refused = await client.refused("", { protocols: ["a", "b"] });
      assert.equal(refused.status, 500);
      const [{ data } = { data: [] }] = await client.logged("onError");
      assert.deepEqual(data, [
        "upgrade",
        'TypeError: Cannot select the subprotocol "c" as the client did not offer it: offered are "a", "b"',
      ]);
      assert.deepEqual(await client.events(), ["onError"]);
    },
  },
  {
    id: "C10.foreign",
    fact:
      "a foreign page with cookies or Authorization gets 403; the body names the origin and the option",
    server: (server) => ({
      hooks: { open: () => server.log("open") },
      onError: (error, { stage }) => server.log("onError", stage, String(error)),
    }),
    async run(client) {
      for (const credential of [{ Cookie: "sid=1" }, { Authorization: "Basic x" }]) {
        const refused = await client.refused("", {
          origin: "https://evil.example",
          headers: credential,
        });
        assert.equal(refused.status, 403);
        assert.match(refused.body, /https:\/\/evil\.example/);
        assert.match(refused.body, /allowedOrigins: \["https:\/\/evil\.example"\]/);
      }
      const reports = await client.logged("onError");
      assert.equal(reports.length, 1, "onError receives only the first refusal");
      assert.match(reports[0]!.data[1], /allowedOrigins: \["https:\/\/evil\.example"\]/);
      assert.ok(!(await client.events()).includes("open"));
    },
  },
  {
    id: "C10.admitted",
    fact:
      "a page of the server's own host is admitted from any port, and a foreign page if it has no credentials",
    async run(client) {
      await client.connect("", { origin: "http://127.0.0.1:1", headers: { Cookie: "a=b" } });
      await client.connect("", { origin: "https://127.0.0.1", headers: { Cookie: "a=b" } });
      await client.connect("", { origin: "https://elsewhere.example" });
      await client.connect("", { headers: { Cookie: "a=b" } });
      const refused = await client.refused("", { origin: "null", headers: { Cookie: "a=b" } });
      assert.equal(refused.status, 403);
    },
  },
  {
    id: "C10.allowed-origins",
    fact: "allowedOrigins admits the origins that match a string or RegExp, and no other",
    server: () => ({
      allowedOrigins: ["https://app.example", /^https:\/\/[a-z]+\.trusted\.example$/g],
    }),
    async run(client) {
      const headers = { Cookie: "a=b" };
      const good = [
        "https://app.example",
        "https://x.trusted.example",
        "https://y.trusted.example",
      ];
      for (const origin of good) await client.connect("", { origin, headers });
      const bad = [
        "https://app.example.evil.example",
        "http://app.example",
        "https://app.example:8443",
      ];
      for (const origin of bad) {
        assert.equal((await client.refused("", { origin, headers })).status, 403, origin);
      }
    },
  },
  {
    id: "C10.forwarded-host",
    fact: "with trustProxy the origin guard compares Origin with the forwarded host",
    server: () => ({ trustProxy: 1 }),
    async run(client) {
      const headers = { Cookie: "a=b", "X-Forwarded-Host": "app.example" };
      await client.connect("", { origin: "https://app.example", headers });
      const refused = await client.refused("", {
        origin: `http://127.0.0.1:${client.port}`,
        headers,
      });
      assert.equal(refused.status, 403);
    },
  },
];

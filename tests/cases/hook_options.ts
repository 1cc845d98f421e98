import assert from "node:assert/strict";
import type { Hooks } from "../../endpoint/hooks.ts";
import { type CaseClient, sleep } from "../harness/clients/case_client.ts";
import type { Case, CaseServer } from "../fixtures/case.ts";

/** Topics of a subscriber. A native broadcast to each fills its queue before any check is due. */
const TOPICS = 400;
const PAGE = "https://app.example", Cookie = "sid=1";

/** C13: options that hooks carry for their connections. */
export const hookOptions: readonly Case[] = [
  {
    id: "C13.payload",
    fillsMemory: true,
    fact: "hooks of resolve raise and lower maxPayload for their own connections only",
    server: (server) => ({
      resolve: (request) => ({
        ...endings(server),
        ...byQuery(request, {
          large: { limits: { maxPayload: 3 * 1024 * 1024 } },
          small: { limits: { maxPayload: 1000 } },
        }),
      }),
    }),
    async run(client) {
      const large = await client.connect("?large");
      large.send(new Uint8Array(2 * 1024 * 1024));
      large.send("x".repeat(3 * 1024 * 1024));
      await client.logged("message", 2);
      for (const [query, size] of [["?small", 1000], ["", 1024 * 1024]] as const) {
        const socket = await client.connect(query);
        socket.send(new Uint8Array(size));
        socket.send(new Uint8Array(size + 1));
        await tooLarge(client, query);
      }
      const sizes = (await client.logged("message", 4)).map(({ data }) => data[1]);
      assert.deepEqual(sizes, [2_097_152, 3_145_728, 1000, 1_048_576]);
      assert.equal(large.socket.readyState, 1);
    },
  },
  {
    id: "C13.static",
    fact: "the hooks of the adapter carry limits too, which override the limits of the adapter",
    server: (server) => ({
      limits: { maxPayload: 500, maxTopicLength: 7 },
      hooks: {
        limits: { maxPayload: 1000 },
        open: (peer) => server.log("open", attempt(() => peer.subscribe("8 bytes."))),
        ...endings(server),
      },
      commands: { limits: () => server.ws.endpoint.limits },
    }),
    async run(client) {
      const socket = await client.connect();
      assert.match((await client.logged("open"))[0]!.data[0], /maxTopicLength is 7/);
      socket.send("x".repeat(1000));
      await client.logged("message");
      socket.send("x".repeat(1001));
      await tooLarge(client, "");
    },
  },
  {
    id: "C13.precedence",
    fact:
      "limits of resolved hooks override those of global hooks, then those of the adapter; all others stay in force",
    server: (server) => ({
      limits: { maxTopicsPerPeer: 1, maxTopicLength: 3 },
      hooks: {
        limits: { maxTopicsPerPeer: 2 },
        message(peer, message) {
          const tooLong = attempt(() => peer.subscribe("long"));
          for (const topic of ["a", "b", "c", "d"]) attempt(() => peer.subscribe(topic));
          server.log("topics", message.text(), peer.topics.size, tooLong);
        },
      },
      resolve: (request) =>
        byQuery(request, { own: { limits: { maxTopicsPerPeer: 3 } }, none: {} }),
    }),
    async run(client) {
      for (const query of ["?own", "?none", ""]) (await client.connect(query)).send(query);
      const seen = (await client.logged("topics", 3)).map(({ data }) => data);
      const sizes = Object.fromEntries(seen.map(([query, size]) => [query, size]));
      assert.deepEqual(sizes, { "?own": 3, "?none": 2, "": 2 });
      for (const [, , tooLong] of seen) assert.match(tooLong, /^RangeError: .*maxTopicLength is 3/);
    },
  },
  {
    id: "C13.queue",
    fillsMemory: true,
    fact:
      "a slow subscriber whose hooks set maxBuffered is closed with 1013 there, and another subscriber is not",
    server: (server) => ({
      getNamespace: () => "all",
      hooks: {
        open(peer) {
          for (let topic = 0; topic < TOPICS; topic++) peer.subscribe(`${topic}`);
        },
        message() {
          const chunk = "x".repeat(32 * 1024);
          for (let topic = 0; topic < TOPICS; topic++) server.ws.publish(`${topic}`, chunk);
          server.log("published");
        },
        close: (peer, { code }) => server.log("close", new URL(peer.request.url).search, code),
      },
      resolve: (request) =>
        byQuery(request, { small: { limits: { maxBuffered: 256 * 1024, closeTimeout: 200 } } }),
    }),
    async run(client) {
      // The first subscriber of a topic gets its messages one by one.
      const publisher = await client.connect();
      const usual = await client.connect("?usual"), small = await client.connect("?small");
      for (const { socket } of [small, usual]) socket.pause();
      // The system's buffers take some MiB of a connection before the process queues bytes.
      publisher.send("go");
      await client.logged("published");
      assert.deepEqual((await client.logged("close"))[0]!.data, ["?small", 1013]);
      assert.deepEqual((await client.log()).filter(({ event }) => event === "close").length, 1);
    },
  },
  {
    id: "C13.ping",
    fact:
      "a silent client is pinged in the pingInterval of its hooks, and gone after their idleTimeout",
    server: (server) => ({
      resolve: () => ({
        limits: { pingInterval: 300, idleTimeout: 1000 },
        close: (_, { code }) => server.log("close", code),
      }),
    }),
    async run(client) {
      const raw = await client.upgraded();
      assert.equal((await raw.frame()).opcode, 9);
      assert.deepEqual((await client.logged("close"))[0]!.data, [1006]);
    },
  },
  {
    id: "C13.close-time",
    fact: "a client that does not answer the close is gone after the closeTimeout of its hooks",
    server: (server) => ({
      resolve: () => ({
        limits: { closeTimeout: 150 },
        message: (peer) => peer.close(4000),
        close: (_, info) => server.log("close", info),
      }),
    }),
    async run(client) {
      const raw = await client.upgraded();
      raw.write(new Uint8Array([0x81, 0x82, 0, 0, 0, 0, 0x67, 0x6f])); // "go"
      const [{ data } = { data: [] }] = await client.logged("close");
      // uWebSockets.js and Bun report our close at once, and as a clean one.
      assert.equal(data[0].code, 4000);
    },
  },
  {
    id: "C13.handshake-time",
    fact:
      "handshakeTimeout of resolved hooks limits their upgrade hook, and counts from the start of the handshake",
    server: (server) => ({
      limits: { handshakeTimeout: 400 },
      async resolve(request) {
        const { search } = new URL(request.url);
        if (search.startsWith("?later")) await pause(20);
        if (search === "?stuck") await new Promise(() => {});
        return {
          limits: { handshakeTimeout: search.endsWith("short") ? 100 : 30_000 },
          async upgrade() {
            if (search.endsWith("short")) await new Promise(() => {});
            await pause(600);
          },
        };
      },
      onError: (error) => server.log("onError", String(error)),
    }),
    async run(client) {
      for (const query of ["?short", "?later-short"]) {
        assert.equal((await client.refused(query)).status, 503, query);
      }
      assert.equal((await client.refused("?stuck")).status, 503);
      await client.connect("?later-long");
      const times = (await client.logged("onError", 3)).map(({ data }) =>
        data[0].match(/\d+ ms/)[0]
      );
      assert.deepEqual(times, ["100 ms", "100 ms", "400 ms"]);
    },
  },
  {
    id: "C13.origins",
    fact:
      "allowedOrigins of resolved hooks decides instead of that of the adapter, after resolve and before upgrade",
    server: (server) => ({
      allowedOrigins: ["https://adapter.example"],
      resolve(request) {
        server.log("resolve");
        return byQuery(request, {
          list: { allowedOrigins: [PAGE], upgrade: () => server.log("upgrade") },
          asked: {
            allowedOrigins: (origin: string) => origin === PAGE,
            upgrade: () => server.log("upgrade"),
          },
          none: { upgrade: () => server.log("upgrade") },
        });
      },
      onError: (error, { stage }) => server.log("onError", stage, String(error)),
    }),
    async run(client) {
      const with_ = (Origin: string) => ({ headers: { Origin, Cookie } });
      const admitted = [["?list", PAGE], ["?asked", PAGE], ["?none", "https://adapter.example"]];
      for (const [query, origin] of admitted) await client.connect(query, with_(origin!));
      await client.logged("upgrade", 3);
      const refused = [["?list", "https://adapter.example"], ["?asked", "https://b.example"], [
        "?none",
        PAGE,
      ]];
      for (const [query, origin] of refused) {
        const { status, body } = await client.refused(query, with_(origin!));
        assert.equal(status, 403, query);
        assert.match(body, /allowedOrigins.*in the adapter or in the hooks/);
      }
      const events = (await client.log()).map(({ event }) => event);
      assert.ok(events.filter((event) => event === "resolve").length >= 6);
      assert.equal(events.filter((event) => event === "upgrade").length, 3);
      const reports = (await client.logged("onError")).map(({ data }) => data);
      assert.equal(reports.length, 1, "only the first refusal is reported");
      assert.equal(reports[0]![0], "origin");
      const { peers, refusals } = await client.stats();
      assert.deepEqual({ peers, refusals }, { peers: 3, refusals: 3 });
    },
  },
  {
    id: "C13.proxy",
    fact:
      "with trustProxy of resolved hooks, URL, address and own origin are those that the proxy forwards, from upgrade on",
    server: (server) => ({
      resolve(request) {
        request.context = { resolved: 1 };
        (request as { mark?: string }).mark = "kept";
        const { signal, url } = request;
        server.log("resolve", new URL(url).host);
        return byQuery(request, {
          trusts: {
            trustProxy: true,
            upgrade(request) {
              server.log(
                "upgrade",
                request.url.replace(/\/C13.*/, ""),
                request.context,
                (request as { mark?: string }).mark,
                request.signal === signal && !signal.aborted,
                request.headers.get("x-forwarded-host"),
              );
            },
          },
          not: { upgrade: ({ url }) => server.log("upgrade", url.replace(/\/C13.*/, "")) },
        });
      },
      hooks: {
        message(peer) {
          const { request, websocket, remoteAddress } = peer;
          const urls = [request.url, websocket.url].map((url) => url.replace(/\/C13.*/, ""));
          server.log("peer", ...urls, remoteAddress);
        },
      },
      onError() {},
    }),
    async run(client) {
      const headers = {
        "X-Forwarded-For": "198.51.100.7",
        "X-Forwarded-Host": "app.example",
        "X-Forwarded-Proto": "https",
        Origin: PAGE,
        Cookie,
      };
      (await client.connect("?trusts", { headers })).send("go");
      const own = `127.0.0.1:${client.port}`;
      assert.deepEqual((await client.logged("resolve"))[0]!.data, [own]);
      assert.deepEqual((await client.logged("upgrade"))[0]!.data, [
        PAGE,
        { resolved: 1 },
        "kept",
        true,
        "app.example",
      ]);
      const peer = (await client.logged("peer"))[0]!.data;
      assert.deepEqual(peer, [PAGE, "wss://app.example", "198.51.100.7"]);
      assert.equal((await client.refused("?not", { headers })).status, 403);
      const { Origin: _, ...rest } = headers;
      (await client.connect("?not", { headers: rest })).send("go");
      assert.equal((await client.logged("upgrade", 2))[1]!.data[0], `http://${own}`);
      const [http, ws, address] = (await client.logged("peer", 2))[1]!.data;
      assert.deepEqual([http, ws], [`http://${own}`, `ws://${own}`]);
      assert.equal(address, "127.0.0.1");
    },
  },
  {
    id: "C13.mistakes",
    fact:
      "a wrong option in hooks of the adapter throws when the adapter is made; from resolve, it is a 500, and onError gets the error",
    server(server) {
      const wrong = mistakes();
      return {
        resolve: (request) => wrong[Number(new URL(request.url).search.slice(1))] as object,
        hooks: { open: () => server.log("open") },
        onError: (error, { stage }) => server.log("onError", stage, String(error)),
        commands: {
          make() {
            const Adapter = server.ws.constructor as new (options: unknown) => unknown;
            return mistakes().map((hooks) => attempt(() => new Adapter({ hooks })));
          },
        },
      };
    },
    async run(client) {
      const expected = [
        /^TypeError: .*limits as it must be an object: found number/,
        /^TypeError: .*limits as it must be an object: found null/,
        /^TypeError: .*limits\.maxPayload as it must be a number: current value is "1"/,
        /^RangeError: .*limits\.maxPayload as it must be 1 to Infinity: current value is 0/,
        /^TypeError: .*limits\.maxpayload as there is no such limit of a connection/,
        /^TypeError: .*limits\.maxPeers as there is no such limit.*belong to the adapter/,
        /^RangeError: .*pingInterval must not be over idleTimeout: 60001 > 60000/,
        /^TypeError: .*limits\.overflow.*explode/,
        /^TypeError: .*allowedOrigins.*example\.com/,
        /^TypeError: .*allowedOrigins.*\*\.example\.com/,
        /^TypeError: .*trustProxy.*yes/,
        /^TypeError: .*trustProxy.*-1/,
        /^TypeError: .*trustProxy.*null/,
      ];
      const errors = await client.command<string[]>("make");
      assert.equal(errors.length, expected.length);
      for (const [i, pattern] of expected.entries()) {
        assert.match(errors[i]!, pattern);
        assert.match(errors[i]!, /hooks\.|these limits/);
        const { status, body } = await client.refused(`?${i}`);
        assert.deepEqual([status, body], [500, "Internal Server Error\n"], String(i));
      }
      const reports = (await client.logged("onError", expected.length)).map(({ data }) => data);
      for (const [i, pattern] of expected.entries()) {
        assert.equal(reports[i]![0], "upgrade");
        assert.match(reports[i]![1], pattern);
      }
      assert.ok(!(await client.events()).includes("open"));
      assert.equal((await client.stats()).peers, 0);
    },
  },
  {
    id: "C13.more",
    fact:
      "hooks of resolve that ask for a larger maxPayload than the adapter get it, or their clients a 500 that says why",
    server: (server) => ({
      limits: { maxPayload: 1000 },
      resolve: () => ({ limits: { maxPayload: 2000 }, ...endings(server) }),
      onError: (error) => server.log("onError", String(error)),
    }),
    async run(client) {
      try {
        (await client.connect()).send("x".repeat(2000));
      } catch (refused) {
        assert.equal((refused as { status?: number }).status, 500);
        const [{ data } = { data: [] }] = await client.logged("onError");
        assert.match(
          data[0],
          /^RangeError: .*limits\.maxPayload.*1000 bytes.*2000.*of the adapter/,
        );
        return;
      }
      assert.deepEqual((await client.logged("message"))[0]!.data, ["", 2000]);
    },
  },
  {
    id: "C13.undefined",
    fact: "an option of hooks that is undefined counts as absent",
    server(server) {
      const absent: object = { limits: { maxPayload: undefined }, trustProxy: undefined };
      return {
        limits: { maxPayload: 1000 },
        trustProxy: true,
        hooks: {
          ...endings(server),
          ...{ limits: undefined, allowedOrigins: undefined } as object,
        },
        resolve: () => ({ ...absent, open: (peer) => server.log("open", peer.remoteAddress) }),
      };
    },
    async run(client) {
      const socket = await client.connect("", { headers: { "X-Forwarded-For": "198.51.100.7" } });
      assert.deepEqual((await client.logged("open"))[0]!.data, ["198.51.100.7"]);
      socket.send("x".repeat(1001));
      await tooLarge(client, "");
    },
  },
];

/** Returns the hooks for the query of a request, or `undefined`. */
function byQuery(
  { url }: Request,
  hooks: Readonly<Record<string, Partial<Hooks>>>,
): Partial<Hooks> | undefined {
  return hooks[new URL(url).search.slice(1)];
}

/** Hooks that log the size of each message, and how a peer ends. */
function endings(server: CaseServer): Pick<Hooks, "message" | "error" | "close"> {
  const query = ({ request }: { request: Request }) => new URL(request.url).search;
  return {
    message: (peer, message) => server.log("message", query(peer), message.uint8Array().length),
    error: (peer, error) => server.log("error", query(peer), (error as { code?: string }).code),
    close: (peer, { code }) => server.log("close", query(peer), code),
  };
}

/**
 * Checks that the peer with this query has sent a message over `maxPayload`. Over SSE the message is
 * refused with 413, the client closes with 1009, and no error hook runs.
 */
async function tooLarge(client: CaseClient, query: string): Promise<void> {
  for (let wait = 0; wait < 100; wait++) {
    const log = (await client.log()).filter(({ data }) => data[0] === query);
    const close = log.find(({ event }) => event === "close");
    if (close) return assert.equal(close.data[1], 1009, query);
    await sleep(20);
  }
  assert.fail(`the peer ${query} was not closed`);
}

/** Hooks with one mistake each. */
function mistakes(): unknown[] {
  return [
    { limits: 5 },
    { limits: null },
    { limits: { maxPayload: "1" } },
    { limits: { maxPayload: 0 } },
    { limits: { maxpayload: 1 } },
    { limits: { maxPeers: 1 } },
    { limits: { pingInterval: 60_001 } },
    { limits: { overflow: "explode" } },
    { allowedOrigins: ["example.com"] },
    { allowedOrigins: "https://*.example.com" },
    { trustProxy: "yes" },
    { trustProxy: -1 },
    { trustProxy: null },
  ];
}

/** Returns the error that a function throws, as text, or "accepted". */
function attempt(act: () => unknown): string {
  try {
    act();
    return "accepted";
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Applications for crossws 0.4, written in the style of crossws users. They are strings, because
 * `crossws` exists only in the folder that runs them, as an alias of this library. Each application
 * is its own client, throws if a check fails, and prints the parts that passed.
 *
 * @module
 */

/** Starts the adapter of the current runtime on a new server. */
export const LISTEN: string = `
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createRequire } from "node:module";

// Node 20 has no WebSocket client.
const WebSocket = globalThis.WebSocket ?? (await import("ws")).WebSocket;
const hostname = "127.0.0.1", port = 0;
const wants = (request) => request.headers.get("upgrade") === "websocket";

async function listen(options) {
  if (globalThis.Deno) {
    const { default: denoAdapter } = await import("crossws/adapters/deno");
    const ws = denoAdapter(options);
    const server = Deno.serve({ hostname, port, onListen() {} }, (request, info) =>
      wants(request) ? ws.handleUpgrade(request, info) : new Response("over HTTP"));
    return { ws, url: "http://" + hostname + ":" + server.addr.port };
  }
  if (globalThis.Bun) {
    const { default: bunAdapter } = await import("crossws/adapters/bun");
    const ws = bunAdapter(options);
    const server = Bun.serve({
      hostname,
      port,
      websocket: ws.websocket,
      fetch: (request, server) =>
        wants(request) ? ws.handleUpgrade(request, server) : new Response("over HTTP"),
    });
    return { ws, url: "http://" + hostname + ":" + server.port };
  }
  if (process.env.UWS_PATH) {
    const uws = createRequire(import.meta.url)(process.env.UWS_PATH);
    const { default: uwsAdapter } = await import("crossws/adapters/uws");
    const ws = uwsAdapter(options);
    const app = uws.App().ws("/*", ws.websocket);
    app.get("/*", (response) => void response.end("over HTTP"));
    const token = await new Promise((resolve) => app.listen(hostname, port, resolve));
    return { ws, url: "http://" + hostname + ":" + uws.us_socket_local_port(token) };
  }
  const { default: nodeAdapter } = await import("crossws/adapters/node");
  const ws = nodeAdapter(options);
  const server = createServer((request, response) => void response.end("over HTTP"));
  server.on("upgrade", (request, socket, head) => ws.handleUpgrade(request, socket, head));
  await new Promise((listening) => server.listen(port, hostname, listening));
  return { ws, url: "http://" + hostname + ":" + server.address().port };
}

/** Returns a client with a queue of messages: next() resolves with the next one. */
function dial(url, protocols) {
  const socket = new WebSocket(url.replace("http", "ws"), protocols);
  socket.binaryType = "arraybuffer";
  const heard = [], waiting = [];
  socket.onmessage = ({ data }) => waiting.length ? waiting.shift()(data) : heard.push(data);
  socket.next = () => heard.length ? heard.shift() : new Promise((go) => waiting.push(go));
  socket.heard = heard;
  socket.opened = new Promise((open, fail) => {
    socket.onopen = () => open(socket);
    socket.onerror = () => fail(new Error("refused"));
  });
  socket.closed = new Promise((closed) => {
    socket.onclose = ({ code, reason }) => closed({ code, reason });
  });
  return socket;
}

const connect = (url, protocols) => dial(url, protocols).opened;
const within = (promise, what) => Promise.race([
  promise,
  new Promise((_, late) => setTimeout(() => late(new Error("timed out: " + what)), 3000)),
]);
`;

/** graphql-ws: its hooks run on this library's adapter and server, with its own client. */
export const graphqlProgram: string = `
${LISTEN}
import { serve } from "crossws/server";
import { createClient } from "graphql-ws";
import { makeHooks } from "graphql-ws/use/crossws";
import { GraphQLInt, GraphQLObjectType, GraphQLSchema, GraphQLString } from "graphql";

let returned = 0;
const schema = new GraphQLSchema({
  query: new GraphQLObjectType({
    name: "Query",
    fields: {
      hello: { type: GraphQLString, resolve: (_root, _args, { protocol }) => "over " + protocol },
    },
  }),
  subscription: new GraphQLObjectType({
    name: "Subscription",
    fields: {
      ticks: {
        type: GraphQLInt,
        args: { from: { type: GraphQLInt } },
        resolve: (tick) => tick,
        async *subscribe(_root, { from }) {
          try {
            for (let tick = from;; tick++) {
              yield tick;
              await new Promise((next) => setTimeout(next, 5));
            }
          } finally {
            returned++;
          }
        },
      },
    },
  }),
});
const hooks = makeHooks({ schema, context: ({ extra }) => ({ protocol: extra.socket.protocol }) });

async function drive(url, where) {
  const closed = Promise.withResolvers();
  const client = createClient({
    url: url.replace("http", "ws"),
    webSocketImpl: WebSocket,
    lazy: false,
    retryAttempts: 0,
    on: { closed: (event) => closed.resolve(event) },
  });
  const query = client.iterate({ query: "{ hello }" });
  const { value } = await within(query.next(), "the query");
  assert.deepEqual({ ...value.data }, { hello: "over graphql-transport-ws" });
  assert.equal((await query.next()).done, true);

  returned = 0;
  const ticks = (from) => client.iterate({ query: \`subscription { ticks(from: \${from}) }\` });
  const next = async (it) => (await within(it.next(), "a tick")).value.data.ticks;
  const first = ticks(0), second = ticks(100);
  assert.deepEqual([await next(first), await next(first)], [0, 1]);
  // The second subscription runs while the first still streams.
  assert.deepEqual([await next(second), await next(second)], [100, 101]);
  assert.deepEqual([await next(first), await next(second)], [2, 102]);
  await first.return();
  for (let i = 0; returned < 1 && i < 100; i++) await new Promise((go) => setTimeout(go, 10));
  assert.equal(returned, 1, "the client completed only the first subscription");
  assert.equal(await next(second), 103);
  await second.return();

  await client.dispose();
  assert.equal((await within(closed.promise, "the close")).code, 1000);
  console.log("graphql-ws over the", where);
}

const { url } = await listen({ hooks });
await drive(url, "adapter");

const server = serve({ port, hostname, fetch: () => new Response("over HTTP"), websocket: hooks });
await server.ready();
await drive(server.url, "server");
process.exit(0);
`;

/** h3: routes, peers, publish and context, on h3's server and on this library's server. */
export const h3Program: string = `
${LISTEN}
import { plugin as ws, serve as crosswsServe } from "crossws/server";
import { defineWebSocketHandler, H3, serve } from "h3";

const app = new H3();
app.use((event) => void (event.context.user = event.url.searchParams.get("user") ?? "nobody"));
app.get("/", () => "over HTTP");
app.get("/no", (event) => new Response("not you", { status: 403 }));
app.get("/echo", defineWebSocketHandler({
  message: (peer, message) => void peer.send(message.text()),
}));
app.get("/large", defineWebSocketHandler({
  limits: { maxPayload: 3 * 1024 * 1024 },
  message: (peer, message) => void peer.send(String(message.uint8Array().length)),
}));
app.get("/rooms/:room", defineWebSocketHandler((event) => {
  const { room } = event.context.params;
  return {
    upgrade: () => ({ headers: { "x-room": room }, context: { room } }),
    open(peer) {
      peer.subscribe(room);
      peer.send("welcome to " + peer.context.room);
      peer.publish(room, "somebody came");
    },
    message(peer, message) {
      if (message.text() === "who?") return void peer.send({ peers: peer.peers.size });
      if (message.text() === "me?") return void peer.send(String(peer.context.user));
      peer.publish(room, message.text());
    },
    close: (peer) => void peer.publish(room, "somebody left"),
  };
}));

async function drive(url, where, isAsked) {
  url = url.replace(/\\/$/, "");
  assert.equal(await (await fetch(url + "/")).text(), "over HTTP");
  assert.equal((await fetch(url + "/echo")).status, 426);

  const echo = await within(connect(url + "/echo"), "the echo");
  echo.send("hi");
  assert.equal(await within(echo.next(), "the echo's answer"), "hi");

  const large = await within(connect(url + "/large"), "the client with large messages");
  large.send(new Uint8Array(2 * 1024 * 1024));
  assert.equal(await within(large.next(), "the size"), "2097152");

  const ada = await within(connect(url + "/rooms/a?user=ada"), "ada");
  assert.equal(await within(ada.next(), "the welcome"), "welcome to a");
  const bob = await within(connect(url + "/rooms/a"), "bob");
  assert.equal(await within(bob.next(), "the welcome"), "welcome to a");
  assert.equal(await within(ada.next(), "the news"), "somebody came");
  bob.send("hello, all");
  assert.equal(await within(ada.next(), "the message"), "hello, all");
  ada.send("who?");
  assert.equal(await within(ada.next(), "the peers"), '{"peers":2}');
  ada.send("me?");
  assert.equal(await within(ada.next(), "the context"), "ada");
  bob.close();
  assert.equal(await within(ada.next(), "the farewell"), "somebody left");
  if (isAsked) {
    await assert.rejects(connect(url + "/no"), "a response without hooks rejects the client");
    await assert.rejects(connect(url + "/nowhere"));
  }
  console.log("h3 over the", where);
}

const resolve = async (request) => (await app.fetch(request)).crossws;
const documented = serve(app, { port, hostname, silent: true, plugins: [ws({ resolve })] });
await documented.ready();
await drive(documented.url, "plugin with resolve", false);

const asked = serve(app, { port, hostname, silent: true, plugins: [ws()] });
await asked.ready();
await drive(asked.url, "plugin", true);

const own = crosswsServe({ port, hostname, fetch: app.fetch });
await own.ready();
await drive(own.url, "server", true);
process.exit(0);
`;

/** Uses every call in the crossws documentation once. */
export const everythingProgram: string = `
${LISTEN}
import { defineHooks, getWebSocketHooks, kWebSocketHooks, setWebSocketHooks } from "crossws";

const seen = [];
const peersOf = (ws, namespace) => [...ws.peers.get(namespace) ?? []];
const hooks = defineHooks({
  upgrade(request) {
    const url = new URL(request.url);
    seen.push("upgrade " + url.pathname);
    if (url.pathname === "/returned") return new Response("no", { status: 401 });
    if (url.pathname === "/thrown") throw new Response("no", { status: 403 });
    return {
      headers: { "x-powered-by": "hooks" },
      context: { user: "ada" },
      ...(url.pathname === "/spaced" ? { namespace: "elsewhere" } : {}),
      ...(url.pathname === "/named" ? { protocol: "b" } : {}),
    };
  },
  open(peer) {
    peer.subscribe("news");
    peer.subscribe("gossip");
    peer.unsubscribe("gossip");
    peer.send({
      id: peer.id,
      namespace: peer.namespace,
      remoteAddress: peer.remoteAddress,
      context: { ...peer.context },
      path: new URL(peer.request.url).pathname,
      agent: peer.request.headers.get("host") !== null,
      socket: {
        url: new URL(peer.websocket.url).protocol + new URL(peer.websocket.url).pathname,
        protocol: peer.websocket.protocol,
        readyState: peer.websocket.readyState,
      },
      topics: [...peer.topics],
      peers: peer.peers.size,
      text: String(peer) === peer.id && \`\${peer}\` === peer.toString(),
    });
  },
  async message(peer, message) {
    switch (message.text()) {
      case "details": {
        assert.equal(message.peer, peer);
        assert.equal(message.event?.type ?? "message", "message");
        assert.match(message.id, /^[0-9a-f-]{36}$/);
        assert.equal(message.toString() + message, "detailsdetails");
        assert.equal(\`\${message}\`, "details");
        assert.equal(String(message.data), "details");
        return void peer.send("checked");
      }
      case '{"a":1}':
        return void peer.send(message.json());
      case "bytes":
        assert.equal(new TextDecoder().decode(message.uint8Array()), "bytes");
        assert.equal(message.arrayBuffer().byteLength, 5);
        assert.equal(await message.blob().text(), "bytes");
        return void peer.send(message.uint8Array(), { compress: true });
      case "publish":
        return void peer.publish("news", { from: peer.id }, { compress: true });
      case "drain":
        peer.send("x".repeat(1000));
        await peer.waitForDrain({ threshold: 0, pollInterval: 10, signal: AbortSignal.timeout(2000) });
        return void peer.send("drained " + peer.bufferedAmount);
      case "ping":
        peer.ping("are you there?");
        return;
      case "close":
        return void peer.close(4001, "as you wish");
      case "terminate":
        return void peer.terminate();
      case "throw":
        throw new Error("thrown by a hook");
    }
  },
  pong: (peer, data) => void peer.send("pong " + new TextDecoder().decode(data)),
  ping: () => {},
  drain: () => {},
  close: (peer, { code, reason }) => void seen.push("close " + code + reason),
  error: (peer, error) => void peer.send("error " + error.message),
});

const { ws, url } = await listen({
  hooks,
  resolve(request) {
    const { pathname } = new URL(request.url);
    if (pathname !== "/resolved") return {};
    return defineHooks({ message: (peer, message) => void peer.send("resolved " + message) });
  },
  getNamespace: (request) => "space:" + new URL(request.url).pathname,
  handleProtocols: (protocols) => protocols.has("c") ? "c" : false,
});
const ask = async (client, question) => {
  client.send(question);
  return await within(client.next(), question);
};
const open = async (path, protocols) => {
  const client = await within(connect(url + path, protocols), path);
  client.hello = JSON.parse(await within(client.next(), "the hello of " + path));
  return client;
};

assert.equal(await (await fetch(url)).text(), "over HTTP");
const a = await open("/app?x=1");
assert.match(a.hello.id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
assert.deepEqual(a.hello, {
  id: a.hello.id,
  namespace: "space:/app",
  remoteAddress: "127.0.0.1",
  context: { user: "ada" },
  path: "/app",
  agent: true,
  socket: { url: "ws:/app", protocol: "", readyState: 1 },
  topics: ["news"],
  peers: 1,
  text: true,
});
assert.equal(await ask(a, "details"), "checked");
assert.equal(await ask(a, '{"a":1}'), '{"a":1}');
assert.equal(new TextDecoder().decode(await ask(a, "bytes")), "bytes");
assert.equal((await ask(a, "drain")).length, 1000);
assert.equal(await within(a.next(), "the drain"), "drained 0");
assert.equal(await ask(a, "throw"), "error thrown by a hook");
if (!globalThis.Deno) assert.equal(await ask(a, "ping"), "pong are you there?");
else a.send("ping");

const b = await open("/app"), elsewhere = await open("/spaced");
assert.equal(elsewhere.hello.namespace, "elsewhere");
a.send("publish");
assert.deepEqual(JSON.parse(await within(b.next(), "what was published")), { from: a.hello.id });

assert.deepEqual([...ws.peers.keys()].sort(), ["elsewhere", "space:/app"]);
assert.equal(peersOf(ws, "space:/app").length, 2);
ws.publish("news", "to one", { namespace: "elsewhere" });
assert.equal(await within(elsewhere.next(), "what the server published"), "to one");
ws.publish("news", "to all", { compress: false });
for (const client of [a, b, elsewhere]) {
  assert.equal(await within(client.next(), "what the server published"), "to all");
}
assert.deepEqual([a.heard, b.heard, elsewhere.heard], [[], [], []], "no duplicate messages");

assert.equal((await open("/named", ["a", "b", "c"])).protocol, "b");
const handled = await open("/other", ["a", "c"]);
assert.equal(handled.protocol, "c");
assert.equal(handled.hello.socket.protocol, "c");

const resolved = await open("/resolved");
assert.equal(await ask(resolved, "hi"), "resolved hi");

for (const path of ["/returned", "/thrown"]) await assert.rejects(connect(url + path));

const leaver = await open("/app");
leaver.send("close");
assert.deepEqual(await within(leaver.closed, "close"), { code: 4001, reason: "as you wish" });
const cut = await open("/app");
cut.send("terminate");
await within(cut.closed, "the end");

const request = new Request("http://localhost/");
setWebSocketHooks(request, hooks);
assert.equal(getWebSocketHooks(request), hooks);
assert.equal(kWebSocketHooks, Symbol.for("crossws.hooks"));

const left = [a, b, elsewhere, handled, resolved];
ws.closeAll(4002, "all of you");
for (const { closed } of left) {
  assert.deepEqual(await within(closed, "closeAll"), { code: 4002, reason: "all of you" });
}
const last = await open("/app");
ws.closeAll(undefined, undefined, true);
await within(last.closed, "closeAll by force");
const very = await open("/app");
await Promise.all([ws.close(1001, "bye"), within(very.closed, "close")]);
assert.equal((await very.closed).code, 1001);

assert.deepEqual(seen.filter((line) => line.startsWith("upgrade")).slice(0, 2), [
  "upgrade /app",
  "upgrade /app",
]);
assert.ok(seen.includes("close 4001as you wish"));
console.log("every call");
process.exit(0);
`;

/** Features of crossws on Node only: upgrades by another library, and the options of ws. */
export const nodeProgram: string = `
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { connect } from "node:net";
import nodeAdapter, { fromNodeUpgradeHandler } from "crossws/adapters/node";
import { serve } from "crossws/server/node";
import { WebSocket, WebSocketServer } from "ws";

const first = (client) => new Promise((heard, fail) => {
  client.on("message", (data) => heard(String(data))).on("error", fail);
});

// Part of an application that already has a ws server.
const legacy = new WebSocketServer({ noServer: true });
legacy.on("connection", (socket) => socket.send("from the other library"));
const server = serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: () => new Response("over HTTP"),
  websocket: fromNodeUpgradeHandler((request, socket, head) => {
    legacy.handleUpgrade(request, socket, head, (ws) => legacy.emit("connection", ws, request));
  }),
});
await server.ready();
assert.equal(
  await first(new WebSocket(server.url.replace("http", "ws"))),
  "from the other library",
);

const failing = fromNodeUpgradeHandler(() => Promise.reject(new Error("the other library fails")));
const broken = createServer().on("upgrade", nodeAdapter({ hooks: failing }).handleUpgrade);
await new Promise((listening) => broken.listen(0, "127.0.0.1", listening));
const error = console.error;
console.error = () => {};
await assert.rejects(
  Promise.race([
    first(new WebSocket("ws://127.0.0.1:" + broken.address().port)),
    new Promise((kept) => setTimeout(kept, 2000)),
  ]),
  "the server ends the connection",
);
console.error = error;

class MySocket extends WebSocket {}
const wss = new WebSocketServer({ noServer: true, WebSocket: MySocket });
const { options: wssOptions } = wss;
let connections = 0;
wss.on("connection", (socket) => connections += socket instanceof MySocket ? 1 : 0);
for (const options of [{ wss }, { serverOptions: { WebSocket: MySocket, clientTracking: true } }]) {
  const ws = nodeAdapter({
    ...options,
    hooks: { open: (peer) => void peer.send(peer.websocket.raw?.constructor.name ?? "MySocket") },
  });
  const http = createServer();
  http.on("upgrade", ws.handleUpgrade);
  await new Promise((listening) => http.listen(0, "127.0.0.1", listening));
  const client = new WebSocket("ws://127.0.0.1:" + http.address().port);
  assert.equal(await first(client), "MySocket");
  if (options.wss) assert.deepEqual([wss.clients.size, connections], [1, 1]);
  assert.equal(wss.options, wssOptions, "the adapter does not change the options of the ws server");
  client.send(new Uint8Array(2 ** 20 + 1));
  const code = await new Promise((closed) => client.on("close", closed));
  assert.equal(code, 1009, "limits.maxPayload overrides the options of ws");
}
const verifyClient = (info, done) => done(true);
assert.throws(() => nodeAdapter({ serverOptions: { verifyClient } }), /upgrade hook/);

const compressing = nodeAdapter({
  hooks: {
    upgrade: ({ url }) => ({
      perMessageDeflate: url.endsWith("/no") ? false : { threshold: url.endsWith("/yes") ? 0 : 9999 },
    }),
    open: (peer) => void peer.send(peer.websocket.extensions),
    message: (peer) => void peer.send("a".repeat(5000)),
  },
});
const http = createServer().on("upgrade", compressing.handleUpgrade);
await new Promise((listening) => http.listen(0, "127.0.0.1", listening));
const agreed = "permessage-deflate";
for (const [path, extensions, isSmall] of [["yes", agreed, true], ["large", agreed], ["no", ""]]) {
  const client = new WebSocket("ws://127.0.0.1:" + http.address().port + "/" + path);
  assert.equal(await first(client), extensions);
  assert.equal(client.extensions, extensions);
  client.send("more");
  await first(client);
  assert.equal(client._socket.bytesRead < 2000, isSmall === true, "compressed above the threshold only");
}

// A rejected client cannot keep its TCP connection open.
const refusing = nodeAdapter({ hooks: { upgrade: () => new Response("no", { status: 403 }) } });
const strict = createServer().on("upgrade", refusing.handleUpgrade);
await new Promise((listening) => strict.listen(0, "127.0.0.1", listening));
const stays = connect({ port: strict.address().port, host: "127.0.0.1", allowHalfOpen: true });
stays.on("error", () => {}).resume().write(
  "GET / HTTP/1.1\\r\\nHost: a.example\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\n" +
    "Sec-WebSocket-Version: 13\\r\\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n\\r\\n",
);
const connectionCount = () =>
  new Promise((resolve) => strict.getConnections((_, count) => resolve(count)));
await new Promise((ended) => stays.on("end", ended));
for (let i = 0; i < 30 && await connectionCount() > 0; i++) {
  await new Promise((go) => setTimeout(go, 100));
}
assert.equal(await connectionCount(), 0);
console.log("only on Node");
process.exit(0);
`;

/** Types that applications import, and types that hooks, adapters and servers accept. */
export const typedProgram: string = `
import {
  type AdapterInstance,
  type AdapterOptions,
  defineHooks,
  getWebSocketHooks,
  type Hooks,
  type Message,
  type Peer,
  type PeerContext,
  type ResolveHooks,
  type WaitForDrainOptions,
  type WSError,
} from "crossws";
import nodeAdapter, {
  fromNodeUpgradeHandler,
  type NodeAdapter,
  type NodeOptions,
  type NodeUpgradeHandler,
} from "crossws/adapters/node";
import { plugin, serve } from "crossws/server";
import { makeHooks } from "graphql-ws/use/crossws";
import type { GraphQLSchema } from "graphql";
import { defineWebSocketHandler, H3, serve as serveH3 } from "h3";
import { serve as serveHttp } from "srvx";
import { WebSocketServer } from "ws";

const schema = {} as GraphQLSchema;
serve({ websocket: makeHooks({ schema }) });
const adapter: NodeAdapter = nodeAdapter({ hooks: makeHooks({ schema }) });
const instance: AdapterInstance = adapter;

const app = new H3();
const handler = defineWebSocketHandler({
  limits: { maxPayload: 2 ** 21 },
  allowedOrigins: ["https://a.example"],
  trustProxy: true,
  open: (peer) => peer.subscribe("x"),
  message: (peer, message) => void peer.send(message.text()),
});
app.get("/x", handler);
const resolve: ResolveHooks = async (request) =>
  (await app.fetch(request) as { crossws?: Partial<Hooks> }).crossws ?? {};
serveH3(app, { plugins: [plugin({ resolve }), plugin()] });
serveHttp({
  fetch: () => new Response(""),
  plugins: [plugin({ message: (peer, message) => void peer.send(message.text()) })],
});
serve({ fetch: app.fetch });

const wss = new WebSocketServer({ noServer: true });
const handleProtocols = (offered: Set<string>, request: Request) =>
  request.url && offered.has("a") ? "a" : false;
const options: NodeOptions = { wss, serverOptions: { clientTracking: true }, handleProtocols };
nodeAdapter(options).closeAll(1000, "", true);
const upgrade: NodeUpgradeHandler = (request, socket, head) =>
  wss.handleUpgrade(request, socket, head, (ws) => void wss.emit("connection", ws, request));
serve({ websocket: fromNodeUpgradeHandler(upgrade) });

const drain: WaitForDrainOptions = { threshold: 0 };
const common: AdapterOptions = {
  hooks: defineHooks({
    upgrade: (request) => ({ context: { ...request.context }, headers: { "x-a": "b" } }),
    open: (peer: Peer) => peer.waitForDrain(drain),
    message(peer: Peer, message: Message) {
      const context: PeerContext = peer.context;
      peer.send({ context, id: message.id });
    },
    error: (peer: Peer, error: WSError) => peer.close(1011, error.message),
    pong: (peer, data) => void peer.ping(data),
  }),
};
export { common, getWebSocketHooks, instance };
`;

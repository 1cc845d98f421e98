/**
 * Programs that use the npm package. They are strings, because this repository does not install the
 * package.
 *
 * @module
 */
import { NPM_NAME } from "./config.ts";

/** A client that checks the echo of text and bytes, and the `close` hook. */
const CLIENT = `
import assert from "node:assert/strict";
// Node 20 has no WebSocket client.
const Socket = globalThis.WebSocket ?? (await import("ws")).WebSocket;

let resolveClosed;
const closed = new Promise((resolve) => resolveClosed = resolve);
const hooks = {
  upgrade: () => ({ context: { user: "ada" } }),
  open: (peer) => void peer.send("hello " + peer.context.user),
  message: (peer, message) => void peer.send(message.rawData),
  close: (peer, { code }) => resolveClosed(code),
};

async function talk(url, Client = Socket) {
  const client = new Client(url.replace("http", "ws"));
  client.binaryType = "arraybuffer";
  const received = [], waiting = [];
  client.onmessage = ({ data }) => waiting.length ? waiting.shift()(data) : received.push(data);
  const next = () => received.length ? received.shift() : new Promise((go) => waiting.push(go));
  assert.equal(await next(), "hello ada");
  client.send("text");
  assert.equal(await next(), "text");
  client.send(new Uint8Array([1, 2, 255]));
  assert.deepEqual(new Uint8Array(await next()), new Uint8Array([1, 2, 255]));
  client.close(4001);
  assert.equal(await closed, 4001);
}
`;

/** The adapter on the user's own server, which needs only the package's dependencies. */
export const adapterProgram: string = `
import { createServer } from "node:http";
import adapter from "${NPM_NAME}/adapters/node";
${CLIENT}
const ws = adapter({ hooks });
const server = createServer().on("upgrade", ws.handleUpgrade);
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
await talk("http://127.0.0.1:" + server.address().port);
await ws[Symbol.asyncDispose]();
server.close();
`;

/** The server of the runtime. Prints the path of its module. */
export const serverProgram: string = `
import { serve } from "${NPM_NAME}/server";
${CLIENT}
const server = serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: () => new Response("over HTTP"),
  websocket: hooks,
});
await server.ready();
assert.equal(await (await fetch(server.url)).text(), "over HTTP");
await talk(server.url);
await server[Symbol.asyncDispose]();
console.log(import.meta.resolve("${NPM_NAME}/server"));
`;

/** The client and the adapter for SSE. */
export const sseProgram: string = `
import adapter from "${NPM_NAME}/adapters/sse";
import { serve } from "${NPM_NAME}/server";
import { WebSocketSSE } from "${NPM_NAME}/websocket/sse";
${CLIENT}
const sse = adapter({ hooks });
const fetch = (request) => sse.fetch(request);
const server = serve({ port: 0, hostname: "127.0.0.1", fetch, websocket: hooks });
await server.ready();
await talk(server.url, WebSocketSSE);
await sse.close();
await server[Symbol.asyncDispose]();
`;

/** CommonJS that loads the given entries, except those that need a package in `without`. */
export function requireProgram(specifiers: readonly string[], without: readonly string[]): string {
  return `
const without = ${JSON.stringify(without)};
for (const name of ${JSON.stringify(specifiers)}) {
  try {
    if (Object.keys(require(name)).length === 0) throw new Error(name + " exports nothing");
  } catch (error) {
    if (!without.some((peer) => error.message.includes("'" + peer + "'"))) throw error;
  }
}
if (typeof require("${NPM_NAME}").defineHooks !== "function") throw new Error("no defineHooks()");
`;
}

/** TypeScript that imports the given entries, and uses the types of the core. */
export function typedProgram(specifiers: readonly string[]): string {
  const imports = specifiers.map((name, i) => `import * as entry${i} from "${name}";`);
  return `
import { createEndpoint, defineHooks, type Hooks, type Peer } from "${NPM_NAME}";
${imports.join("\n")}

export const entries: object[] = [${specifiers.map((_, i) => `entry${i}`)}];

export const hooks = defineHooks({
  upgrade: () => ({ context: { user: "ada" } }),
  open: (peer) => void peer.send(peer.context.user.toUpperCase()),
  // @ts-expect-error the context has no such value
  message: (peer, message) => void peer.send(message.text() + peer.context.email),
  close: (peer: Peer<{ user: string }>, { code }) => void (code + 1),
});
export const some: Partial<Hooks> = { drain: (peer) => peer.close(1000, peer.id) };
await createEndpoint({ hooks, limits: { maxPeers: 5 } }).close({ code: 1001 });
`;
}

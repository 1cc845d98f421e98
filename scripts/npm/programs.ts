/**
 * Programs of somebody who has installed the package. Texts, as here no such package is installed.
 *
 * @module
 */
import { NPM_NAME } from "./config.ts";

/** Talks to a server: text and bytes come back, and the hooks see the close. */
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
  const heard = [], waiting = [];
  client.onmessage = ({ data }) => waiting.length ? waiting.shift()(data) : heard.push(data);
  const next = () => heard.length ? heard.shift() : new Promise((go) => waiting.push(go));
  assert.equal(await next(), "hello ada");
  client.send("text");
  assert.equal(await next(), "text");
  client.send(new Uint8Array([1, 2, 255]));
  assert.deepEqual(new Uint8Array(await next()), new Uint8Array([1, 2, 255]));
  client.close(4001);
  assert.equal(await closed, 4001);
}
`;

/** With the package's own dependencies alone: its adapter, on the user's server. */
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

/** The server, whichever this runtime gets. Says which. */
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

/** The client for SSE, and its server. */
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

/** CommonJS that loads the given entries, but for those that need a package of `without`. */
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

/** TypeScript that imports the given entries, and uses the core's types. */
export function typedProgram(specifiers: readonly string[]): string {
  const imports = specifiers.map((name, i) => `import * as entry${i} from "${name}";`);
  return `
import { createEndpoint, defineHooks, type Hooks, type Peer } from "${NPM_NAME}";
${imports.join("\n")}

export const entries: object[] = [${specifiers.map((_, i) => `entry${i}`)}];

export const hooks = defineHooks({
  upgrade: () => ({ context: { user: "ada" } }),
  open: (peer) => void peer.send(peer.context.user.toUpperCase()),
  // @ts-expect-error no such value was put there
  message: (peer, message) => void peer.send(message.text() + peer.context.email),
  close: (peer: Peer<{ user: string }>, { code }) => void (code + 1),
});
export const some: Partial<Hooks> = { drain: (peer) => peer.close(1000, peer.id) };
await createEndpoint({ hooks, limits: { maxPeers: 5 } }).close({ code: 1001 });
`;
}

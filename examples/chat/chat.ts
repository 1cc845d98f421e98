import process from "node:process";
import adapterSSE from "../../adapters/sse.ts";
import { createEndpoint, type Endpoint, type SyncAdapter } from "../../mod.ts";
import type { ServeOptions, Server } from "../../server/serve.ts";
import { banner } from "./banner.ts";
import { chatHooks } from "./hooks.ts";
import { Live } from "./live.ts";
import { roomAt } from "./protocol.ts";
import { loadSite } from "./site.ts";
import { syncOfEnvironment } from "./sync.ts";
import { roomOptions } from "./topics.ts";

/** The `serve` function of any runtime. */
export type Serve = (options: ServeOptions) => Server;

/** Options of {@linkcode openChat}. */
export interface ChatOptions {
  readonly port: number;
  /** Connects the chat to its other nodes. */
  readonly sync?: SyncAdapter | undefined;
}

/** Starts the chat with the `serve` function of one runtime, until a signal ends the process. */
export async function startChat(serve: Serve): Promise<void> {
  const port = portFrom(process.env["PORT"]), sync = await syncOfEnvironment();
  const server = await openChat(serve, { port, sync }).catch((error: { code?: unknown }) => {
    if (error.code !== "EADDRINUSE") throw error;
    console.log(`Port ${port} is in use. The chat uses a free port instead.`);
    return openChat(serve, { port: 0, sync });
  });
  console.log(banner(server.url));
  closeOnSignal(server);
}

/** Opens one node of the chat. Resolves when the node listens. */
export async function openChat(serve: Serve, { port, sync }: ChatOptions): Promise<Server> {
  const site = await loadSite();
  const self = () => endpoint;
  const endpoint: Endpoint = createEndpoint({
    hooks: chatHooks(self, new Live(self)),
    ...roomOptions,
    limits: {
      maxPayload: 16 * 1024, // 2,000 characters, even if JSON needs six bytes for each
      maxBuffered: 1024 * 1024,
      maxPeers: 500,
      maxPeersPerAddress: 50, // one client must not take all rooms
      messagesPerSecond: 20,
    },
    ...(sync && { sync }),
  });
  // Uses the same endpoint, so that WebSocket clients and SSE clients share the rooms.
  const sse = adapterSSE({ endpoint });
  const fetch = (request: Request) => {
    if (!isUrl(request)) return new Response("Bad request\n", { status: 400 });
    return isForRoom(request) ? sse.fetch(request) : site(request);
  };
  const hostname = process.env["HOST"] ?? "127.0.0.1";
  const server = serve({ port, hostname, fetch, websocket: { endpoint } });
  await server.ready();
  return server;
}

/** Whether a request has a URL. The `Host` of a client may make none, such as `a:99999`. */
function isUrl(request: Request): boolean {
  try {
    return URL.canParse(request.url);
  } catch { // Deno 2.9 throws at the first read
    return false;
  }
}

/** Whether a request belongs to the SSE transport of a room, and not to the room's page. */
function isForRoom({ url, method, headers }: Request): boolean {
  if (!roomAt(new URL(url).pathname)) return false;
  return method === "GET" ? headers.get("accept") === "text/event-stream" : method !== "HEAD";
}

function portFrom(text = "3000"): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  console.error(`Cannot listen as PORT must be 0 to 65535: current value is ${text}`);
  process.exit(1);
}

/** Closes a node of the chat, and ends the process, when a signal arrives. */
export function closeOnSignal(server: Server): void {
  const close = async () => {
    // 1012 is "service restart". The pages reconnect, and `jitter` spreads the reconnects.
    await server.close({ code: 1012, reason: "restarting", timeout: 2_000, jitter: 500 });
    process.exit(0);
  };
  process.once("SIGINT", close);
  process.once("SIGTERM", close);
}

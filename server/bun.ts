/**
 * One server for HTTP and WebSocket on Bun.
 *
 * @example
 * ```ts ignore
 * import { serve } from "@onepeer/onepeer/server/bun";
 *
 * const server = serve({
 *   port: 0,
 *   fetch: () => new Response("hello"),
 *   websocket: { message: (peer, message) => void peer.send(`you said ${message}`) },
 * });
 *
 * await server.ready();
 * console.log(server.url); // http://localhost:…/
 * await server.close();
 * ```
 *
 * @module
 */
import adapter, {
  type BunAdapter,
  type BunOptions,
  type BunServer,
  type BunWebSocketHandler,
} from "../adapters/bun.ts";
import type { AnyContext } from "../handshake.ts";
import type { Awaitable } from "../hooks.ts";
import { closeServer, type ServeOptions, type Server, urlOf, websocketOptions } from "./serve.ts";

export type { ServeOptions, Server, WebSocketOptions } from "./serve.ts";

/** Options of {@linkcode serve} on Bun. */
export interface BunServeOptions<Context extends object = AnyContext>
  extends ServeOptions<Context> {
  /** Compression, see the adapter for Bun. */
  readonly perMessageDeflate?: BunOptions["perMessageDeflate"];
}

/** The part of the `Bun` global that is used. */
interface BunGlobal {
  serve(options: {
    readonly port: number;
    readonly hostname: string;
    readonly tls?: { readonly cert: string; readonly key: string };
    readonly websocket: BunWebSocketHandler;
    readonly fetch: (
      request: Request,
      server: BunServer,
    ) => Awaitable<Response | undefined>;
  }): { readonly port: number; stop(closeActiveConnections?: boolean): unknown };
}

/** Starts a server. `ready()` tells when it listens, and only then has `url` a port. */
export function serve<Context extends object = AnyContext>(
  options: BunServeOptions<Context> = {},
): Server<BunAdapter> {
  const { port = 3000, hostname = "0.0.0.0", tls, perMessageDeflate = false } = options;
  const ws = adapter({ ...websocketOptions(options), perMessageDeflate });
  const fetch = options.fetch ?? (() => new Response("Not found\n", { status: 404 }));
  const { Bun } = globalThis as unknown as { Bun: BunGlobal };
  const listen = () =>
    Bun.serve({
      port,
      hostname,
      ...(tls ? { tls } : {}),
      websocket: ws.websocket,
      fetch: (request, server) =>
        request.headers.get("upgrade")?.toLowerCase() === "websocket"
          ? ws.handleUpgrade(request, server)
          : fetch(request),
    });
  // Bun throws at once where it cannot listen; as everywhere, `ready()` tells.
  const listening = new Promise<ReturnType<BunGlobal["serve"]>>((resolve) => resolve(listen()));
  let bound = port;
  listening.then((server) => bound = server.port, () => {});
  return {
    ws,
    get url() {
      return urlOf(tls !== undefined, hostname, bound);
    },
    ready: async () => void await listening,
    close: (closing) =>
      closeServer(ws, closing, async () => {
        const server = await listening.catch(() => undefined); // nothing to stop where it never listened
        server?.stop(true);
      }),
    [Symbol.asyncDispose]() {
      return this.close();
    },
  };
}

export default serve;

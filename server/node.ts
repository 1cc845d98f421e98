/**
 * One server for HTTP and WebSocket on Node; HTTP is served by `srvx`.
 *
 * @example
 * ```ts
 * import { serve } from "@onepeer/onepeer/server/node";
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
import { serve as serveHttp } from "srvx/node";
import adapter, { type NodeAdapter } from "../adapters/node.ts";
import type { AnyContext } from "../handshake.ts";
import { closeServer, type ServeOptions, type Server, urlOf, websocketOptions } from "./serve.ts";

export type { ServeOptions, Server, WebSocketOptions } from "./serve.ts";

/** Starts a server. `ready()` tells when it listens, and only then has `url` a port. */
export function serve<Context extends object = AnyContext>(
  options: ServeOptions<Context> = {},
): Server<NodeAdapter> {
  const { port = 3000, hostname = "0.0.0.0", tls } = options;
  const ws = adapter(websocketOptions(options));
  const http = serveHttp({
    port,
    hostname,
    silent: true,
    gracefulShutdown: false,
    fetch: options.fetch ?? (() => new Response("Not found\n", { status: 404 })),
    ...(tls ? { tls } : {}),
  });
  // Asked at once: where nobody else does, a failure to listen is an unhandled rejection, which
  // ends the process with the error.
  const listening = http.ready();
  const { server } = http.node!;
  server!.on("upgrade", ws.handleUpgrade);
  return {
    ws,
    get url() {
      const address = server!.address();
      const bound = typeof address === "object" && address ? address.port : port;
      return urlOf(tls !== undefined, hostname, bound);
    },
    ready: async () => void await listening,
    close: (closing) => closeServer(ws, closing, () => http.close(true)),
    [Symbol.asyncDispose]() {
      return this.close();
    },
  };
}

export default serve;

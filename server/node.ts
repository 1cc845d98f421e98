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
import adapter, { type NodeAdapter, type NodeOptions } from "../adapters/node.ts";
import type { AnyContext } from "../handshake.ts";
import { closeServer, type ServeOptions, type Server, urlOf, websocketOptions } from "./serve.ts";

export type { ServeOptions, Server, WebSocketOptions } from "./serve.ts";

/** Options of {@linkcode serve} on Node. */
export interface NodeServeOptions<Context extends object = AnyContext>
  extends ServeOptions<Context> {
  /** Compression, see the adapter for Node. */
  readonly perMessageDeflate?: NodeOptions["perMessageDeflate"];
}

/** Starts a server. `ready()` tells when it listens, and only then has `url` a port. */
export function serve<Context extends object = AnyContext>(
  options: NodeServeOptions<Context> = {},
): Server<NodeAdapter> {
  const { port = 3000, hostname = "0.0.0.0", tls, perMessageDeflate = false } = options;
  const ws = adapter({ ...websocketOptions(options), perMessageDeflate });
  const http = serveHttp({
    port,
    hostname,
    silent: true,
    gracefulShutdown: false,
    fetch: options.fetch ?? (() => new Response("Not found\n", { status: 404 })),
    ...(tls ? { tls } : {}),
  });
  const { server } = http.node!;
  server!.on("upgrade", ws.handleUpgrade);
  return {
    ws,
    get url() {
      const address = server!.address();
      const bound = typeof address === "object" && address ? address.port : port;
      return urlOf(tls !== undefined, hostname, bound);
    },
    ready: async () => void await http.ready(),
    close: (closing) => closeServer(ws, closing, () => http.close(true)),
    [Symbol.asyncDispose]() {
      return this.close();
    },
  };
}

export default serve;

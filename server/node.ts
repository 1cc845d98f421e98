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
import {
  closeServer,
  type HttpServerPlugin,
  notFound,
  type ServeOptions,
  type Server,
  urlOf,
  type WebSocketOptions,
  websocketOptions,
} from "./serve.ts";

export type {
  HttpServer,
  HttpServerPlugin,
  RuntimeName,
  ServeOptions,
  Server,
  WebSocketOptions,
} from "./serve.ts";

/** Starts a server. `ready()` tells when it listens, and only then has `url` a port. */
export function serve<Context extends object = AnyContext>(
  options: ServeOptions<Context> = {},
): Server<NodeAdapter> {
  const { port = 3000, hostname = "0.0.0.0", tls } = options;
  const ws = adapter(websocketOptions("node", options));
  const http = serveHttp({
    port,
    hostname,
    silent: true,
    gracefulShutdown: false,
    fetch: options.fetch ?? notFound,
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

/**
 * The same for a server of `srvx` that is made elsewhere, by a framework for example:
 * `serve({ fetch, plugins: [plugin({ message })] })`. Without hooks, the application is asked for
 * them, see `ServeOptions.fetch`.
 */
export function plugin<Context extends object = AnyContext>(
  websocket: WebSocketOptions<Context> = {},
): HttpServerPlugin {
  return (server) => {
    const fetch = (request: Request) => server.fetch(request as never);
    const ws = adapter(websocketOptions("node", { websocket, fetch }));
    // srvx 1.0 makes the server of Node after the plugins have run, in the same turn.
    queueMicrotask(() => server.node?.server?.on("upgrade", ws.handleUpgrade as never));
  };
}

export default serve;

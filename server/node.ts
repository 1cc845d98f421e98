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
import { logError } from "../common/errors.ts";
import type { AnyContext } from "../handshake/handshake.ts";
import {
  type HttpServerPlugin,
  notFound,
  type ServeOptions,
  type Server,
  startServer,
  type WebSocketOptions,
  websocketOptions,
} from "./serve.ts";

export type * from "./public_types.ts";

/** Starts a server. `ready()` tells when it listens, and only then has `url` a port. */
export function serve<Context extends object = AnyContext>(
  options: ServeOptions<Context> = {},
): Server<NodeAdapter> {
  const { tls, fetch = notFound } = options;
  const ws = adapter(websocketOptions("node", options));
  return startServer(ws, options, async (address) => {
    const http = serveHttp({
      ...address,
      ...(tls ? { tls } : {}),
      silent: true,
      gracefulShutdown: false,
      fetch,
      error(error) {
        logError("fetch failed", error);
        return new Response("Internal Server Error\n", { status: 500 });
      },
    });
    const server = http.node!.server!;
    server.on("upgrade", ws.handleUpgrade);
    await http.ready();
    const bound = server.address() as { readonly port: number };
    return { port: bound.port, stop: () => http.close(true) };
  });
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

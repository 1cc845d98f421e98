/**
 * One server for HTTP and WebSocket on Node. srvx serves HTTP.
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
import type { EventEmitter } from "node:events";
import { serve as serveHttp } from "srvx/node";
import adapter, { type NodeAdapter } from "../adapters/node.ts";
import type { AnyContext } from "../handshake/handshake.ts";
import { NodeConnections } from "./node_connections.ts";
import { onUpgrade } from "./node_upgrades.ts";
import {
  failed,
  type HttpServerPlugin,
  notFound,
  refusingStripped,
  type ServeOptions,
  type Server,
  startServer,
  UpgradeMiddleware,
  type WebSocketOptions,
  websocketOptions,
} from "./serve.ts";

export type * from "./public_types.ts";

/** Starts a server. `url` has the final port after `ready()` has resolved. */
export function serve<Context extends object = AnyContext>(
  options: ServeOptions<Context> = {},
): Server<NodeAdapter> {
  const { tls } = options;
  const fetch = refusingStripped(options.fetch ?? notFound);
  const ws = adapter(websocketOptions("node", options));
  return startServer(ws, options, async (address) => {
    const http = serveHttp({
      ...address,
      ...(tls ? { tls } : {}),
      silent: true,
      gracefulShutdown: false,
      fetch,
      error: failed,
    });
    const server = http.node!.server!;
    const connections = new NodeConnections(server);
    onUpgrade(server, ws.handleUpgrade);
    await http.ready();
    const bound = server.address() as { readonly port: number };
    return {
      port: bound.port,
      stop() {
        connections.endSessions();
        return http.close(true);
      },
      cut: () => connections.cut(),
    };
  });
}

/**
 * Adds WebSocket to an srvx server that other code, such as a framework, creates:
 * `serve({ fetch, plugins: [plugin({ message })] })`. If you pass no hooks, the plugin takes them
 * from the application's `fetch`, see `ServeOptions.fetch`.
 */
export function plugin<Context extends object = AnyContext>(
  websocket: WebSocketOptions<Context> = {},
): HttpServerPlugin {
  return (server) => {
    const middleware = new UpgradeMiddleware(server);
    const ws = adapter(websocketOptions("node", { websocket, fetch: middleware.fetch }));
    middleware.refuseStripped();
    // srvx 1.0 creates the Node server after the plugins have run, in the same turn.
    queueMicrotask(() => {
      const http = server.node?.server;
      if (http) onUpgrade(http as EventEmitter, ws.handleUpgrade);
    });
  };
}

export default serve;

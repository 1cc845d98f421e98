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
  type BunServer,
  type BunWebSocketHandler,
} from "../adapters/bun.ts";
import type { AnyContext } from "../handshake/handshake.ts";
import type { Awaitable } from "../endpoint/hooks.ts";
import {
  failed,
  type HttpServerPlugin,
  isUpgrade,
  mustRunOn,
  notFound,
  refusingStripped,
  type ServeOptions,
  type Server,
  startServer,
  UpgradeMiddleware,
  type WebSocketOptions,
  websocketOptions,
  withRuntime,
} from "./serve.ts";

export type * from "./public_types.ts";

/** The part of the `Bun` global that this module uses. */
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
    readonly error: (error: unknown) => Response;
  }): { readonly port: number; stop(closeActiveConnections?: boolean): unknown };
}

/** Starts a server. `url` has the final port after `ready()` has resolved. */
export function serve<Context extends object = AnyContext>(
  options: ServeOptions<Context> = {},
): Server<BunAdapter> {
  mustRunOn("Bun", "Bun" in globalThis);
  const { tls } = options;
  const fetch = refusingStripped(options.fetch ?? notFound);
  const ws = adapter(websocketOptions("bun", options));
  const { Bun } = globalThis as unknown as { Bun: BunGlobal };
  return startServer(ws, options, (address) => {
    const server = Bun.serve({
      ...address,
      ...(tls ? { tls } : {}),
      websocket: ws.websocket,
      fetch: (request, server) =>
        isUpgrade(request)
          ? ws.handleUpgrade(request, server)
          : fetch(withRuntime(request, { name: "bun", bun: { server } }), server),
      error: failed, // by default, Bun 1.4 shows the client a page with the stack and the source
    });
    const stop = () => server.stop(true);
    return { port: server.port, stop, cut: stop };
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
    const ws = adapter(websocketOptions("bun", { websocket, fetch: middleware.fetch }));
    server.options.bun = { ...server.options.bun, websocket: ws.websocket };
    middleware.install((request) => ws.handleUpgrade(request, serverOf(request)));
  };
}

export default serve;

/** Returns the server that Bun passes to `fetch`. srvx stores this object on the request. */
function serverOf(request: Request): BunServer {
  return (request as Request & { runtime: { bun: { server: BunServer } } }).runtime.bun.server;
}

/**
 * One server for HTTP and WebSocket on Deno.
 *
 * @example
 * ```ts
 * import { serve } from "@onepeer/onepeer/server/deno";
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
import adapter, { type DenoAdapter, type DenoServeInfo } from "../adapters/deno.ts";
import type { AnyContext } from "../handshake/handshake.ts";
import { RunningRequests } from "./running_requests.ts";
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

/** Starts a server. `url` has the final port after `ready()` has resolved. */
export function serve<Context extends object = AnyContext>(
  options: ServeOptions<Context> = {},
): Server<DenoAdapter> {
  mustRunOn("Deno", "Deno" in globalThis);
  const ws = adapter(websocketOptions("deno", options));
  const { tls = {} } = options;
  const fetch = refusingStripped(options.fetch ?? notFound);
  return startServer(ws, options, (address) => {
    const aborter = new AbortController(), { signal } = aborter;
    const requests = new RunningRequests();
    const server = Deno.serve(
      // Deno 2.9 accepts `cert` and `key` only together.
      { ...address, ...tls, signal, onListen() {}, onError: failed } as Deno.ServeTcpOptions,
      requests.counting((request, info) =>
        isUpgrade(request)
          ? ws.handleUpgrade(request, info)
          : fetch(withRuntime(request, { name: "deno", deno: { info } }), info)
      ),
    );
    const cut = () => aborter.abort();
    return {
      port: server.addr.port,
      // `shutdown()` of Deno 2.9 waits for clients that do not read, and makes `abort()` throw.
      async stop() {
        await requests.answered();
        cut();
        await server.finished;
      },
      cut,
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
    const ws = adapter(websocketOptions("deno", { websocket, fetch: middleware.fetch }));
    middleware.install((request) => ws.handleUpgrade(request, infoOf(request)));
  };
}

export default serve;

/** Returns the connection info that Deno passes to `fetch`. srvx stores this object on the request. */
function infoOf(request: Request): DenoServeInfo | undefined {
  return (request as { runtime?: { deno?: { info?: DenoServeInfo } } }).runtime?.deno?.info;
}

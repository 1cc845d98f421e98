/**
 * One server for HTTP and WebSocket, on the runtime it runs on: the same program under `deno run`,
 * `node` and `bun run`. A bundler, or who wants only one of them, imports `server/deno`,
 * `server/node` or `server/bun`.
 *
 * @example
 * ```ts
 * import { serve } from "@onepeer/onepeer/server";
 *
 * const server = serve({
 *   port: 0,
 *   fetch: () => new Response("hello"),
 *   websocket: { message: (peer, message) => void peer.send(`you said ${message}`) },
 * });
 *
 * await server.close();
 * ```
 *
 * @module
 */
import type { AnyContext } from "../handshake/handshake.ts";
import type { HttpServerPlugin, ServeOptions, Server, WebSocketOptions } from "./serve.ts";

export type * from "./public_types.ts";

interface Runtimes {
  readonly Deno?: unknown;
  readonly Bun?: unknown;
}

const runtime = globalThis as Runtimes;
// Only the one that can run is loaded: the others need packages or globals that are not here.
const chosen = runtime.Deno
  ? await import("./deno.ts")
  : runtime.Bun
  ? await import("./bun.ts")
  : await import("./node.ts");

/** Starts a server. `ready()` tells when it listens, and only then has `url` a port. */
export const serve: <Context extends object = AnyContext>(
  options?: ServeOptions<Context>,
) => Server = chosen.serve;

/**
 * The same for a server of `srvx` that is made elsewhere, by a framework for example:
 * `serve({ fetch, plugins: [plugin({ message })] })`. Without hooks, the application is asked for
 * them, see `ServeOptions.fetch`.
 */
export const plugin: <Context extends object = AnyContext>(
  websocket?: WebSocketOptions<Context>,
) => HttpServerPlugin = chosen.plugin;

export default serve;

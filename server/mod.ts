/**
 * One server for HTTP and WebSocket on the current runtime. The same program runs with `deno run`,
 * `node` and `bun run`. For a bundler, or for a single runtime, import `server/deno`, `server/node`
 * or `server/bun` instead.
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
// Loads one module only: the others need packages or globals that this runtime does not have.
const chosen = runtime.Deno
  ? await import("./deno.ts")
  : runtime.Bun
  ? await import("./bun.ts")
  : await import("./node.ts");

/** Starts a server. `url` has the final port after `ready()` has resolved. */
export const serve: <Context extends object = AnyContext>(
  options?: ServeOptions<Context>,
) => Server = chosen.serve;

/**
 * Adds WebSocket to an srvx server that other code, such as a framework, creates:
 * `serve({ fetch, plugins: [plugin({ message })] })`. If you pass no hooks, the plugin takes them
 * from the application's `fetch`, see `ServeOptions.fetch`.
 */
export const plugin: <Context extends object = AnyContext>(
  websocket?: WebSocketOptions<Context>,
) => HttpServerPlugin = chosen.plugin;

export default serve;

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
import adapter, { type DenoAdapter } from "../adapters/deno.ts";
import type { AnyContext } from "../handshake.ts";
import {
  closeServer,
  mustRunOn,
  type ServeOptions,
  type Server,
  urlOf,
  websocketOptions,
} from "./serve.ts";

export type { ServeOptions, Server, WebSocketOptions } from "./serve.ts";

/** Starts a server. `ready()` tells when it listens, and only then has `url` a port. */
export function serve<Context extends object = AnyContext>(
  options: ServeOptions<Context> = {},
): Server<DenoAdapter> {
  mustRunOn("Deno", "Deno" in globalThis);
  const ws = adapter(websocketOptions(options));
  const { port = 3000, hostname = "0.0.0.0", tls } = options;
  const fetch = options.fetch ?? (() => new Response("Not found\n", { status: 404 }));
  const listen = () =>
    Deno.serve(
      // Deno 2.9 takes `cert` and `key` only together.
      { port, hostname, onListen() {}, ...(tls ?? {}) } as Deno.ServeTcpOptions,
      (request, info) =>
        request.headers.get("upgrade")?.toLowerCase() === "websocket"
          ? ws.handleUpgrade(request, info)
          : fetch(request),
    );
  // Deno throws at once where it cannot listen; as everywhere, `ready()` tells. Nobody who asks:
  // then it is an unhandled rejection, which ends the process with the error.
  let server: Deno.HttpServer<Deno.NetAddr> | undefined;
  const listening = new Promise<void>((resolve) => {
    server = listen();
    resolve();
  });
  return {
    ws,
    get url() {
      return urlOf(tls !== undefined, hostname, server?.addr.port ?? port);
    },
    ready: () => listening,
    close: (closing) => closeServer(ws, closing, async () => await server?.shutdown()),
    [Symbol.asyncDispose]() {
      return this.close();
    },
  };
}

export default serve;

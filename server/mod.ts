/**
 * One server for HTTP and WebSocket, on the runtime it runs on: the same program under `deno run`,
 * `node` and `bun run`. A bundler, or who wants only one of them, imports `server/deno`,
 * `server/node` or `server/bun`.
 *
 * @example
 * ```ts
 * import { serve } from "@onepeer/onepeer/server";
 *
 * const server = await serve({
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

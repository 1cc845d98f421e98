/**
 * Client for the adapter for server-sent events: a `WebSocket` over plain HTTP, for networks whose
 * proxies or firewalls block WebSockets. For browsers, Deno, Node and Bun.
 *
 * {@linkcode fallback} tries a WebSocket first. {@linkcode WebSocketSSE} uses HTTP from the start.
 *
 * @example A chat that works behind any proxy
 * ```ts
 * import adapter from "@onepeer/onepeer/adapters/sse";
 * import { fallback } from "@onepeer/onepeer/websocket/sse";
 *
 * const sse = adapter({ hooks: { message: (peer, message) => void peer.send(message) } });
 * const server = Deno.serve({ port: 0, onListen() {} }, (request, info) => sse.fetch(request, info));
 *
 * // In the page: a WebSocket if one opens, else the same messages over HTTP.
 * const socket = fallback(`ws://localhost:${server.addr.port}/chat`);
 * socket.onopen = () => socket.send("hello");
 * socket.onmessage = ({ data }) => socket.close(1000, data); // "hello"
 * await new Promise((closed) => socket.onclose = closed);
 *
 * await sse.close();
 * await server.shutdown();
 * ```
 *
 * @module
 */
export { WebSocketSSE } from "./websocket_sse.ts";
export type { WebSocketSSEOptions } from "./sse_options.ts";
export { fallback, type FallbackOptions, type FallbackSocket } from "./fallback.ts";
export { type SocketEventHandler, type SocketEventMap, SocketTarget } from "./socket_target.ts";

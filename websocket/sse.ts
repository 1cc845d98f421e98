/**
 * The client half of Server-Sent Events: a `WebSocket` for where there can be none, as proxies or
 * firewalls stand in its way. For browsers, Deno, Node and Bun.
 *
 * {@linkcode fallback} tries a WebSocket first; {@linkcode WebSocketSSE} does without. The server
 * is this package's adapter for SSE.
 *
 * @example A chat that works behind any proxy
 * ```ts
 * import adapter from "@onepeer/onepeer/adapters/sse";
 * import { fallback } from "@onepeer/onepeer/websocket/sse";
 *
 * const sse = adapter({ hooks: { message: (peer, message) => void peer.send(message) } });
 * const server = Deno.serve({ port: 0, onListen() {} }, (request, info) => sse.fetch(request, info));
 *
 * // In the page: a WebSocket where one opens, else the same by HTTP.
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

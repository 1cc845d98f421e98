/**
 * The client half of Server-Sent Events: a `WebSocket` for where there can be none, as proxies or
 * firewalls stand in its way. For browsers, Deno, Node and Bun.
 *
 * {@linkcode fallback} tries a WebSocket first; {@linkcode WebSocketSSE} does without. The server
 * is this package's adapter for SSE.
 *
 * @example A chat that works behind any proxy
 * ```ts no-eval
 * import { fallback } from "@onepeer/onepeer/websocket/sse";
 *
 * const socket = fallback("wss://example.com/chat");
 * socket.onopen = () => socket.send(`hello over ${socket.transport}`);
 * socket.onmessage = ({ data }) => console.log(data);
 * ```
 *
 * @module
 */
export { WebSocketSSE } from "./websocket_sse.ts";
export type { WebSocketSSEOptions } from "./sse_options.ts";
export { fallback, type FallbackOptions, type FallbackSocket } from "./fallback.ts";
export { type SocketEventHandler, type SocketEventMap, SocketTarget } from "./socket_target.ts";

/**
 * One WebSocket `Peer` that means the same on every JavaScript runtime. Write hooks once; an
 * adapter or server for your runtime runs them.
 *
 * @example
 * ```ts
 * import { defineHooks } from "@onepeer/onepeer";
 * import { serve } from "@onepeer/onepeer/server/deno"; // or server/node
 *
 * const hooks = defineHooks({
 *   open: (peer) => peer.subscribe("chat"),
 *   message: (peer, message) => void peer.publish("chat", message.text()),
 * });
 *
 * await using server = serve({ port: 0, websocket: { hooks } });
 * ```
 *
 * @module
 */
export type { Adapter, AdapterOptions } from "./adapter.ts";
export {
  type CloseOptions,
  createEndpoint,
  type Endpoint,
  type EndpointOptions,
  type EndpointPublishOptions,
} from "./endpoint.ts";
export { type HookError, PeerError, type PeerErrorCode } from "./errors.ts";
export { getWebSocketHooks, kWebSocketHooks, setWebSocketHooks } from "./framework_hooks.ts";
export type { AnyContext, UpgradeRequest } from "./handshake.ts";
export {
  type Awaitable,
  defineHooks,
  type FailureInfo,
  type HookOptions,
  type Hooks,
  type ResolveHooks,
  type UpgradeResult,
} from "./hooks.ts";
export { DEFAULT_LIMITS, type Limits } from "./limits.ts";
export type { BinaryType, Message, MessageSource } from "./message.ts";
export type { AllowedOrigins } from "./allowed_origins.ts";
export type { DrainOptions, Peer, PublishOptions } from "./peer.ts";
export type { PeerWebSocket, SendOptions } from "./peer_websocket.ts";
export type { CloseInfo, Payload } from "./socket.ts";
export type { Stats } from "./stats.ts";
export type { UpgradeHeaders } from "./upgrade_headers.ts";
// The names that crossws gives to the same things, as declarations of other packages import them.
export type { Adapter as AdapterInstance } from "./adapter.ts";
export type { HookError as WSError } from "./errors.ts";
export type { AnyContext as AdapterInternal, AnyContext as PeerContext } from "./handshake.ts";
export type { DrainOptions as WaitForDrainOptions } from "./peer.ts";

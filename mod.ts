/**
 * One WebSocket `Peer` that behaves the same on every JavaScript runtime. Write hooks once. An adapter
 * or a server for your runtime runs the hooks.
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
export type { Adapter, AdapterOptions } from "./endpoint/adapter.ts";
export type {
  CloseOptions,
  CommitOptions,
  EndpointPublishOptions,
  PresenceOptions,
  SubscribersOptions,
  ToUserOptions,
} from "./endpoint/call_options.ts";
export type { ConnectionLimits, ConnectionOptions } from "./endpoint/connection_options.ts";
export { createEndpoint, type Endpoint } from "./endpoint/endpoint.ts";
export type { EndpointOptions } from "./endpoint/options.ts";
export { type HookError, PeerError, type PeerErrorCode } from "./common/errors.ts";
export {
  getWebSocketHooks,
  kWebSocketHooks,
  setWebSocketHooks,
} from "./endpoint/framework_hooks.ts";
export type { AnyContext, RequestRuntime, UpgradeRequest } from "./handshake/handshake.ts";
export {
  type Awaitable,
  defineHooks,
  type FailureInfo,
  type HookOptions,
  type Hooks,
  type ResolveHooks,
  type UpgradeResult,
} from "./endpoint/hooks.ts";
export type { Cluster, ClusterNode, Told } from "./endpoint/cluster.ts";
export { DEFAULT_LIMITS, type Limits } from "./common/limits.ts";
export type { BinaryType, Message, MessageSource } from "./socket/message.ts";
export type { AllowedOrigins } from "./handshake/allowed_origins.ts";
export type { DrainOptions } from "./socket/drain_waiters.ts";
export type { Peer } from "./peer.ts";
export type { FormatMessage, HistoryMessageInfo } from "./pubsub/history/format.ts";
export type {
  GapInfo,
  MissedReason,
  SubscribeOptions,
  SubscribeResult,
} from "./pubsub/history/subscribe_options.ts";
export type { PresenceState } from "./pubsub/presence/presence.ts";
export type { PresenceChange } from "./pubsub/presence/presence_change.ts";
export type { PresenceMember } from "./pubsub/presence/presence_member.ts";
export type { HistoryOptions, ResolveTopic, TopicOptions } from "./pubsub/topic_options.ts";
export type { Subscribers } from "./pubsub/subscribers.ts";
export type { PublishOptions } from "./pubsub/topic_arguments.ts";
export type { PeerWebSocket, SendOptions } from "./socket/peer_websocket.ts";
export type { CloseInfo, Payload } from "./socket/socket.ts";
export type { Stats, SyncStats } from "./common/stats.ts";
export type { LinkMaker, SyncAdapter, SyncDriver, SyncMessage } from "./pubsub/sync_adapter.ts";
export type { UpgradeHeaders } from "./handshake/upgrade_headers.ts";
// Aliases with the names of crossws: type declarations of other packages import these names.
export type { Adapter as AdapterInstance } from "./endpoint/adapter.ts";
export type { HookError as WSError } from "./common/errors.ts";
export type { FailureInfo as SyncErrorContext } from "./endpoint/hooks.ts";
export type {
  AnyContext as AdapterInternal,
  AnyContext as PeerContext,
} from "./handshake/handshake.ts";
export type { DrainOptions as WaitForDrainOptions } from "./socket/drain_waiters.ts";

import type { AnyContext, UpgradeRequest } from "../handshake/handshake.ts";
import type { HookError } from "../common/errors.ts";
import type { Message } from "../socket/message.ts";
import type { GapInfo } from "../pubsub/history/subscribe_options.ts";
import type { Peer } from "../peer.ts";
import type { PresenceChange } from "../pubsub/presence/presence_change.ts";
import type { CloseInfo } from "../socket/socket.ts";
import type { UpgradeHeaders } from "../handshake/upgrade_headers.ts";
import { type Awaitable, isThenable } from "../common/thenable.ts";
import type { ConnectionOptions } from "./connection_options.ts";

export { type Awaitable, isThenable } from "../common/thenable.ts";

/** Options for one client, as the `upgrade` hook returns them. */
export interface UpgradeResult<Context extends object = AnyContext> {
  /** Headers for the 101; `set-cookie` may repeat. Values are visible ASCII without line breaks. */
  readonly headers?: UpgradeHeaders;
  /** Values to merge into `peer.context`: own enumerable keys, never `__proto__`. */
  readonly context?: Context;
  /** Namespace of the peer. Default: the pathname of the URL. */
  readonly namespace?: string;
  /**
   * Name of the user whose connection this is, such as the key of an account: `ws.toUser` sends to
   * all peers of a user, and `ws.cluster.disconnect` closes them. Not empty.
   */
  readonly user?: string;
  /** Subprotocol to select. The client must have offered it. */
  readonly protocol?: string;
  /**
   * Whether to compress for this client, or options of `ws`. Overrides the option of the adapter.
   * Only Node uses this field. On other runtimes, compression is an option of the whole server.
   */
  readonly perMessageDeflate?: boolean | object;
  /** Whether the hook has taken over the native socket. The adapter then does not use the socket. */
  readonly handled?: boolean;
}

/**
 * Functions that you write once for all runtimes. Each hook is optional.
 *
 * The hooks of one peer start in this order: `upgrade`, `open`, then `message` and `drain`, at most
 * one `error` for the transport, and `close`, once. `message` waits for a pending `open`. An
 * exception of any hook but `upgrade` goes to `error`, and affects no other peer.
 *
 * Hooks can also carry `limits`, `allowedOrigins` and `trustProxy` for their connections.
 */
export interface Hooks<Context extends object = AnyContext> extends ConnectionOptions {
  /**
   * Called before the handshake is answered. Return nothing to admit the client, an
   * {@linkcode UpgradeResult} to admit the client with options, or a `Response` to refuse the
   * client. The hook may also throw the response.
   */
  upgrade(
    request: UpgradeRequest,
  ): Awaitable<UpgradeResult<Context> | Response | void>;
  /** Called when the connection is open. If `open` throws, the peer is closed with 1011. */
  open(peer: Peer<Context>): Awaitable<void>;
  /** Called for each message, in order of arrival, after `open` has settled. */
  message(peer: Peer<Context>, message: Message<Peer<Context>>): Awaitable<void>;
  /**
   * Called for each ping frame of the client. The server itself answers pings. Does not wait for
   * other hooks, not even `open`. Never called on Deno and Cloudflare, which do not report control
   * frames, and never over SSE.
   */
  ping(peer: Peer<Context>, data: Uint8Array<ArrayBuffer>): Awaitable<void>;
  /**
   * Called for each pong frame of the client: an answer to `peer.ping()`, an answer to an idle
   * check (empty), or an unsolicited pong. Does not wait for other hooks. Never called on Deno, on
   * Cloudflare or over SSE.
   */
  pong(peer: Peer<Context>, data: Uint8Array<ArrayBuffer>): Awaitable<void>;
  /** Called when a slow client has caught up: at most `limits.drainThreshold` bytes are queued. */
  drain(peer: Peer<Context>): Awaitable<void>;
  /**
   * Called when the peer may have missed messages of other nodes, as the broker of the option `sync`
   * was away. For topics with history, only if the messages cannot be read later. Does not wait for
   * other hooks.
   */
  gap(peer: Peer<Context>, gap: GapInfo): Awaitable<void>;
  /**
   * Called for each subscriber of a topic with presence when others, or the peer itself, have
   * entered it, changed their data or left. Changes are gathered for 50 ms. Does not wait for other
   * hooks, not even `open`.
   */
  presence(peer: Peer<Context>, change: PresenceChange): Awaitable<void>;
  /** Called when the connection is over. The peer has left its topics and `peers`. */
  close(peer: Peer<Context>, info: CloseInfo): Awaitable<void>;
  /**
   * Called when a hook has failed (`error.hook` names the hook), or the client has broken the
   * protocol or exceeded `limits.maxPayload` (`PeerError`). Without this hook, a failed hook is
   * logged to the console, and the peer is closed with 1011.
   */
  error(peer: Peer<Context>, error: HookError): Awaitable<void>;
}

/** Chooses hooks for a connection: before `upgrade`, and again after hibernation. */
export type ResolveHooks<Context extends object = AnyContext> = (
  request: UpgradeRequest,
) => Awaitable<Partial<Hooks<Context>> | undefined | void>;

/** Circumstances of a failure that belongs to no peer. */
export interface FailureInfo {
  /**
   * `"upgrade"` (the hooks of a handshake), `"origin"` (the origin guard), `"resolve"` (choosing
   * hooks again after hibernation, or for a request of another origin to the adapter for SSE),
   * `"format"` (the option `format`) or `"sync"` (the connection to other nodes: at most one report a
   * second).
   */
  readonly stage: string;
  /** The request, if there is one. */
  readonly request?: UpgradeRequest;
}

/**
 * Gives hooks their types: `peer.context` has the type of the `context` that `upgrade` returns.
 * Write `upgrade` first, so that TypeScript knows the type in the other hooks.
 *
 * @example
 * ```ts
 * import { defineHooks } from "@onepeer/onepeer";
 *
 * export const hooks = defineHooks({
 *   upgrade(request) {
 *     const user = new URL(request.url).searchParams.get("user");
 *     if (!user) return new Response("please log in", { status: 401 });
 *     return { context: { user } };
 *   },
 *   message(peer, message) {
 *     peer.publish("all", `${peer.context.user}: ${message}`); // user is a string
 *   },
 * });
 * ```
 */
export function defineHooks<Context extends object = AnyContext>(
  hooks: Partial<Hooks<Context>>,
): Partial<Hooks<Context>> {
  return hooks;
}

/** Options of an endpoint, and so of every adapter. */
export interface HookOptions<Context extends object = AnyContext>
  extends Omit<ConnectionOptions, "limits"> {
  /** Hooks for every connection. */
  readonly hooks?: Partial<Hooks<Context>>;
  /**
   * Returns further hooks for a connection. The global hook of a kind runs first, then the further
   * one. Values that the further `upgrade` returns override those of the global `upgrade`. Options
   * that the further hooks carry override those of the global hooks, and those of the adapter.
   */
  readonly resolve?: ResolveHooks<Context>;
  /** Returns the namespace of a peer if `upgrade` names none. Default: the URL's pathname. */
  readonly getNamespace?: (request: UpgradeRequest) => string;
  /**
   * Picks a subprotocol if the client offers some and `upgrade` names none. Return an offered
   * name, or nothing.
   */
  readonly handleProtocols?: (
    offered: Set<string>,
    request: UpgradeRequest,
  ) => Awaitable<string | false | null | undefined | void>;
  /** Called for each failure that belongs to no peer. Default: `console.error`. */
  readonly onError?: (error: unknown, info: FailureInfo) => void;
}

/** Name of a hook. */
export type HookName = Exclude<keyof Hooks, keyof ConnectionOptions>;

/** Names of all {@linkcode Hooks}. */
export const HOOK_NAMES = [
  "upgrade",
  "open",
  "message",
  "ping",
  "pong",
  "drain",
  "gap",
  "presence",
  "close",
  "error",
] as const;

/** Hooks of one connection, and the options that they carry. */
export type PeerHooks = Partial<Hooks>;

/** Calls `next` with a value: at once, or later if the value is a promise. */
export function chain<T, R>(value: Awaitable<T>, next: (value: T) => Awaitable<R>): Awaitable<R> {
  return isThenable(value) ? Promise.resolve(value).then(next) : next(value);
}

import type { AnyContext, UpgradeRequest } from "../handshake/handshake.ts";
import { type HookError, invalidOption } from "../common/errors.ts";
import type { Message } from "../socket/message.ts";
import { type AllowedOrigins, checkAllowedOrigins } from "../handshake/allowed_origins.ts";
import type { Peer } from "../peer.ts";
import type { CloseInfo } from "../socket/socket.ts";
import { headerPairs, type UpgradeHeaders } from "../handshake/upgrade_headers.ts";

/** What `upgrade` may say of a connection that it admits. */
export interface UpgradeResult<Context extends object = AnyContext> {
  /** Headers for the 101, several `set-cookie` included. Visible ASCII, no line breaks. */
  readonly headers?: UpgradeHeaders;
  /** Merged into `peer.context`: own enumerable keys, `__proto__` never. */
  readonly context?: Context;
  /** Where the peer lives. Default: the URL's pathname. */
  readonly namespace?: string;
  /** The subprotocol to select; the client must have offered it. */
  readonly protocol?: string;
  /**
   * Whether to accept compression from this client, or how: overrides the option of the adapter. On
   * Node with `ws` alone; elsewhere compression is settled for the whole server.
   */
  readonly perMessageDeflate?: boolean | object;
  /** The hook has taken the socket over itself; the adapter leaves it alone. */
  readonly handled?: boolean;
}

/** A value, or the promise of one. */
export type Awaitable<T> = T | Promise<T>;

/**
 * What you write, once for all runtimes. All are optional in use.
 *
 * For one peer they start in this order: `upgrade`, `open`, then `message` and `drain`, at most
 * one `error` for the transport, and `close`, once. `message` waits for a pending `open`. A hook
 * that throws is reported to `error` and hurts nobody else.
 */
export interface Hooks<Context extends object = AnyContext> {
  /**
   * Before the handshake is answered. Return nothing to admit the client, an
   * {@linkcode UpgradeResult} to admit it on terms, or a `Response` (returned or thrown) to refuse it.
   */
  upgrade(
    request: UpgradeRequest,
  ): Awaitable<UpgradeResult<Context> | Response | void>;
  /** The connection stands. If it throws, the peer is closed with 1011. */
  open(peer: Peer<Context>): Awaitable<void>;
  /** A message came. Starts in order of arrival, after `open` has settled. */
  message(peer: Peer<Context>, message: Message<Peer<Context>>): Awaitable<void>;
  /**
   * The client sent a ping frame, which has been answered. Waits for no other hook, not even `open`.
   * Never called on Deno, which shows no control frames.
   */
  ping(peer: Peer<Context>, data: Uint8Array<ArrayBuffer>): Awaitable<void>;
  /**
   * The client sent a pong frame: to `peer.ping()`, to an idle check (then it is empty), or unasked.
   * As `ping`, it waits for nothing, and is never called on Deno.
   */
  pong(peer: Peer<Context>, data: Uint8Array<ArrayBuffer>): Awaitable<void>;
  /** A slow client has caught up: `bufferedAmount` is at `limits.drainThreshold` again. */
  drain(peer: Peer<Context>): Awaitable<void>;
  /** The connection is over. The peer is out of its topics and of `peers`. */
  close(peer: Peer<Context>, info: CloseInfo): Awaitable<void>;
  /** A hook failed (`error.hook` says which), or the client broke the protocol (`PeerError`). */
  error(peer: Peer<Context>, error: HookError): Awaitable<void>;
}

/** Chooses hooks for a connection, once, before `upgrade`. */
export type ResolveHooks<Context extends object = AnyContext> = (
  request: UpgradeRequest,
) => Awaitable<Partial<Hooks<Context>> | undefined | void>;

/** Where a failure without a peer happened. */
export interface FailureInfo {
  /** `"resolve"`, `"namespace"`, `"upgrade"`, `"origin"` or `"backplane"`. */
  readonly stage: string;
  /** The request, where one is concerned. */
  readonly request?: UpgradeRequest;
}

/**
 * Gives hooks their types: `peer.context` is what `upgrade` returns as `context`. Write
 * `upgrade` first, so that the others see it.
 *
 * @example
 * ```ts
 * import { defineHooks } from "@onepeer/onepeer";
 *
 * export const hooks = defineHooks({
 *   upgrade(request) {
 *     const user = new URL(request.url).searchParams.get("user");
 *     if (!user) return new Response("who are you?", { status: 401 });
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
export interface HookOptions<Context extends object = AnyContext> {
  /** Hooks for every connection. */
  readonly hooks?: Partial<Hooks<Context>>;
  /** More hooks for this connection: both run, the global one first; here an `upgrade` result wins. */
  readonly resolve?: ResolveHooks<Context>;
  /** Where a peer lives, unless `upgrade` says otherwise. Default: the URL's pathname. */
  readonly getNamespace?: (request: UpgradeRequest) => string;
  /**
   * Picks the subprotocol where the client offers some and `upgrade` names none: one of them, or
   * nothing for none.
   */
  readonly handleProtocols?: (
    offered: Set<string>,
    request: UpgradeRequest,
  ) => Awaitable<string | false | null | undefined | void>;
  /**
   * Which other origins may connect with cookies or `Authorization`: origins, patterns, a function,
   * or `"*"` for all. The request's own host always may.
   *
   * @default none
   */
  readonly allowedOrigins?: AllowedOrigins;
  /**
   * Whether `X-Forwarded-For`, `-Host` and `-Proto` are believed: `true` for one proxy in front,
   * or how many there are. Each proxy must append to or set these headers.
   *
   * @default false
   */
  readonly trustProxy?: boolean | number;
  /** Hears of failures without a peer. Default: one `console.error`. */
  readonly onError?: (error: unknown, info: FailureInfo) => void;
}

/** Names of all {@linkcode Hooks}. */
export const HOOK_NAMES = [
  "upgrade",
  "open",
  "message",
  "ping",
  "pong",
  "drain",
  "close",
  "error",
] as const;

/**
 * Finds mistakes in options before the first client does.
 *
 * @throws {TypeError} for an option of the wrong kind.
 */
export function checkOptions(options: HookOptions): void {
  for (const name of HOOK_NAMES) {
    mustBeFunction(`hooks.${name}`, options.hooks?.[name]);
  }
  mustBeFunction("resolve", options.resolve);
  mustBeFunction("getNamespace", options.getNamespace);
  mustBeFunction("handleProtocols", options.handleProtocols);
  mustBeFunction("onError", options.onError);
  const { trustProxy = false } = options;
  const isCount = typeof trustProxy === "number" && Number.isInteger(trustProxy) && trustProxy >= 0;
  if (typeof trustProxy !== "boolean" && !isCount) {
    throw new TypeError(
      invalidOption("trustProxy", "a boolean or the number of proxies", trustProxy),
    );
  }
  checkAllowedOrigins(options.allowedOrigins);
}

/**
 * Finds mistyped hooks, which nobody would ever call.
 *
 * @throws {TypeError} for a name that no hook has, and for anything but an object of hooks.
 */
export function checkHookNames(hooks: unknown): void {
  if (hooks === undefined) return;
  if (typeof hooks !== "object" || hooks === null || Array.isArray(hooks)) {
    throw new TypeError(invalidOption("hooks", "an object of hooks", typeof hooks));
  }
  const known: readonly string[] = HOOK_NAMES;
  const unknown = Object.keys(hooks).find((name) => !known.includes(name));
  if (!unknown) return;
  throw new TypeError(
    `Cannot use hooks.${unknown} as there is no such hook: known are ${known.join(", ")}`,
  );
}

function mustBeFunction(name: string, value: unknown): void {
  if (value === undefined || typeof value === "function") return;
  throw new TypeError(invalidOption(name, "a function", value === null ? value : typeof value));
}

/** Hooks of one connection as they are called. */
export type PeerHooks = Partial<Hooks>;

/** Composes global and chosen hooks, once for each pair, so that a connection costs no closures. */
export class HookChooser {
  readonly #global: PeerHooks;
  readonly #composed = new WeakMap<PeerHooks, PeerHooks>();

  constructor(global: PeerHooks) {
    this.#global = global;
  }

  choose(chosen: PeerHooks | undefined | void): PeerHooks {
    if (!chosen || chosen === this.#global) return this.#global;
    let composed = this.#composed.get(chosen);
    if (!composed) this.#composed.set(chosen, composed = compose(this.#global, chosen));
    return composed;
  }
}

function compose(first: PeerHooks, second: PeerHooks): PeerHooks {
  return {
    upgrade: (request) =>
      chain(first.upgrade?.(request), (a) => {
        if (a instanceof Response || a?.handled) return a;
        return chain(
          second.upgrade?.(request),
          (b) => b instanceof Response || b?.handled ? b : merge(a, b),
        );
      }),
    ...both(first, second, "open"),
    ...both(first, second, "message"),
    ...both(first, second, "ping"),
    ...both(first, second, "pong"),
    ...both(first, second, "drain"),
    ...both(first, second, "close"),
    ...both(first, second, "error"),
  };
}

function merge(a: UpgradeResult | void, b: UpgradeResult | void): UpgradeResult | void {
  if (!a || !b) return b || a;
  return {
    ...a,
    ...b,
    context: { ...a.context, ...b.context },
    headers: [...headerPairs(a.headers ?? []), ...headerPairs(b.headers ?? [])] as [
      string,
      string,
    ][],
  };
}

type LaterHook = Exclude<keyof Hooks, "upgrade">;

function both(first: PeerHooks, second: PeerHooks, name: LaterHook): PeerHooks {
  // One list of hooks can't be typed more closely than their common shape.
  type Hook = (...args: unknown[]) => Awaitable<void>;
  const [a, b] = [first, second].map((hooks) => (hooks[name] as Hook | undefined)?.bind(hooks));
  if (!a || !b) return a || b ? { [name]: a ?? b } : {};
  // `open` sets a peer up: the second builds on the first. The others start in one turn, so that
  // messages keep their order and nothing starts after `close`.
  if (name === "open") return { open: (...args: unknown[]) => chain(a(...args), () => b(...args)) };
  return { [name]: (...args: unknown[]) => settleBoth([attempt(a, args), attempt(b, args)]) };
}

/** Calls a hook; what it throws becomes a rejection. */
function attempt(
  hook: (...args: unknown[]) => Awaitable<void>,
  args: unknown[],
): Awaitable<void> | PromiseLike<void> {
  try {
    return hook(...args);
  } catch (error) {
    const rejected = Promise.reject(error);
    rejected.catch(() => {});
    return rejected;
  }
}

function settleBoth(results: (Awaitable<void> | PromiseLike<void>)[]): Awaitable<void> {
  if (!results.some(isThenable)) return;
  return Promise.allSettled(results).then((settled) => {
    const failed = settled.filter((result) => result.status === "rejected");
    if (failed.length === 0) return;
    const errors = failed.map(({ reason }) => reason);
    throw errors.length === 1 ? errors[0] : new AggregateError(errors, "Both hooks failed");
  });
}

/** Goes on with a value now, or later if it is the promise of one. */
export function chain<T, R>(value: Awaitable<T>, next: (value: T) => Awaitable<R>): Awaitable<R> {
  return isThenable(value) ? Promise.resolve(value).then(next) : next(value);
}

/** Whether a hook is still at work. */
export function isThenable<T>(value: T | PromiseLike<T>): value is Promise<T> {
  return typeof (value as PromiseLike<T> | undefined)?.then === "function";
}

import type { AnyContext } from "../handshake/handshake.ts";
import type { Hooks } from "./hooks.ts";

/**
 * Key by which a framework puts the hooks of a connection on the request. The key is that of crossws,
 * `Symbol.for("crossws.hooks")`, so that h3 and other frameworks work with either library.
 */
export const kWebSocketHooks: unique symbol = Symbol.for("crossws.hooks");

/** Context that a framework puts on a request. */
export type FrameworkContext = AnyContext & { [kWebSocketHooks]?: Partial<Hooks> };

type FrameworkRequest = Request & {
  [kWebSocketHooks]?: Partial<Hooks>;
  readonly context?: FrameworkContext;
};

/**
 * Puts hooks on an upgrade request, for `serve` or another caller of the framework. The hooks are
 * in `request.context` too, since a framework may wrap the request and keep only the context.
 *
 * @example
 * ```ts
 * import { getWebSocketHooks, setWebSocketHooks } from "@onepeer/onepeer";
 *
 * const request = new Request("http://localhost/chat");
 * setWebSocketHooks(request, { open: (peer) => peer.subscribe("chat") });
 * console.log(getWebSocketHooks(request)?.open); // [Function: open]
 * ```
 */
export function setWebSocketHooks(request: Request, hooks: Partial<Hooks>): void {
  const target: FrameworkRequest = request;
  if (Object.isExtensible(target)) target[kWebSocketHooks] = hooks;
  if (target.context && Object.isExtensible(target.context)) {
    target.context[kWebSocketHooks] = hooks;
  }
}

/** Returns the hooks that {@linkcode setWebSocketHooks} or a framework put on a request. */
export function getWebSocketHooks(request: Request): Partial<Hooks> | undefined {
  const source: FrameworkRequest = request;
  return source[kWebSocketHooks] ?? source.context?.[kWebSocketHooks];
}

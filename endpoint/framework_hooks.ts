import type { AnyContext } from "../handshake/handshake.ts";
import type { Hooks } from "./hooks.ts";

/**
 * Key under which a framework puts hooks on a request. crossws has the same key,
 * `Symbol.for("crossws.hooks")`: h3 and other frameworks work with either library.
 */
export const kWebSocketHooks: unique symbol = Symbol.for("crossws.hooks");

/** Context that a framework puts on a request. */
export type FrameworkContext = AnyContext & { [kWebSocketHooks]?: Partial<Hooks> };

type FrameworkRequest = Request & {
  [kWebSocketHooks]?: Partial<Hooks>;
  readonly context?: FrameworkContext;
};

/**
 * Puts hooks on an upgrade request, where `serve` and {@linkcode getWebSocketHooks} find them. Puts
 * the hooks on `request.context` too, since a framework may wrap the request and keep only the
 * context.
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

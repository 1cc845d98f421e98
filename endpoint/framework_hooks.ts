import type { AnyContext } from "../handshake/handshake.ts";
import type { Hooks } from "./hooks.ts";

/**
 * Where a framework leaves the hooks of a connection on its request: `Symbol.for("crossws.hooks")`,
 * the name that crossws gave it, so that h3 and others need to know neither library.
 */
export const kWebSocketHooks: unique symbol = Symbol.for("crossws.hooks");

/** A request's context, as a framework leaves it. */
export type FrameworkContext = AnyContext & { [kWebSocketHooks]?: Partial<Hooks> };

type FrameworkRequest = Request & {
  [kWebSocketHooks]?: Partial<Hooks>;
  readonly context?: FrameworkContext;
};

/**
 * Leaves hooks on an upgrade request, for `serve` or whoever called the framework. They are in its
 * `context` too, which survives where a framework makes a new request of it.
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

/** The hooks that {@linkcode setWebSocketHooks}, or a framework by itself, left on a request. */
export function getWebSocketHooks(request: Request): Partial<Hooks> | undefined {
  const source: FrameworkRequest = request;
  return source[kWebSocketHooks] ?? source.context?.[kWebSocketHooks];
}

import { mustNotBePromise } from "../common/thenable.ts";
import { checkDeflate } from "../handshake/deflate_options.ts";
import { pathnameOf } from "../handshake/handshake.ts";
import { checkUser } from "./call_options.ts";
import { type FrameworkContext, kWebSocketHooks } from "./framework_hooks.ts";
import { checkNamespace } from "../pubsub/users.ts";
import type { HookOptions, UpgradeResult } from "./hooks.ts";
import type { PendingUpgrade } from "./pending_upgrade.ts";

const RESULT_KEYS = [
  "headers",
  "context",
  "namespace",
  "user",
  "protocol",
  "handled",
  "perMessageDeflate",
];

/**
 * Checks the value that an `upgrade` hook returned. A hook that returns `false`, or a `Response` of
 * another realm or package, means to refuse the client. Such a value must not admit the client.
 *
 * @throws {TypeError} for a value that is no {@linkcode UpgradeResult}.
 */
export function checkResult(result: unknown): void {
  if (result === undefined) return;
  const keys = typeof result === "object" && result !== null ? Object.keys(result) : [];
  const isPlain = typeof result === "object" && result !== null && !Array.isArray(result);
  const unknown = keys.find((key) => !RESULT_KEYS.includes(key));
  if (isPlain && !unknown && !("status" in result)) {
    for (const [key, value] of Object.entries(result)) mustNotBePromise(`${key} of upgrade`, value);
    return checkDeflate((result as UpgradeResult).perMessageDeflate);
  }
  throw new TypeError(
    `Cannot admit the client as upgrade must return nothing, this runtime's own Response, or an object of ${
      RESULT_KEYS.join(", ")
    }: found ${isPlain ? `an object with ${unknown ?? "status"}` : String(result)}`,
  );
}

/**
 * Returns the namespace of a peer: from `upgrade`, from the option, or the pathname.
 *
 * @throws {TypeError} for a value that is no string.
 */
export function namespaceOf(
  result: UpgradeResult | undefined,
  pending: PendingUpgrade,
  { getNamespace }: Pick<HookOptions, "getNamespace">,
): string {
  const namespace: unknown = result?.namespace ?? getNamespace?.(pending.request) ??
    pathnameOf(pending.handshake.target);
  const advice = "return it from upgrade, which may be asynchronous";
  mustNotBePromise("the namespace", namespace, advice);
  return checkNamespace(namespace);
}

/**
 * Returns the user that `upgrade` has named.
 *
 * @throws {TypeError} for a value that is no string, and for the empty string.
 */
export function userOf(result: UpgradeResult | undefined): string | undefined {
  const user: unknown = result?.user;
  return user === undefined ? undefined : checkUser(user);
}

/** Returns the response that a hook threw, directly or as `error.response`; else `undefined`. */
export function responseIn(thrown: unknown): Response | undefined {
  if (thrown instanceof Response) return thrown;
  const { response } = (thrown ?? {}) as { response?: unknown };
  return response instanceof Response ? response : undefined;
}

/** Merges own enumerable keys of all sources into a new object; later sources win. */
export function mergeContext(...sources: (object | undefined)[]): object {
  const context = {};
  for (const source of sources) {
    if (!source) continue;
    // JSON.parse makes `__proto__` an own key, which must never become a prototype.
    const { ["__proto__"]: _, [kWebSocketHooks]: _hooks, ...values } = source as FrameworkContext;
    Object.assign(context, values);
  }
  return context;
}

import { mustNotBePromise } from "../common/thenable.ts";
import { checkDeflate } from "../handshake/deflate_options.ts";
import { type FrameworkContext, kWebSocketHooks } from "./framework_hooks.ts";
import type { UpgradeResult } from "./hooks.ts";

const RESULT_KEYS = [
  "headers",
  "context",
  "namespace",
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

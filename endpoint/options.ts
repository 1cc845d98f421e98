import { invalidOption } from "../common/errors.ts";
import { checkAllowedOrigins } from "../handshake/allowed_origins.ts";
import { HOOK_NAMES, type HookOptions } from "./hooks.ts";

/**
 * Checks options when they are given, not when the first client connects.
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
 * Finds mistyped hooks, which would never be called.
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

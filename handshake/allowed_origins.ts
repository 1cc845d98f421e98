import { invalidOption } from "../common/errors.ts";
import { mustNotBePromise } from "../common/thenable.ts";
import type { UpgradeRequest } from "./handshake.ts";

/** Origins that are admitted in addition to the server's own host. */
export type AllowedOrigins =
  | "*"
  | string
  | RegExp
  | readonly (string | RegExp)[]
  | ((origin: string, request: UpgradeRequest) => boolean);

// An origin as browsers write it: scheme and authority, or "null" for a page with an opaque origin. Some
// web views send "file://". No page has the scheme of a WebSocket.
const ORIGIN = /^(?:null|(?!wss?:)[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@*]+\/?)?)$/i;

/** Whether an entry of the option can match the `Origin` header of a client. */
export function isOrigin(entry: string): boolean {
  return ORIGIN.test(entry) && (!/^https?:/i.test(entry) || URL.canParse(entry));
}

/**
 * Checks that each entry of the option can match an origin.
 *
 * @throws {TypeError} for a string that matches no origin.
 */
export function checkAllowedOrigins(
  allowed: AllowedOrigins | undefined,
  name = "allowedOrigins",
): void {
  if (allowed === undefined || allowed === "*" || typeof allowed === "function") return;
  const entries: readonly unknown[] = Array.isArray(allowed) ? allowed : [allowed];
  for (const entry of entries) {
    if (entry instanceof RegExp || (typeof entry === "string" && isOrigin(entry))) continue;
    throw new TypeError(
      invalidOption(
        name,
        '"*", a function, or one or a list of: an origin, "null", a RegExp for wildcards',
        entry,
      ),
    );
  }
}

/**
 * Whether the option admits an origin. {@linkcode checkAllowedOrigins} has checked the option before.
 *
 * @throws {TypeError} if the user's function does not return a boolean.
 */
export function admitsOrigin(
  allowed: AllowedOrigins | undefined,
  origin: string,
  request: () => UpgradeRequest,
): boolean {
  if (allowed === undefined) return false;
  if (allowed === "*") return true;
  if (typeof allowed === "function") {
    const answer: unknown = allowed(origin, request());
    if (typeof answer === "boolean") return answer;
    mustNotBePromise("the answer of allowedOrigins", answer, "check the origin in upgrade instead");
    throw new TypeError(invalidOption("the answer of allowedOrigins", "a boolean", answer));
  }
  const entries = typeof allowed === "string" || allowed instanceof RegExp ? [allowed] : allowed;
  return entries.some((entry) =>
    typeof entry === "string"
      ? sameOrigin(entry, origin)
      : new RegExp(entry.source, entry.flags.replace(/[gy]/g, "")).test(origin)
  );
}

function sameOrigin(a: string, b: string): boolean {
  const [x, y] = [a, b].map((origin) => origin.toLowerCase().replace(/\/$/, ""));
  return x === y ||
    (URL.canParse(a) && URL.canParse(b) && new URL(a).origin !== "null" &&
      new URL(a).origin === new URL(b).origin);
}

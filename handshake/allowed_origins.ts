import type { UpgradeRequest } from "./handshake.ts";

/** Origins that are admitted in addition to the server's own host. */
export type AllowedOrigins =
  | "*"
  | string
  | RegExp
  | readonly (string | RegExp)[]
  | ((origin: string, request: UpgradeRequest) => boolean);

// An origin as browsers write it: scheme and authority, or "null" for a page with an opaque origin.
const ORIGIN = /^(?:null|[a-z][a-z0-9+.-]*:\/\/[^/?#]+\/?)$/i;

/**
 * Checks that each entry of the option can match an origin.
 *
 * @throws {TypeError} for a string that is not an origin.
 */
export function checkAllowedOrigins(allowed: AllowedOrigins | undefined): void {
  if (allowed === undefined || allowed === "*" || typeof allowed === "function") return;
  const entries: readonly unknown[] = Array.isArray(allowed) ? allowed : [allowed];
  for (const entry of entries) {
    if (entry instanceof RegExp || (typeof entry === "string" && ORIGIN.test(entry))) continue;
    throw new TypeError(
      `Cannot use allowedOrigins as each entry must be a RegExp or an origin such as "https://example.com" ("*" alone admits all): current value is ${
        String(entry)
      }`,
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
    if (answer instanceof Promise) answer.catch(() => {});
    throw new TypeError(
      `Cannot use the answer of allowedOrigins as it must be a boolean: found ${
        Object.prototype.toString.call(answer)
      }`,
    );
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

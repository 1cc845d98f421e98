import { admitsOrigin, type AllowedOrigins, isOrigin } from "./allowed_origins.ts";
import { hostOf } from "./forwarded.ts";
import type { Handshake, Refusal, UpgradeRequest } from "./handshake.ts";

/**
 * Returns the origin of a page that must not connect, or `undefined`. A page of another host must
 * not use the credentials of a user. Ports do not count, as all ports share cookies (RFC 6265
 * §8.5).
 */
export function foreignOrigin(
  handshake: Handshake,
  hops: number,
  isAllowed: (origin: string) => boolean,
): string | undefined {
  const origin = handshake.pageOrigin;
  if (origin === null) return undefined;
  if (handshake.header("cookie") === null && handshake.header("authorization") === null) {
    return undefined;
  }
  if (hostnameOf(origin) === hostnameOf(`http://${hostOf(handshake, hops)}`)) return undefined;
  return isAllowed(origin) ? undefined : origin;
}

function hostnameOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}

/** Options that decide which pages may connect with credentials. */
export interface OriginRules {
  readonly allowedOrigins: AllowedOrigins | undefined;
  /** Number of trusted proxies. */
  readonly trustedHops: number;
}

/** Refuses credentials from pages of other hosts. Reports the first refusal only. */
export class OriginGuard {
  readonly #report: (error: Error, request: UpgradeRequest) => void;
  #hasReported = false;

  constructor(report: (error: Error, request: UpgradeRequest) => void) {
    this.#report = report;
  }

  /** Returns the refusal of a handshake, or `undefined` if the handshake may go on. */
  refusal(
    handshake: Handshake,
    { allowedOrigins, trustedHops }: OriginRules,
    request: () => UpgradeRequest,
  ): Refusal | undefined {
    const isAllowed = (origin: string) => admitsOrigin(allowedOrigins, origin, request);
    const origin = foreignOrigin(handshake, trustedHops, isAllowed);
    if (origin === undefined) return undefined;
    const admit = isOrigin(origin)
      ? `\`allowedOrigins: [${JSON.stringify(origin)}]\``
      : "`allowedOrigins` as a function";
    const message = `The origin ${origin} may not connect to ${
      hostOf(handshake, trustedHops)
    } with credentials: the option ${admit} would admit it, in the adapter or in the hooks`;
    if (!this.#hasReported) {
      this.#hasReported = true;
      this.#report(new Error(`${message}. Further refusals are not reported`), request());
    }
    return { status: 403, message };
  }
}

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

/** Refuses credentials from pages of other hosts. Reports the first refusal only. */
export class OriginGuard {
  readonly #allowed: AllowedOrigins | undefined;
  readonly #hops: number;
  readonly #report: (error: Error, request: UpgradeRequest) => void;
  #hasReported = false;

  constructor(
    allowed: AllowedOrigins | undefined,
    hops: number,
    report: (error: Error, request: UpgradeRequest) => void,
  ) {
    this.#allowed = allowed;
    this.#hops = hops;
    this.#report = report;
  }

  /** Whether the option `allowedOrigins` admits an origin. */
  admits(origin: string, request: () => UpgradeRequest): boolean {
    return admitsOrigin(this.#allowed, origin, request);
  }

  /** Returns the refusal of a handshake, or `undefined` if the handshake may go on. */
  refusal(handshake: Handshake, request: () => UpgradeRequest): Refusal | undefined {
    const origin = foreignOrigin(handshake, this.#hops, (it) => this.admits(it, request));
    if (origin === undefined) return undefined;
    const admit = isOrigin(origin)
      ? `\`allowedOrigins: [${JSON.stringify(origin)}]\``
      : "`allowedOrigins` as a function";
    const message = `The origin ${origin} may not connect to ${
      hostOf(handshake, this.#hops)
    } with credentials: the option ${admit} would admit it`;
    if (!this.#hasReported) {
      this.#hasReported = true;
      this.#report(new Error(`${message}. Further refusals are not reported`), request());
    }
    return { status: 403, message };
  }
}

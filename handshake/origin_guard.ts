import { hostOf } from "./forwarded.ts";
import type { Handshake } from "./handshake.ts";

/**
 * Returns the origin of a page that must not connect, or `undefined`. A page of another host must
 * not use the cookies of a user. Ports are ignored, as cookies ignore them (RFC 6265 §8.5).
 */
export function foreignOrigin(
  handshake: Handshake,
  hops: number,
  isAllowed: (origin: string) => boolean,
): string | undefined {
  const origin = handshake.header("origin");
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

import { listElements } from "./handshake.ts";

// Parameters of an offer and their values (RFC 7692 §7.1).
const PARAMETER =
  /^(?:(?:server|client)_no_context_takeover|client_max_window_bits|(?:server|client)_max_window_bits\s*=\s*("?)(?:[89]|1[0-5])\1)$/;

/**
 * Returns the offers of permessage-deflate in `Sec-WebSocket-Extensions` that a server may accept.
 * A server must decline all others. `ws` 8 refuses the whole handshake for an invalid offer, and
 * uWebSockets.js 20 accepts every offer.
 */
export function deflateOffers(extensions: string | null): string[] {
  return listElements(extensions).filter((offer) => {
    const [name, ...parameters] = offer.split(";").map((part) => part.trim());
    return name === "permessage-deflate" && parameters.every((it) => PARAMETER.test(it)) &&
      new Set(parameters.map((it) => it.split(/\W/)[0])).size === parameters.length;
  });
}

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

/** Options of permessage-deflate that decide about an offer, as in `ws` 8. */
interface OfferOptions {
  readonly serverNoContextTakeover?: boolean;
  readonly serverMaxWindowBits?: number | false;
  readonly clientMaxWindowBits?: number | false;
}

/** Returns the offers of {@linkcode deflateOffers} that a server with these options can accept. */
export function acceptableOffers(extensions: string | null, options: unknown): string[] {
  const { serverNoContextTakeover, serverMaxWindowBits, clientMaxWindowBits } = Object(
    options,
  ) as OfferOptions;
  return deflateOffers(extensions).filter((offer) => {
    const client = bitsIn(offer, "client"), server = bitsIn(offer, "server");
    // The answer must repeat `server_no_context_takeover`, and `server_max_window_bits` with the
    // same or a smaller number.
    if (serverNoContextTakeover === false && offer.includes("server_no_context_takeover")) {
      return false;
    }
    if (server && (serverMaxWindowBits === false || serverMaxWindowBits! > server)) return false;
    // The answer may limit the client's window only if the offer has `client_max_window_bits`.
    return typeof clientMaxWindowBits !== "number" || clientMaxWindowBits <= (client ?? 0);
  });
}

/** Returns the window bits in an offer: 15 without a number, `undefined` without the parameter. */
function bitsIn(offer: string, side: "client" | "server"): number | undefined {
  const match = new RegExp(`${side}_max_window_bits(?:\\s*=\\s*"?(\\d+))?`).exec(offer);
  return match ? Number(match[1] ?? 15) : undefined;
}

/** What a socket is closed with. */
export interface CloseDetails {
  /** None where the caller gave none. */
  readonly code?: number;
  readonly reason?: string;
}

/** A URL as `fetch` takes it, and as a WebSocket shows it. */
export interface Endpoint {
  /** With `http:` or `https:`. */
  readonly http: string;
  /** With `ws:` or `wss:`. */
  readonly ws: string;
}

// A token of RFC 9110 §5.6.2, as RFC 6455 §4.1 wants of a subprotocol.
const TOKEN = /^[!#$%&'*+\-.^_`|~\w]+$/;
const MAX_REASON_BYTES = 123;

/**
 * Reads the URL that a socket is made with, relative to the page where there is one.
 *
 * @throws {DOMException} a `SyntaxError`, as a WebSocket does.
 */
export function parseUrl(given: string | URL): Endpoint {
  let ws = "";
  try {
    ws = new URL(given, globalThis.location?.href).href.replace(/^http/, "ws");
  } catch { /* refused below */ }
  if (!/^wss?:[^#]+$/.test(ws)) {
    throw syntaxError("connect as the URL must be one of ws: or http: without a fragment", given);
  }
  return { http: ws.replace("ws", "http"), ws };
}

/**
 * Reads the subprotocols that a socket is made with.
 *
 * @throws {DOMException} a `SyntaxError` for one that is no token, or stands there twice.
 */
export function parseProtocols(given: string | readonly string[]): readonly string[] {
  const protocols = typeof given === "string" ? [given] : [...given].map(String);
  if (protocols.every((name) => TOKEN.test(name)) && new Set(protocols).size === protocols.length) {
    return protocols;
  }
  throw syntaxError("connect as subprotocols must be tokens, each once", protocols);
}

/**
 * Reads what a caller closes a socket with (WHATWG WebSockets §3.1).
 *
 * @throws {DOMException} an `InvalidAccessError` for the code, a `SyntaxError` for the reason.
 */
export function closeDetails(code?: number, reason?: string): CloseDetails {
  if (code !== undefined && code !== 1000 && !(code >= 3000 && code <= 4999)) {
    throw new DOMException(
      `Cannot close as the code must be 1000 or 3000-4999: current value is ${code}`,
      "InvalidAccessError",
    );
  }
  const { byteLength } = new TextEncoder().encode(reason);
  if (byteLength > MAX_REASON_BYTES) {
    throw syntaxError(`close as the reason must be at most ${MAX_REASON_BYTES} bytes`, byteLength);
  }
  // A reason without a code has no place in a close frame, nor here.
  return code === undefined ? {} : { code: Math.trunc(code), reason: reason ?? "" };
}

function syntaxError(why: string, found: unknown): DOMException {
  return new DOMException(`Cannot ${why}: current value is ${found}`, "SyntaxError");
}

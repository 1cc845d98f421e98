/** Code and reason of a close. */
export interface CloseDetails {
  /** Absent if the caller gave no code. */
  readonly code?: number;
  readonly reason?: string;
}

/** URL of a socket in the form of `fetch` and in the form of a WebSocket. */
export interface Endpoint {
  /** With `http:` or `https:`. */
  readonly http: string;
  /** With `ws:` or `wss:`. */
  readonly ws: string;
}

// A token of RFC 9110 §5.6.2, as RFC 6455 §4.1 requires for subprotocols.
const TOKEN = /^[!#$%&'*+\-.^_`|~\w]+$/;
const MAX_REASON_BYTES = 123;

/**
 * Parses the URL of a socket. In a page the URL may be relative.
 *
 * @throws {DOMException} a `SyntaxError`, as a WebSocket does.
 */
export function parseUrl(given: string | URL): Endpoint {
  let ws = "";
  try {
    ws = new URL(given, globalThis.location?.href).href.replace(/^http/, "ws");
  } catch { /* refused below */ }
  if (!/^wss?:[^#]+$/.test(ws)) {
    throw syntaxError("connect as the URL must be ws: or http: without a fragment", given);
  }
  return { http: ws.replace("ws", "http"), ws };
}

/**
 * Checks the subprotocols of a socket.
 *
 * @throws {DOMException} a `SyntaxError` for a duplicate, or a name that is no token.
 */
export function parseProtocols(given: string | readonly string[]): readonly string[] {
  const protocols = typeof given === "string" ? [given] : [...given].map(String);
  if (protocols.every((name) => TOKEN.test(name)) && new Set(protocols).size === protocols.length) {
    return protocols;
  }
  throw syntaxError("connect as subprotocols must be different tokens", protocols);
}

/**
 * Checks code and reason of a close (WHATWG WebSockets §3.1).
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
  // A close frame cannot carry a reason without a code.
  return code === undefined ? {} : { code: Math.trunc(code), reason: reason ?? "" };
}

function syntaxError(why: string, found: unknown): DOMException {
  return new DOMException(`Cannot ${why}: current value is ${found}`, "SyntaxError");
}

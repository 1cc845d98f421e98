/** Values that frameworks and the `upgrade` hook hang on a connection. */
export type AnyContext = Record<string, unknown>;

/** The web `Request` of a handshake, as hooks get it and `peer.request` keeps it. */
export interface UpgradeRequest extends Request {
  /** What a framework or a hook puts there; it flows into `peer.context`. */
  context: AnyContext;
  /**
   * What the runtime gave the adapter, by the runtime's name: `node: { req, socket, head }`,
   * `deno: { request, info }`, `bun: { request, server }`, `uws: { req, res, context }`.
   */
  readonly runtime?: { readonly name: string };
}

/** What an adapter knows of a handshake before anybody asks for a `Request`. */
export interface Handshake {
  /** The HTTP method, in capitals. */
  readonly method: string;
  /** As in the request line, where the runtime tells: `"1.1"`. */
  readonly httpVersion?: string | undefined;
  /** Path and query from the request target, never from `Host` (RFC 9112 §3.2). */
  readonly target: string;
  /** Whether the line itself is TLS. */
  readonly secure: boolean;
  /** The other end of the line: textual IP, no port. */
  readonly remoteAddress: string | undefined;
  /** Context a framework gave with the request. */
  readonly context: AnyContext | undefined;
  /** What its protocol says against it: {@linkcode validateHandshake} of that of a WebSocket. */
  validate(): Refusal | undefined;
  /** A header by its lower-case name; duplicates joined as Fetch does. */
  header(name: string): string | null;
  /** The request at `url`: made at the first call, the same from then on. */
  toRequest(url: string): UpgradeRequest;
  /** Aborts `request.signal`, made or yet to be made; the reason is made where somebody looks. */
  abort(reason: () => unknown): void;
  /** Whether {@linkcode abort} was called. */
  readonly aborted: boolean;
  /** Lets go of what only an upgrade needs, and of all headers but these, where given. */
  settle(retain?: readonly string[]): void;
}

/** Why the signal of a request aborts whose client does not wait for the answer. */
export function clientHasLeft(): DOMException {
  return new DOMException("The client has left", "AbortError");
}

/** A refusal before any hook ran. */
export interface Refusal {
  readonly status: number;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A refusal as a plain-text response. */
export function refusalResponse({ status, message, headers }: Refusal): Response {
  return new Response(`${message}\n`, {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", ...headers },
  });
}

// A 16-byte nonce in base64 (RFC 6455 §4.1): 22 characters, the last of which
// carries two bits, and two of padding.
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;
// host [":" port] of RFC 3986, less user info and percent-encoding, which no
// client sends in `Host` and which `new URL` reads differently on each runtime.
const HOST = /^(?:[A-Za-z0-9._~!$&'()*+;=-]+|\[[0-9A-Fa-f:.]+\])(?::\d{0,5})?$/;

/** Whether the handshake is one that RFC 6455 §4.2.1 accepts; else how to refuse it. */
export function validateHandshake(handshake: Handshake): Refusal | undefined {
  if (handshake.method !== "GET") {
    return {
      status: 405,
      message: `A WebSocket handshake must use GET: found ${handshake.method}`,
      headers: { allow: "GET" },
    };
  }
  const { httpVersion = "1.1" } = handshake;
  if (httpVersion !== "1.1") {
    return {
      status: 505,
      message: `A WebSocket handshake must use HTTP/1.1: found HTTP/${httpVersion}`,
    };
  }
  if (!hasToken(handshake.header("upgrade"), "websocket")) {
    return {
      status: 426,
      message: "This resource speaks WebSocket: the header `Upgrade: websocket` is missing",
      headers: { upgrade: "websocket", "sec-websocket-version": "13" },
    };
  }
  if (!hasToken(handshake.header("connection"), "upgrade")) {
    return badRequest("the header `Connection: Upgrade` is missing");
  }
  if (handshake.header("sec-websocket-version") !== "13") {
    return {
      status: 426,
      message: "The only WebSocket version here is 13 (RFC 6455)",
      headers: { "sec-websocket-version": "13" },
    };
  }
  if (!KEY.test(handshake.header("sec-websocket-key") ?? "")) {
    return badRequest("`Sec-WebSocket-Key` must be 16 bytes in base64");
  }
  const protocols = handshake.header("sec-websocket-protocol");
  if (protocols !== null && !isTokenList(protocols)) {
    return badRequest("`Sec-WebSocket-Protocol` must be a list of different tokens");
  }
  if (!isLegalHost(handshake.header("host"))) {
    return badRequest("`Host` must be one host name, with or without a port");
  }
  if (!handshake.target.startsWith("/")) {
    return badRequest("the request target must be a path");
  }
  return undefined;
}

function badRequest(why: string): Refusal {
  return { status: 400, message: `Bad WebSocket handshake: ${why}` };
}

/** Whether `host` can stand in a URL and mean nothing but a host. */
export function isLegalHost(host: string | null): host is string {
  return host !== null && HOST.test(host) && URL.canParse(`http://${host}/`);
}

/** The elements of a comma-separated header, in order. */
export function listElements(value: string | null): string[] {
  return (value ?? "").split(",").map((element) => element.trim()).filter(Boolean);
}

/** A token of RFC 9110 §5.6.2. */
export const TOKEN: RegExp = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Whether a header is a list of tokens in which none comes twice (RFC 6455 §4.1). */
export function isTokenList(value: string): boolean {
  const elements = value.split(",").map((element) => element.trim());
  return elements.every((element) => TOKEN.test(element)) &&
    new Set(elements).size === elements.length;
}

function hasToken(value: string | null, token: string): boolean {
  return listElements(value).some((element) => element.toLowerCase() === token);
}

// Paths that a URL parser leaves as they are; parsing the rest costs 40 times more.
const PLAIN_PATH = /^\/(?:[\w~-][\w~.-]*(?:\/|(?=$|\?)))*(?=$|\?)/;

/** The URL's pathname of a request target. */
export function pathnameOf(target: string): string {
  return PLAIN_PATH.exec(target)?.[0] ?? new URL(`http://localhost${target}`).pathname;
}

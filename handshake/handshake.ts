/** Values that a framework or the `upgrade` hook attaches to a connection. */
export type AnyContext = Record<string, unknown>;

/** The web `Request` of a handshake, as hooks get it and `peer.request` keeps it. */
export interface UpgradeRequest extends Request {
  /** Values from a framework or a hook. They become part of `peer.context`. */
  context: AnyContext;
  /**
   * Objects of the runtime. Present in `resolve`, `upgrade` and `open`. If a later hook needs one of
   * these objects, keep the object in `peer.context`.
   */
  readonly runtime?: RequestRuntime;
}

/**
 * The runtime of a request. Each adapter exports a subtype with one more property, which holds the
 * objects of the runtime:
 *
 * ```ts
 * import nodeAdapter, { type NodeRequestRuntime } from "@onepeer/onepeer/adapters/node";
 *
 * const ws = nodeAdapter({
 *   hooks: {
 *     open(peer) {
 *       const { node } = peer.request.runtime as NodeRequestRuntime;
 *       peer.send(`HTTP ${node.req.httpVersion}`);
 *     },
 *   },
 * });
 * await ws.close();
 * ```
 *
 * For hooks that run on several runtimes, use a union of their types. `name` tells them apart:
 *
 * ```ts
 * import { defineHooks } from "@onepeer/onepeer";
 * import type { DenoRequestRuntime } from "@onepeer/onepeer/adapters/deno";
 * import type { NodeRequestRuntime } from "@onepeer/onepeer/adapters/node";
 *
 * defineHooks({
 *   open(peer) {
 *     const runtime = peer.request.runtime as NodeRequestRuntime | DenoRequestRuntime;
 *     if (runtime.name === "node") console.log(runtime.node.req.socket.remotePort);
 *     else console.log(runtime.deno.info?.remoteAddr);
 *   },
 * });
 * ```
 */
export interface RequestRuntime {
  /** Name of the runtime, and of the property that holds its objects. */
  readonly name: "node" | "deno" | "bun" | "uws" | "cloudflare" | "sse";
}

/** A handshake as an adapter reads it, before any code needs a web `Request`. */
export interface Handshake {
  /** The HTTP method, in capitals. */
  readonly method: string;
  /** HTTP version of the request line, such as `"1.1"`, if the runtime reports it. */
  readonly httpVersion?: string | undefined;
  /** Path and query from the request target, never from `Host` (RFC 9112 §3.2). */
  readonly target: string;
  /** Whether the TCP connection itself uses TLS. */
  readonly secure: boolean;
  /** IP address of the other end of the TCP connection, as text, without a port. */
  readonly remoteAddress: string | undefined;
  /** Context that a framework passed with the request. */
  readonly context: AnyContext | undefined;
  /**
   * Checks the handshake by the rules of its protocol, and returns a refusal if a rule is broken. For a
   * WebSocket, {@linkcode validateHandshake} has the rules.
   */
  validate(): Refusal | undefined;
  /** Origin of the page that sends the request, if the request shows it. */
  readonly pageOrigin: string | null;
  /** Returns a header by its lower-case name. Duplicates are joined as in Fetch. */
  header(name: string): string | null;
  /**
   * Returns the request with this URL. Further calls with the URL return the same object. A call with
   * another URL returns a copy, which has the same context, runtime and signal.
   */
  toRequest(url: string): UpgradeRequest;
  /** Aborts `request.signal`. `reason` is called when the signal is first read. */
  abort(reason: () => unknown): void;
  /** Whether {@linkcode abort} was called. */
  readonly aborted: boolean;
  /**
   * Releases data that only the upgrade needs. If `retain` is given, drops all headers except these and
   * the headers that determine the URL.
   */
  settle(retain?: readonly string[]): void;
  /** Releases the objects of the runtime. Called when the `open` hook has settled. */
  opened(): void;
}

/** Abort reason of a request whose client left before the response. */
export function clientHasLeft(): DOMException {
  return new DOMException("The client has left", "AbortError");
}

/** A refusal by a rule of the library, not by a hook. */
export interface Refusal {
  readonly status: number;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Makes a plain-text response of a refusal. */
export function refusalResponse({ status, message, headers }: Refusal): Response {
  return new Response(`${message}\n`, {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", ...headers },
  });
}

// A 16-byte nonce in base64 (RFC 6455 §4.1): 22 characters and two of padding. The last four bits of
// the 22 characters are unused, and not always zero: the example in RFC 6455 §4.1 ends with "C==".
const KEY = /^[A-Za-z0-9+/]{22}==$/;
// host [":" port] of RFC 3986, without user info and percent-encoding: no client sends these in
// `Host`, and `new URL` reads them differently on each runtime.
const HOST = /^(?:[A-Za-z0-9._~!$&'()*+;=-]+|\[[0-9A-Fa-f:.]+\])(?::\d{0,5})?$/;

/** Checks a handshake by RFC 6455 §4.2.1. Returns the refusal, or `undefined` for a valid handshake. */
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
  if (!isWebSocketUpgrade(handshake.header("upgrade"))) {
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

/** Whether `host` is one legal host, with or without a port, that a URL can contain. */
export function isLegalHost(host: string | null): host is string {
  return host !== null && HOST.test(host) && URL.canParse(`http://${host}/`);
}

/** Elements of a comma-separated header, in order. */
export function listElements(value: string | null | undefined): string[] {
  return (value ?? "").split(",").map((element) => element.trim()).filter(Boolean);
}

/** A token of RFC 9110 §5.6.2. */
export const TOKEN: RegExp = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/**
 * Whether a header is a list of tokens without duplicates (RFC 6455 §4.1). Empty elements do not count
 * (RFC 9110 §5.6.1.2).
 */
export function isTokenList(value: string): boolean {
  const elements = listElements(value);
  return elements.every((element) => TOKEN.test(element)) &&
    new Set(elements).size === elements.length;
}

function hasToken(value: string | null | undefined, token: string): boolean {
  return listElements(value).some((element) => element.toLowerCase() === token);
}

/** Whether an `Upgrade` header, which is a list of protocols (RFC 9110 §7.8), names `websocket`. */
export function isWebSocketUpgrade(upgrade: string | null | undefined): boolean {
  return hasToken(upgrade, "websocket");
}

// Paths that a URL parser does not change. Parsing a path costs 40 times more than this match.
const PLAIN_PATH = /^\/(?:[\w~-][\w~.-]*(?:\/|(?=$|\?)))*(?=$|\?)/;

/** Returns the pathname of a request target, as `URL` reads it. */
export function pathnameOf(target: string): string {
  return PLAIN_PATH.exec(target)?.[0] ?? new URL(`http://localhost${target}`).pathname;
}

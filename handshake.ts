/** Values that frameworks and the `upgrade` hook hang on a connection. */
export type AnyContext = Record<string, unknown>;

/** The web `Request` of a handshake, as hooks get it and `peer.request` keeps it. */
export interface UpgradeRequest extends Request {
  /** What a framework put there; it flows into `peer.context`. */
  context?: AnyContext;
  /** What the runtime gave the adapter: on Node `{ req, socket, head }`, on Deno `{ request, info }`. */
  readonly runtime?: unknown;
}

/** What an adapter knows of a handshake before anybody asks for a `Request`. */
export interface Handshake {
  /** The HTTP method, in capitals. */
  readonly method: string;
  /** Path and query from the request target, never from `Host` (RFC 9112 §3.2). */
  readonly target: string;
  /** Whether the line itself is TLS. */
  readonly secure: boolean;
  /** The other end of the line: textual IP, no port. */
  readonly remoteAddress: string | undefined;
  /** Context a framework gave with the request. */
  readonly context: AnyContext | undefined;
  /** A header by its lower-case name; duplicates joined as Fetch does. */
  header(name: string): string | null;
  /** The request at `url`: made at the first call, the same from then on. */
  toRequest(url: string): UpgradeRequest;
  /** Aborts `request.signal`, made or yet to be made. */
  abort(reason: unknown): void;
  /** Whether {@linkcode abort} was called. */
  readonly aborted: boolean;
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

/** Whether a header is a list of tokens in which none comes twice (RFC 6455 §4.1). */
function isTokenList(value: string): boolean {
  const elements = value.split(",").map((element) => element.trim());
  return elements.every((element) => TOKEN.test(element)) &&
    new Set(elements).size === elements.length;
}

function hasToken(value: string | null, token: string): boolean {
  return listElements(value).some((element) => element.toLowerCase() === token);
}

/** Picks the entry that the nearest of `hops` trusted proxies wrote into a list header. */
function forwarded(handshake: Handshake, name: string, hops: number): string | undefined {
  return hops > 0 ? listElements(handshake.header(name)).at(-hops) : undefined;
}

/** Where the client thinks it is: scheme and host, forwarded ones only under `hops` trusted proxies. */
export function originOf(handshake: Handshake, hops: number): string {
  const proto = forwarded(handshake, "x-forwarded-proto", hops)?.toLowerCase();
  const secure = proto === "https" || proto === "wss" || (proto === undefined && handshake.secure);
  return `${secure ? "https" : "http"}://${hostOf(handshake, hops)}`;
}

/** The `Host` that counts: a legal forwarded one under `hops` trusted proxies, else the request's. */
export function hostOf(handshake: Handshake, hops: number): string {
  const host = forwarded(handshake, "x-forwarded-host", hops) ?? null;
  return isLegalHost(host) ? host : handshake.header("host") ?? "localhost";
}

// An address in a forwarding header, with or without a port: [v6]:port, v4:port, v6.
const ADDRESS =
  /^(?:\[([0-9A-Fa-f:.]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+)(?::\d+)?|([0-9A-Fa-f:.]+))$/;

/** The client's address: the line's, or under `hops` trusted proxies the one they forwarded. */
export function addressOf(handshake: Handshake, hops: number): string | undefined {
  const match = ADDRESS.exec(forwarded(handshake, "x-forwarded-for", hops) ?? "");
  const address = match?.[1] ?? match?.[2] ?? match?.[3];
  return plainAddress(address && isAddress(address) ? address : handshake.remoteAddress);
}

function isAddress(text: string): boolean {
  if (text.includes(":")) return URL.canParse(`http://[${text}]/`);
  return /^\d+(?:\.\d+){3}$/.test(text) && text.split(".").every((octet) => Number(octet) <= 255);
}

const MAPPED = /^(?:0{0,4}:){2,5}ffff:(?:(\d+\.\d+\.\d+\.\d+)|([0-9a-f]{1,4}):([0-9a-f]{1,4}))$/i;

/** An IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2) as the IPv4 address it is. */
export function plainAddress(address: string | undefined): string | undefined {
  const match = address && MAPPED.exec(address);
  if (!match) return address;
  const [, dotted, high = "", low = ""] = match;
  if (dotted) return dotted;
  const [a, b] = [parseInt(high, 16), parseInt(low, 16)];
  return [a >> 8, a & 255, b >> 8, b & 255].join(".");
}

// Paths that a URL parser leaves as they are; parsing the rest costs 40 times more.
const PLAIN_PATH = /^\/(?:[\w~-][\w~.-]*(?:\/|(?=$|\?)))*(?=$|\?)/;

/** The URL's pathname of a request target. */
export function pathnameOf(target: string): string {
  return PLAIN_PATH.exec(target)?.[0] ?? new URL(`http://localhost${target}`).pathname;
}

/** Which origins are admitted beside the host's own. */
export type AllowedOrigins =
  | "*"
  | string
  | RegExp
  | readonly (string | RegExp)[]
  | ((origin: string, request: UpgradeRequest) => boolean);

/**
 * Makes sure that a list of origins can match something.
 *
 * @throws {TypeError} for a string that is not an origin.
 */
export function checkAllowedOrigins(allowed: AllowedOrigins | undefined): void {
  if (allowed === undefined || allowed === "*" || typeof allowed === "function") return;
  const entries: readonly unknown[] = Array.isArray(allowed) ? allowed : [allowed];
  for (const entry of entries) {
    if (entry instanceof RegExp) continue;
    if (
      typeof entry === "string" && entry !== "*" &&
      /^[a-z][a-z0-9+.-]*:\/\/[^/?#]+\/?$/i.test(entry)
    ) {
      continue;
    }
    throw new TypeError(
      `Cannot use allowedOrigins as each entry must be a RegExp or an origin such as "https://example.com", or the whole option "*": current value is ${
        String(entry)
      }`,
    );
  }
}

/**
 * The origin guard: a browser page of another host must not use the user's
 * cookies. Ports are ignored, as cookies ignore them (RFC 6265 §8.5).
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

/** Whether `allowed`, checked before, admits an origin. */
export function admitsOrigin(
  allowed: AllowedOrigins | undefined,
  origin: string,
  request: () => UpgradeRequest,
): boolean {
  if (allowed === undefined) return false;
  if (allowed === "*") return true;
  if (typeof allowed === "function") return allowed(origin, request()) === true;
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

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
// Visible ASCII, space and tab: what every runtime puts on the wire as the same bytes.
const FIELD_VALUE = /^[\t\x20-\x7e]*$/;
/** Headers that only the adapter can know. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "sec-websocket-accept",
  "sec-websocket-extensions",
  "sec-websocket-key",
  "sec-websocket-version",
  "transfer-encoding",
  "upgrade",
]);

/** Headers for the 101 as the `upgrade` hook gave them. */
export type UpgradeHeaders = Headers | Iterable<readonly [string, string]> | Record<string, string>;

/**
 * Headers for the 101, checked, one pair for each line, names in lower case.
 *
 * @throws {TypeError} for a name or value that must not be on the wire.
 */
export function checkedHeaders(given: UpgradeHeaders | undefined): [string, string][] {
  if (given === undefined) return [];
  const pairs = Symbol.iterator in given
    ? given as Iterable<readonly [string, string]>
    : Object.entries(given as Record<string, string>);
  const checked: [string, string][] = [];
  for (const [name, value] of pairs) {
    if (!TOKEN.test(String(name))) {
      throw new TypeError(
        `Cannot send the header ${
          JSON.stringify(name)
        } as its name is not a token (RFC 9110 §5.6.2)`,
      );
    }
    if (!FIELD_VALUE.test(String(value))) {
      throw new TypeError(
        `Cannot send the header ${name} as its value must be visible ASCII without line breaks: encode it, for example by encodeURIComponent()`,
      );
    }
    const lower = name.toLowerCase();
    if (!OWN_HEADERS.has(lower)) checked.push([lower, String(value)]);
  }
  return checked;
}

/**
 * Takes the subprotocol out of the headers and makes sure that the client offered it.
 *
 * @throws {TypeError} for a protocol that the client did not offer.
 */
export function chooseProtocol(
  handshake: Handshake,
  picked: string | undefined,
  headers: [string, string][],
): string {
  let header: string | undefined;
  for (let i = headers.length - 1; i >= 0; i--) {
    if (headers[i]![0] !== "sec-websocket-protocol") continue;
    const [[, value]] = headers.splice(i, 1) as [[string, string]];
    header ??= value; // the last one: a resolved hook's comes after the global hook's
  }
  const protocol = picked ?? header ?? "";
  const offered = listElements(handshake.header("sec-websocket-protocol"));
  if (protocol !== "" && !offered.includes(protocol)) {
    throw new TypeError(
      `Cannot select the subprotocol ${
        JSON.stringify(protocol)
      } as the client did not offer it: offered are ${
        offered.map((name) => JSON.stringify(name)).join(", ") || "none"
      }`,
    );
  }
  return protocol;
}

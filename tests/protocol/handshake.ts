import {
  close,
  type Expected,
  type Row,
  type RowHandshake,
  type Section,
  text,
  whole,
} from "./row.ts";

const OK: Expected = { messages: [text("hello")], ends: [1000] };
/** Any refusal by HTTP, or a line that just ends. */
const REFUSED: Expected = { status: [0, 400, 403, 404, 405, 413, 414, 417, 426, 431, 501, 505] };

function row(
  id: string,
  fact: string,
  handshake: RowHandshake,
  strict: Expected,
  nonStrict: readonly Expected[] = [],
): Row {
  const sends = [whole(text("hello")), close(1000)];
  return { id: `handshake.${id}`, fact, handshake, sends, strict, nonStrict };
}

function accepted(id: string, fact: string, handshake: RowHandshake, ...or: Expected[]): Row {
  return row(id, fact, handshake, OK, or);
}

function refused(id: string, fact: string, handshake: RowHandshake, status = 400): Row {
  return row(id, fact, handshake, { status: [status] }, [REFUSED]);
}

/** HTTP's own: an Upgrade that Connection does not name is none (RFC 9110 §7.8). */
function plain(id: string, fact: string, handshake: RowHandshake): Row {
  return row(id, fact, handshake, { status: [400, 404, 426] }, [REFUSED]);
}

function headers(headers: RowHandshake["headers"] & object): RowHandshake {
  return { headers };
}

function head(...lines: readonly string[]): RowHandshake {
  return { raw: `${lines.join("\r\n")}\r\n\r\n` };
}

const KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
const USUAL = [
  "Host: {host}",
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Version: 13",
  KEY,
];

const names: Row[] = [
  accepted("usual", "the handshake of RFC 6455 §1.3", {}),
  accepted("lower-case", "names in lower case", head("GET / HTTP/1.1", ...USUAL.map(lowerName))),
  accepted("upper-case", "names in capitals", head("GET / HTTP/1.1", ...USUAL.map(upperName))),
  accepted("reverse", "headers in any order", head("GET / HTTP/1.1", ...USUAL.toReversed())),
  accepted("no-space", "no space behind the colon", head("GET / HTTP/1.1", ...USUAL.map(noSpace))),
  accepted(
    "white-space",
    "tabs and spaces around values",
    head("GET / HTTP/1.1", ...USUAL.map(wide)),
  ),
  accepted("more", "fifty more headers", headers(moreHeaders(50, 20))),
  accepted("cookie", "a cookie of 3 KiB", headers({ Cookie: `a=${"x".repeat(3000)}` })),
  accepted("browser", "7 KiB of headers, as browsers send them", headers(moreHeaders(7, 1000))),
  refused(
    "oversize",
    "a header of 1 MiB is refused",
    headers({ "X-Long": "x".repeat(1 << 20) }),
    431,
  ),
];

const UPGRADES = [
  "WebSocket",
  "WEBSOCKET",
  "websocket, h2c",
  "h2c, WebSocket",
  "h2c,websocket,x/1",
];
const CONNECTIONS = ["upgrade", "UPGRADE", "keep-alive, Upgrade", "Upgrade, keep-alive"]
  .concat("a,b,upgrade,c", "Upgrade,", "keep-alive,\tUpgrade");
const tokens: Row[] = [
  ...UPGRADES.map((Upgrade) =>
    accepted(`upgrade-${slug(Upgrade)}`, `Upgrade: ${Upgrade}`, headers({ Upgrade }))
  ),
  accepted(
    "upgrade-twice",
    "two Upgrade lines",
    headers({ Upgrade: ["h2c", "websocket"] }),
    REFUSED,
  ),
  ...CONNECTIONS.map((Connection) =>
    accepted(`connection-${slug(Connection)}`, `Connection: ${Connection}`, headers({ Connection }))
  ),
  accepted(
    "connection-twice",
    "two Connection lines",
    headers({ Connection: ["keep-alive", "Upgrade"] }),
  ),
  ...["websockets", "web socket", "h2c", '"websocket"', "xwebsocket"].map((Upgrade) =>
    refused(
      `upgrade-not-${slug(Upgrade)}`,
      `Upgrade: ${Upgrade} is refused`,
      headers({ Upgrade }),
      426,
    )
  ),
  ...["keep-alive", "Upgrades", "close", "upgrade-insecure"].map((Connection) =>
    plain(
      `connection-not-${slug(Connection)}`,
      `Connection: ${Connection} is refused`,
      headers({ Connection }),
    )
  ),
  plain("upgrade-missing", "no Upgrade", headers({ Upgrade: null })),
  plain("upgrade-empty", "an empty Upgrade", headers({ Upgrade: "" })),
  plain("connection-missing", "no Connection", headers({ Connection: null })),
  plain("connection-empty", "an empty Connection", headers({ Connection: "" })),
];

const BAD_KEYS: readonly (readonly [name: string, key: string])[] = [
  ["empty", ""],
  ["15-bytes", "AAAAAAAAAAAAAAAAAAAA"],
  ["17-bytes", "AAAAAAAAAAAAAAAAAAAAAAA="],
  ["24-bytes", "A".repeat(32)],
  ["unpadded", "dGhlIHNhbXBsZSBub25jZQ"],
  ["overpadded", "dGhlIHNhbXBsZSBub25jZQ==="],
  ["illegal-letter", "dGhlIHNhbXBsZSBub25!ZQ=="],
  ["url-safe", "dGhlIHNhbXBsZSBu-_5jZQ=="],
  ["spaced", "dGhlIHNhbXBs ZSBub25jZQ=="],
];
const fields: Row[] = [
  accepted(
    "key-of-zeros",
    "a key of zeros",
    headers({ "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==" }),
  ),
  accepted(
    "key-of-ones",
    "a key of ones",
    headers({ "Sec-WebSocket-Key": "/////////////////////w==" }),
  ),
  ...BAD_KEYS.map(([name, key]) =>
    refused(`key-${name}`, `a bad key is refused: ${name}`, headers({ "Sec-WebSocket-Key": key }))
  ),
  refused("key-missing", "no key", headers({ "Sec-WebSocket-Key": null })),
  refused(
    "key-twice",
    "two keys",
    headers({ "Sec-WebSocket-Key": ["dGhlIHNhbXBsZSBub25jZQ==", "AAAAAAAAAAAAAAAAAAAAAA=="] }),
  ),
  ...["0", "7", "8", "12", "14", "113", "13.0", "013", "+13", "8, 13", "13, 8", "x", ""].map((
    version,
  ) =>
    refused(
      `version-${slug(version) || "empty"}`,
      `version ${version || "without a number"} is refused`,
      headers({ "Sec-WebSocket-Version": version }),
      426,
    )
  ),
  refused("version-missing", "no version", headers({ "Sec-WebSocket-Version": null }), 426),
  refused("version-twice", "two versions", headers({ "Sec-WebSocket-Version": ["13", "8"] }), 426),
  refused("host-missing", "no Host (RFC 9112 §3.2)", headers({ Host: null })),
  refused("host-twice", "two Hosts", headers({ Host: ["a", "b"] })),
  refused("host-illegal", "a Host that is none", headers({ Host: "a@b/c?d" })),
  accepted(
    "origin",
    "an Origin of another site, without credentials",
    headers({ Origin: "https://example.com" }),
  ),
  accepted(
    "protocols",
    "subprotocols that nobody selects",
    headers({ "Sec-WebSocket-Protocol": "a, b" }),
  ),
  accepted("protocols-twice", "in two lines", headers({ "Sec-WebSocket-Protocol": ["a", "b"] })),
  ...["a b", "a, a", "a/b", "a;b"].map((protocols) =>
    refused(
      `protocols-${slug(protocols)}`,
      `subprotocols that are no list of different tokens: ${protocols}`,
      headers({ "Sec-WebSocket-Protocol": protocols }),
    )
  ),
  accepted(
    "extensions",
    "extensions that nobody knows",
    headers({ "Sec-WebSocket-Extensions": "x-a; b=1, x-c" }),
  ),
  accepted(
    "extensions-not-here",
    "an offer of compression where there is none",
    headers({ "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits" }),
  ),
];

const line: Row[] = [
  ...["/path", "/a/b?c=d&e", "//host/path", "/%20%C3%A9", "/a/../b", "/?", "/a;b=c"].map((target) =>
    accepted(`target-${slug(target) || "root"}`, `the target ${target}`, { target })
  ),
  accepted("target-absolute", "a target in absolute form (RFC 9112 §3.2.2)", {
    target: "http://127.0.0.1/a",
  }),
  accepted("target-fragment", "a target with a fragment", { target: "/a#b" }, REFUSED),
  refused("target-star", "the target *", { target: "*" }),
  refused("target-relative", "a target without a slash", { target: "path" }),
  refused("target-long", "a target of 1 MiB", { target: `/${"x".repeat(1 << 20)}` }, 414),
  ...["POST", "PUT", "HEAD", "OPTIONS", "DELETE"].map((method) =>
    refused(`method-${method}`, `${method} is refused`, { method }, 405)
  ),
  refused("method-lower-case", "get is no GET", { method: "get" }, 405),
  ...["1.0", "0.9", "2.0", "1.2", "x"].map((version) =>
    version === "1.2"
      ? accepted("http-1-2", "HTTP/1.2 is taken for HTTP/1.1 (RFC 9110 §2.5)", { version }, REFUSED)
      : refused(`http-${slug(version)}`, `HTTP/${version} is refused`, { version })
  ),
];

const either: Row[] = [
  refused(
    "colon-spaced",
    "a space before the colon (RFC 9112 §5.1)",
    head("GET / HTTP/1.1", ...USUAL, "X-A : b"),
  ),
  refused("header-nul", "a NUL in a value", head("GET / HTTP/1.1", ...USUAL, "X-A: b\0c")),
  refused("header-cr", "a bare CR in a value", head("GET / HTTP/1.1", ...USUAL, "X-A: b\rc")),
  refused("header-nameless", "a header without a name", head("GET / HTTP/1.1", ...USUAL, ": b")),
  refused(
    "header-illegal-name",
    "a name that is no token",
    head("GET / HTTP/1.1", ...USUAL, "X(A): b"),
  ),
  row(
    "obs-fold",
    "a folded header (RFC 9112 §5.2) is refused, or read as one line",
    head("GET / HTTP/1.1", ...USUAL, "X-A: b", " c"),
    { status: [400] },
    [OK, REFUSED],
  ),
  row(
    "obs-fold-upgrade",
    "so is a folded Upgrade",
    head("GET / HTTP/1.1", "Upgrade:", " websocket", ...USUAL.filter((it) => !it.startsWith("Up"))),
    { status: [400] },
    [OK, REFUSED],
  ),
  row(
    "bare-lf",
    "lines that end with a bare LF (RFC 9112 §2.2) are refused, or read",
    { raw: `${["GET / HTTP/1.1", ...USUAL].join("\n")}\n\n` },
    { status: [400] },
    [OK, REFUSED],
  ),
  accepted("empty-line-first", "an empty line first (RFC 9112 §2.2)", {
    raw: `\r\n${["GET / HTTP/1.1", ...USUAL].join("\r\n")}\r\n\r\n`,
  }, REFUSED),
];

function lowerName(header: string): string {
  return header.replace(/^[^:]+/, (name) => name.toLowerCase());
}

function upperName(header: string): string {
  return header.replace(/^[^:]+/, (name) => name.toUpperCase());
}

function noSpace(header: string): string {
  return header.replace(": ", ":");
}

function wide(header: string): string {
  return header.replace(": ", ": \t ") + " \t";
}

function moreHeaders(count: number, length: number): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`X-More-${i}`, "x".repeat(length)]),
  );
}

/** A value as part of an id. */
function slug(value: string): string {
  return value.replace(/[^A-Za-z0-9]+/g, "-").replace(/^-+|-+$/g, "");
}

/** RFC 6455 §4: headers. */
export const handshakeHeaders: Section = {
  name: "handshake",
  title: "Opening handshake: headers (RFC 6455 §4.1, §4.2)",
  site: "protocol.echo",
  rows: [...names, ...tokens, ...fields],
};

/** RFC 6455 §4.2.1 by RFC 9112: the request line, and what HTTP itself refuses. */
export const handshakeLine: Section = {
  name: "request",
  title: "Opening handshake: request line, HTTP (RFC 6455 §4.2.1, RFC 9112)",
  site: "protocol.echo",
  rows: [...line, ...either],
};

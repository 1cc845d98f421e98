import { accepted, head, headers, plain, REFUSED, refused, slug, USUAL } from "./handshake_row.ts";
import { prefixed, type Row, type Section } from "./row.ts";

const names: Row[] = [
  accepted("usual", "the handshake of RFC 6455 §1.3", {}),
  accepted(
    "lower-case",
    "header names in lower case",
    head("GET / HTTP/1.1", ...USUAL.map(lowerName)),
  ),
  accepted(
    "upper-case",
    "header names in upper case",
    head("GET / HTTP/1.1", ...USUAL.map(upperName)),
  ),
  accepted("reverse", "headers in any order", head("GET / HTTP/1.1", ...USUAL.toReversed())),
  accepted(
    "no-space",
    "headers without a space after the colon",
    head("GET / HTTP/1.1", ...USUAL.map(noSpace)),
  ),
  accepted(
    "white-space",
    "tabs and spaces around header values",
    head("GET / HTTP/1.1", ...USUAL.map(wide)),
  ),
  accepted("more", "fifty additional headers", headers(moreHeaders(50, 20))),
  accepted("cookie", "a cookie of 3 KiB", headers({ Cookie: `a=${"x".repeat(3000)}` })),
  accepted("browser", "7 KiB of headers, as browsers may send", headers(moreHeaders(7, 1000))),
  refused(
    "oversize",
    "a header of 1 MiB",
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
    "two Upgrade headers",
    headers({ Upgrade: ["h2c", "websocket"] }),
    REFUSED,
  ),
  ...CONNECTIONS.map((Connection) =>
    accepted(`connection-${slug(Connection)}`, `Connection: ${Connection}`, headers({ Connection }))
  ),
  accepted(
    "connection-twice",
    "two Connection headers",
    headers({ Connection: ["keep-alive", "Upgrade"] }),
  ),
  ...["websockets", "web socket", "h2c", '"websocket"', "xwebsocket"].map((Upgrade) =>
    refused(
      `upgrade-not-${slug(Upgrade)}`,
      `Upgrade: ${Upgrade}`,
      headers({ Upgrade }),
      426,
    )
  ),
  ...["keep-alive", "Upgrades", "close", "upgrade-insecure"].map((Connection) =>
    plain(
      `connection-not-${slug(Connection)}`,
      `a request with Connection: ${Connection}`,
      headers({ Connection }),
    )
  ),
  plain("upgrade-missing", "a request without Upgrade", headers({ Upgrade: null })),
  plain("upgrade-empty", "a request with an empty Upgrade", headers({ Upgrade: "" })),
  plain("connection-missing", "a request without Connection", headers({ Connection: null })),
  plain("connection-empty", "a request with an empty Connection", headers({ Connection: "" })),
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
    refused(`key-${name}`, `a malformed key: ${name}`, headers({ "Sec-WebSocket-Key": key }))
  ),
  refused("key-missing", "a handshake without a key", headers({ "Sec-WebSocket-Key": null })),
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
      `version ${version || "without a number"}`,
      headers({ "Sec-WebSocket-Version": version }),
      426,
    )
  ),
  refused(
    "version-missing",
    "a handshake without a version",
    headers({ "Sec-WebSocket-Version": null }),
    426,
  ),
  refused("version-twice", "two versions", headers({ "Sec-WebSocket-Version": ["13", "8"] }), 426),
  refused("host-missing", "a handshake without Host (RFC 9112 §3.2)", headers({ Host: null })),
  refused("host-twice", "two Host headers", headers({ Host: ["a", "b"] })),
  refused("host-illegal", "a malformed Host", headers({ Host: "a@b/c?d" })),
  accepted(
    "origin",
    "an Origin of another site, without credentials",
    headers({ Origin: "https://example.com" }),
  ),
  accepted(
    "protocols",
    "a handshake whose subprotocols the server does not select",
    headers({ "Sec-WebSocket-Protocol": "a, b" }),
  ),
  accepted(
    "protocols-twice",
    "subprotocols in two headers",
    headers({ "Sec-WebSocket-Protocol": ["a", "b"] }),
  ),
  ...[["spaced", "a b"], ["twice", "a, a"], ["slash", "a/b"], ["parameter", "a;b"]].map((
    [name, protocols],
  ) =>
    refused(
      `protocols-bad-${name}`,
      `a subprotocol list with an illegal or repeated token: ${protocols}`,
      headers({ "Sec-WebSocket-Protocol": protocols! }),
    )
  ),
  accepted(
    "extensions",
    "unknown extensions",
    headers({ "Sec-WebSocket-Extensions": "x-a; b=1, x-c" }),
  ),
  accepted(
    "extensions-not-here",
    "an offer of compression that the server does not support",
    headers({ "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits" }),
  ),
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

/** RFC 6455 §4: headers. */
export const handshakeHeaders: Section = {
  name: "handshake",
  title: "Opening handshake: headers (RFC 6455 §4.1, §4.2)",
  server: "protocol.echo",
  rows: prefixed("handshake", [...names, ...tokens, ...fields]),
};

import { Buffer } from "node:buffer";
import type { Random } from "./random.ts";

/** Handshake of one history. */
export interface FuzzedHandshake {
  readonly bytes: Buffer;
  /** Name of the mutation, or `valid`. */
  readonly how: string;
  /** Whether the server must accept the handshake, must refuse it, or may do either. */
  readonly verdict: "valid" | "illegal" | "either";
}

type Header = readonly [name: string, value: string];

interface Parts {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly headers: readonly Header[];
}

type Mutation = (random: Random, parts: Parts) => Parts;

/** Mutations that a server must refuse (RFC 6455 §4.2.1). */
const ILLEGAL: Readonly<Record<string, Mutation>> = {
  "no key": (_, parts) => without(parts, "Sec-WebSocket-Key"),
  "bad key": (random, parts) =>
    replaced(
      parts,
      "Sec-WebSocket-Key",
      random.pick(["", "x", "AAAA", "dGhlIHNhbXBsZSBub25jZQ=", "!"]),
    ),
  "no version": (_, parts) => without(parts, "Sec-WebSocket-Version"),
  "other version": (random, parts) =>
    replaced(parts, "Sec-WebSocket-Version", random.pick(["12", "8", "14", "013", "x", "13, 8"])),
  "no upgrade": (_, parts) => without(parts, "Upgrade"),
  "other upgrade": (_, parts) => replaced(parts, "Upgrade", "h2c"),
  "no connection": (_, parts) => without(parts, "Connection"),
  "other method": (random, parts) => ({
    ...parts,
    method: random.pick(["POST", "PUT", "HEAD", "OPTIONS", "DELETE", "get", "G\tT"]),
  }),
  "no host": (_, parts) => without(parts, "Host"),
  "bad host": (random, parts) =>
    replaced(parts, "Host", random.pick(["[", "a b", "a@b/c?d", "a/b", "a:b:c", "%41", "\u00ff"])),
  "two protocols alike": (_, parts) => added(parts, ["Sec-WebSocket-Protocol", "a, a"]),
  "foreign origin with a cookie": (_, parts) =>
    added(added(parts, ["Origin", "https://evil.example"]), ["Cookie", "session=1"]),
};

/** Mutations after which a handshake may be legal or not. */
const EITHER: Readonly<Record<string, Mutation>> = {
  "odd target": (random, parts) => ({
    ...parts,
    target: random.pick([
      "*",
      "",
      "//",
      "/%",
      "/%ff",
      "/\u00e9",
      "/../..",
      "/?",
      "/a\\b",
      "?x",
      "http://a/b",
      "/#f",
    ]),
  }),
  "other HTTP": (random, parts) => ({
    ...parts,
    version: random.pick(["HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/1.2", "HTP/1.1", ""]),
  }),
  "header twice": (random, parts) => added(parts, random.pick(parts.headers)),
  "oversize header": (random, parts) =>
    added(parts, ["X-Large", "x".repeat(random.pick([1000, 8000, 20_000, 100_000]))]),
  "many headers": (random, parts) => ({
    ...parts,
    headers: [
      ...parts.headers,
      ...Array.from({ length: random.pick([50, 120, 3000]) }, (_, i): Header => [`X-${i}`, `${i}`]),
    ],
  }),
  "odd header": (random, parts) =>
    added(
      parts,
      random.pick<Header>([
        ["", ""],
        ["X Y", "z"],
        ["X", "a\rb"],
        ["X", "a\u0000b"],
        ["X\u00e9", "\u00ff"],
        ["Transfer-Encoding", "chunked"],
        ["Content-Length", "5"],
        ["Content-Length", "-1"],
        ["Expect", "100-continue"],
        ["Sec-WebSocket-Extensions", ";;;,=,\u0022"],
        ["Sec-WebSocket-Extensions", "permessage-deflate; server_max_window_bits=99"],
        ["Sec-WebSocket-Protocol", "a b"],
        ["Sec-WebSocket-Protocol", "a,b"],
        ["Origin", "null"],
        ["Origin", "://"],
        ["X-Forwarded-For", "not an address"],
        ["X-Forwarded-Host", "["],
      ]),
    ),
};

/** Returns a handshake for the path of an endpoint, with a query. */
export function fuzzedHandshake(
  random: Random,
  path: string,
  query: string,
  isDeflated: boolean,
): FuzzedHandshake {
  const parts: Parts = {
    method: "GET",
    target: `${path}?${query}`,
    version: "HTTP/1.1",
    headers: [
      ["Host", "127.0.0.1:1"],
      ["Connection", "Upgrade"],
      ["Upgrade", "websocket"],
      ["Sec-WebSocket-Version", "13"],
      ["Sec-WebSocket-Key", Buffer.from(random.bytes(16)).toString("base64")],
      ...(isDeflated ? [DEFLATE] : []),
    ],
  };
  if (random.chance(0.85)) return { bytes: written(parts), how: "valid", verdict: "valid" };
  const kind = random.weighted({ illegal: 4, either: 3, bytes: 3, cut: 1 });
  if (kind === "illegal" || kind === "either") {
    const table = kind === "illegal" ? ILLEGAL : EITHER;
    const how = random.pick(Object.keys(table));
    return { bytes: written(table[how]!(random, parts)), how, verdict: kind };
  }
  const bytes = written(parts);
  if (kind === "cut") {
    return { bytes: bytes.subarray(0, random.below(bytes.length)), how: "cut", verdict: "either" };
  }
  for (let count = random.between(1, 8); count > 0; count--) {
    bytes[random.below(bytes.length)] = random.below(256);
  }
  return { bytes, how: "bytes replaced", verdict: "either" };
}

const DEFLATE: Header = [
  "Sec-WebSocket-Extensions",
  "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
];

function written({ method, target, version, headers }: Parts): Buffer {
  const lines = headers.map(([name, value]) => `${name}: ${value}`);
  const text = [`${method} ${target} ${version}`.trimEnd(), ...lines, "", ""].join("\r\n");
  return Buffer.from(text, "latin1");
}

function without(parts: Parts, name: string): Parts {
  return { ...parts, headers: parts.headers.filter(([it]) => it !== name) };
}

function replaced(parts: Parts, name: string, value: string): Parts {
  return added(without(parts, name), [name, value]);
}

function added(parts: Parts, header: Header): Parts {
  return { ...parts, headers: [...parts.headers, header] };
}

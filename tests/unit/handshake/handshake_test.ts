import assert from "node:assert/strict";
import { addressOf, hostOf, originOf, plainAddress } from "../../../handshake/forwarded.ts";
import {
  type Handshake,
  isLegalHost,
  refusalResponse,
  validateHandshake,
} from "../../../handshake/handshake.ts";
import { RawHandshake } from "../../../handshake/raw_handshake.ts";

type Changes = Record<string, string | null>;

const GOOD: Record<string, string> = {
  host: "example.com",
  upgrade: "websocket",
  connection: "Upgrade",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
};

/** Returns the example of RFC 6455 §1.2 with changed or added headers. `null` omits a header. */
function handshake(
  changes: Changes = {},
  rest: Partial<Pick<Handshake, "method" | "httpVersion" | "target" | "secure">> & {
    remoteAddress?: string;
  } = {},
): Handshake {
  const headers = Object.entries({ ...GOOD, ...changes }).filter(([, value]) => value !== null);
  return new RawHandshake({
    method: "GET",
    target: "/chat",
    secure: false,
    remoteAddress: "192.0.2.1",
    rawHeaders: headers.flat() as string[],
    ...rest,
  });
}

Deno.test("validateHandshake() accepts handshakes that RFC 6455 allows", () => {
  const table: Changes[] = [
    {},
    { upgrade: "WebSocket" },
    { upgrade: "h2c, WEBSOCKET" },
    { connection: "keep-alive, Upgrade" },
    { connection: "upgrade" },
    { "sec-websocket-protocol": "chat" },
    { "sec-websocket-protocol": "chat, super.chat ,x" },
    { "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==" },
    { "sec-websocket-key": "+/+/+/+/+/+/+/+/+/+/+w==" },
    { "sec-websocket-key": "AQIDBAUGBwgJCgsMDQ4PEC==" },
    { "sec-websocket-protocol": "" },
    { "sec-websocket-protocol": "ocpp1.6," },
    { "sec-websocket-protocol": ",a,, b" },
    { host: "[::1]:8080" },
    { origin: "https://elsewhere.example" },
  ];
  for (const changes of table) {
    assert.equal(validateHandshake(handshake(changes)), undefined, JSON.stringify(changes));
  }
  for (const target of ["/", "/?a=b", "//", "http://other.example/chat", "http://other.example"]) {
    assert.equal(validateHandshake(handshake({}, { target })), undefined, target);
  }
});

Deno.test("validateHandshake() accepts only HTTP/1.1, if the runtime reports the version", () => {
  for (const httpVersion of [undefined, "1.1"]) {
    assert.equal(validateHandshake(handshake({}, { httpVersion })), undefined);
  }
  for (const httpVersion of ["0.9", "1.0", "2.0"]) {
    assert.equal(validateHandshake(handshake({}, { httpVersion }))?.status, 505, httpVersion);
  }
});

Deno.test("validateHandshake() refuses illegal handshakes with a fitting status and a reason", () => {
  const table: [Changes, number, RegExp][] = [
    [{ upgrade: null }, 426, /`Upgrade: websocket` is missing/],
    [{ upgrade: "" }, 426, /`Upgrade: websocket` is missing/],
    [{ upgrade: "h2c" }, 426, /`Upgrade: websocket` is missing/],
    [{ upgrade: "websockets" }, 426, /`Upgrade: websocket` is missing/],
    [{ upgrade: "not websocket" }, 426, /`Upgrade: websocket` is missing/],
    [{ connection: null }, 400, /`Connection: Upgrade` is missing/],
    [{ connection: "close" }, 400, /`Connection: Upgrade` is missing/],
    [{ connection: "upgrade-insecure" }, 400, /`Connection: Upgrade` is missing/],
    [{ "sec-websocket-version": null }, 426, /version here is 13/],
    [{ "sec-websocket-version": "" }, 426, /version here is 13/],
    [{ "sec-websocket-version": "8" }, 426, /version here is 13/],
    [{ "sec-websocket-version": "130" }, 426, /version here is 13/],
    [{ "sec-websocket-version": "13, 8" }, 426, /version here is 13/],
    [{ "sec-websocket-key": null }, 400, /16 bytes in base64/],
    [{ "sec-websocket-key": "" }, 400, /16 bytes in base64/],
    [{ "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ" }, 400, /16 bytes in base64/],
    [{ "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAA" }, 400, /16 bytes in base64/],
    [{ "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAAA=" }, 400, /16 bytes in base64/],
    [{ "sec-websocket-key": "dGhlIHNhbXBsZSBub25j*Q==" }, 400, /16 bytes in base64/],
    [{ "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==\n" }, 400, /16 bytes in base64/],
    [{ "sec-websocket-protocol": "a,,a" }, 400, /list of different tokens/],
    [{ "sec-websocket-protocol": "a b" }, 400, /list of different tokens/],
    [{ "sec-websocket-protocol": "chat, chat" }, 400, /list of different tokens/],
    [{ "sec-websocket-protocol": "chat, (x)" }, 400, /list of different tokens/],
    [{ host: null }, 400, /`Host` must be one host name/],
    [{ host: "" }, 400, /`Host` must be one host name/],
    [{ host: "a.example, b.example" }, 400, /`Host` must be one host name/],
    [{ host: "a.example/path" }, 400, /`Host` must be one host name/],
  ];
  for (const [changes, status, message] of table) {
    const refusal = validateHandshake(handshake(changes));
    assert.equal(refusal?.status, status, JSON.stringify(changes));
    assert.match(refusal!.message, message);
  }
});

Deno.test("validateHandshake() refuses methods other than GET with 405, and names GET", () => {
  for (const method of ["POST", "HEAD", "OPTIONS", "CONNECT", "get"]) {
    const refusal = validateHandshake(handshake({ upgrade: null }, { method }));
    assert.equal(refusal?.status, 405);
    assert.match(refusal!.message, new RegExp(`must use GET: found ${method}`));
    assert.equal(refusal!.headers?.allow, "GET");
  }
});

Deno.test("validateHandshake() sends the supported version with each 426 (RFC 6455 §4.4)", () => {
  for (const changes of [{ upgrade: null }, { "sec-websocket-version": "7" }]) {
    const refusal = validateHandshake(handshake(changes));
    assert.equal(refusal?.headers?.["sec-websocket-version"], "13");
  }
});

Deno.test("validateHandshake() refuses a request target that is not a path", () => {
  for (const target of ["", "*", "example.com:443", "chat", "?a", "#a", "\\chat"]) {
    const refusal = validateHandshake(handshake({}, { target }));
    assert.equal(refusal?.status, 400, target);
    assert.match(refusal!.message, /target must be a path/);
  }
});

Deno.test("validateHandshake() refuses a repeated header that must be single", () => {
  const rawHeaders = Object.entries(GOOD).flat();
  for (const [name, status] of [["Host", 400], ["Sec-WebSocket-Key", 400]] as const) {
    const twice = new RawHandshake({
      method: "GET",
      target: "/",
      secure: false,
      remoteAddress: undefined,
      rawHeaders: [...rawHeaders, name, GOOD[name.toLowerCase()]!],
    });
    assert.equal(validateHandshake(twice)?.status, status, name);
  }
});

Deno.test("refusalResponse() is plain text with the refusal's own headers", async () => {
  const response = refusalResponse({ status: 405, message: "no", headers: { allow: "GET" } });
  assert.equal(response.status, 405);
  assert.equal(await response.text(), "no\n");
  assert.equal(response.headers.get("content-type"), "text/plain; charset=utf-8");
  assert.equal(response.headers.get("allow"), "GET");
});

Deno.test("isLegalHost() accepts only a host name or address, with or without a port", () => {
  const legal = [
    "localhost",
    "example.com",
    "EXAMPLE.com.",
    "a_b.example",
    "xn--bcher-kva.example",
    "127.0.0.1",
    "[::1]",
    "[2001:db8::1]:443",
    "example.com:",
    "example.com:0",
    "example.com:65535",
  ];
  const illegal = [
    null,
    "",
    ":80",
    " ",
    "a b",
    "a,b",
    "a/b",
    "a\\b",
    "a?b",
    "a#b",
    "user@a",
    "a%41",
    "a:b",
    "a:80:80",
    "example.com:65536",
    "example.com:-1",
    "::1",
    "[::1",
    "[::g]",
    "[]",
    "256.0.0.1",
    "1.2.3.4.5",
    "bücher.example",
    "a\tb",
    "a\n",
    "a\0",
    "http://a",
  ];
  for (const host of legal) assert.equal(isLegalHost(host), true, host);
  for (const host of illegal) assert.equal(isLegalHost(host), false, JSON.stringify(host));
});

const FORWARDED = {
  "x-forwarded-for": "198.51.100.1, 203.0.113.2, 10.0.0.3",
  "x-forwarded-host": "client.example, edge.example, inner.example",
  "x-forwarded-proto": "HTTPS, http, wss",
};

Deno.test("originOf(), hostOf() and addressOf() read forwarded headers only from trusted proxies", () => {
  const request = handshake(FORWARDED);
  const table: [hops: number, address: string, host: string, origin: string][] = [
    [0, "192.0.2.1", "example.com", "http://example.com"],
    [1, "10.0.0.3", "inner.example", "https://inner.example"],
    [2, "203.0.113.2", "edge.example", "http://edge.example"],
    [3, "198.51.100.1", "client.example", "https://client.example"],
    [4, "192.0.2.1", "example.com", "http://example.com"],
  ];
  for (const [hops, address, host, origin] of table) {
    assert.equal(addressOf(request, hops), address);
    assert.equal(hostOf(request, hops), host);
    assert.equal(originOf(request, hops), origin);
  }
});

Deno.test("originOf() and hostOf() without forwarded headers return those of the connection", () => {
  for (const hops of [0, 1]) {
    assert.equal(originOf(handshake({}, { secure: true }), hops), "https://example.com");
    assert.equal(originOf(handshake({ host: "[::1]:8080" }), hops), "http://[::1]:8080");
    assert.equal(hostOf(handshake({ host: null }), hops), "localhost");
  }
});

Deno.test("originOf() behind a trusted proxy prefers its scheme to that of the connection", () => {
  const table: [proto: string, secure: boolean, scheme: string][] = [
    ["https", false, "https"],
    ["wss", false, "https"],
    ["http", true, "http"],
    ["ws", true, "http"],
    ["", true, "https"],
    [" , ", true, "https"],
  ];
  for (const [proto, secure, scheme] of table) {
    const request = handshake({ "x-forwarded-proto": proto }, { secure });
    assert.equal(originOf(request, 1), `${scheme}://example.com`, proto);
  }
});

Deno.test("hostOf() ignores a malformed forwarded host", () => {
  for (const host of ["a/b", "user@a", "", "a b", "[::g]"]) {
    assert.equal(hostOf(handshake({ "x-forwarded-host": host }), 1), "example.com", host);
  }
});

Deno.test("addressOf() reads a forwarded address, and drops port and brackets", () => {
  const table: [string, string][] = [
    ["203.0.113.9", "203.0.113.9"],
    ["203.0.113.9:5000", "203.0.113.9"],
    ["2001:db8::9", "2001:db8::9"],
    ["[2001:db8::9]", "2001:db8::9"],
    ["[2001:db8::9]:5000", "2001:db8::9"],
    ["::ffff:203.0.113.9", "203.0.113.9"],
    ["[::FFFF:203.0.113.9]:1", "203.0.113.9"],
    // Not an address, so the address of the connection counts.
    ["", "192.0.2.1"],
    ["unknown", "192.0.2.1"],
    ["_hidden", "192.0.2.1"],
    ["203.0.113.9;x", "192.0.2.1"],
    ["<script>", "192.0.2.1"],
  ];
  for (const [forwarded, address] of table) {
    assert.equal(addressOf(handshake({ "x-forwarded-for": forwarded }), 1), address, forwarded);
  }
});

Deno.test("addressOf() does not read a word of hexadecimal letters as an address", () => {
  for (const forwarded of ["cafe", "1234", ".", "...", ":", "999.999.999.999"]) {
    const address = addressOf(handshake({ "x-forwarded-for": forwarded }), 1);
    assert.equal(address, "192.0.2.1", forwarded);
  }
});

Deno.test("plainAddress() unmaps IPv4-mapped IPv6 addresses, and changes no other", () => {
  const table: [string | undefined, string | undefined][] = [
    [undefined, undefined],
    ["127.0.0.1", "127.0.0.1"],
    ["::ffff:127.0.0.1", "127.0.0.1"],
    ["::FFFF:10.1.2.3", "10.1.2.3"],
    ["::1", "::1"],
    ["::ffff:c0a8:1ff", "192.168.1.255"],
    ["::ffff:1", "::ffff:1"],
    ["2001:db8::ffff:1.2.3.4", "2001:db8::ffff:1.2.3.4"],
  ];
  for (const [given, plain] of table) assert.equal(plainAddress(given), plain);
});

import assert from "node:assert/strict";
import {
  checkedHeaders,
  chooseProtocol,
  type UpgradeHeaders,
} from "../../../handshake/upgrade_headers.ts";
import { RawHandshake } from "../../../handshake/raw_handshake.ts";

function offering(...lines: string[]): RawHandshake {
  return new RawHandshake({
    method: "GET",
    target: "/",
    secure: false,
    remoteAddress: undefined,
    rawHeaders: lines.flatMap((line) => ["Sec-WebSocket-Protocol", line]),
  });
}

Deno.test("checkedHeaders() returns lower-case pairs for each form of headers", () => {
  const expected = [["x-a", "1"], ["x-b", "2"]];
  const forms: UpgradeHeaders[] = [
    new Headers({ "X-A": "1", "X-B": "2" }),
    { "X-A": "1", "X-B": "2" },
    [["X-A", "1"], ["X-B", "2"]],
    new Map([["X-A", "1"], ["X-B", "2"]]),
  ];
  for (const form of forms) assert.deepEqual(checkedHeaders(form), expected);
  assert.deepEqual(checkedHeaders(undefined), []);
  assert.deepEqual(checkedHeaders({}), []);
});

Deno.test("checkedHeaders() does not join several set-cookie headers", () => {
  const headers = new Headers();
  headers.append("set-cookie", "a=1; Path=/");
  headers.append("set-cookie", "b=2, c");
  const expected = [["set-cookie", "a=1; Path=/"], ["set-cookie", "b=2, c"]];
  assert.deepEqual(checkedHeaders(headers), expected);
  const pairs = [["Set-Cookie", "a=1; Path=/"], ["Set-Cookie", "b=2, c"]] as const;
  assert.deepEqual(checkedHeaders(pairs), expected);
});

Deno.test("checkedHeaders() rejects a value that could break the response, and does not print it", () => {
  const bad = ["\r", "\n", "\0", "\x7f", "\x1b", "ü", "€", "\ud800", "\u2028"];
  for (const part of bad) {
    for (const value of [part, `${part}a`, `secret${part}`, `a${part}x-evil: 1`]) {
      assert.throws(() => checkedHeaders({ "x-a": value }), (error: Error) => {
        assert.ok(error instanceof TypeError);
        assert.match(
          error.message,
          /^Cannot send the header x-a as its value must be visible ASCII/,
        );
        assert.ok(!error.message.includes("secret"));
        return true;
      }, JSON.stringify(value));
    }
  }
});

Deno.test("checkedHeaders() accepts visible ASCII characters, spaces, tabs and empty values", () => {
  let ascii = "\t";
  for (let code = 0x20; code < 0x7f; code++) ascii += String.fromCharCode(code);
  for (const value of [ascii, ""]) {
    assert.deepEqual(checkedHeaders({ "x-a": value }), [["x-a", value]]);
  }
});

Deno.test("checkedHeaders() rejects a name that is not a token", () => {
  const names = ["", " ", "a b", "a:b", "a\r\nb", "a\n", "a\0", "ä", "a/b", "(a)", "a,b", '"a"'];
  for (const name of names) {
    assert.throws(() => checkedHeaders([[name, "x"]]), {
      name: "TypeError",
      message: /its name is not a token/,
    }, JSON.stringify(name));
  }
  for (const name of ["a", "x-a", "!#$%&'*+.^_`|~09az-"]) {
    assert.deepEqual(checkedHeaders([[name, "x"]]), [[name, "x"]]);
  }
});

Deno.test("checkedHeaders() checks and drops the headers that the adapter sends itself", () => {
  const own = [
    "Connection",
    "Content-Length",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Extensions",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "Transfer-Encoding",
    "UPGRADE",
  ];
  for (const name of own) {
    assert.deepEqual(checkedHeaders([[name, "x"], ["x-a", "1"]]), [["x-a", "1"]], name);
    assert.throws(() => checkedHeaders([[name, "x\r\n"]]), TypeError, name);
  }
});

Deno.test("chooseProtocol() selects the hook's choice among the offered subprotocols", () => {
  const table: [offered: string[], picked: string | undefined, header: string[], chosen: string][] =
    [
      [[], undefined, [], ""],
      [["chat"], undefined, [], ""],
      [["a, b"], "b", [], "b"],
      [["a,b"], "b", [], "b"],
      [["a", "b"], "b", [], "b"],
      [["a, b"], undefined, ["a"], "a"],
      [["a, b"], "b", ["a"], "b"],
      [["a"], "", [], ""],
      [["a"], undefined, [""], ""],
    ];
  for (const [offered, picked, header, chosen] of table) {
    const headers: [string, string][] = [
      ["x-a", "1"],
      ...header.map((value): [string, string] => ["sec-websocket-protocol", value]),
    ];
    assert.equal(chooseProtocol(offering(...offered), picked, headers), chosen);
    assert.deepEqual(
      headers,
      [["x-a", "1"]],
      "headers without the subprotocol, which the adapter sends",
    );
  }
});

Deno.test("chooseProtocol() removes all subprotocol headers if hooks gave several", () => {
  const headers: [string, string][] = [
    ["sec-websocket-protocol", "a"],
    ["sec-websocket-protocol", "b"],
  ];
  chooseProtocol(offering("a, b"), undefined, headers);
  assert.deepEqual(headers, []);
});

Deno.test("chooseProtocol() rejects a subprotocol that the client did not offer, and lists the offered ones", () => {
  const table: [offered: string[], picked: string | undefined, header: string[], list: string][] = [
    [[], "a", [], "none"],
    [["a"], "A", [], '"a"'],
    [["a, b"], "a, b", [], '"a", "b"'],
    [["a"], undefined, ["b"], '"a"'],
    [["a"], "b", ["a"], '"a"'],
  ];
  for (const [offered, picked, header, list] of table) {
    const headers = header.map((value): [string, string] => ["sec-websocket-protocol", value]);
    assert.throws(() => chooseProtocol(offering(...offered), picked, headers), {
      name: "TypeError",
      message: new RegExp(
        `^Cannot select the subprotocol .* did not offer it: offered are ${list}$`,
      ),
    });
  }
});

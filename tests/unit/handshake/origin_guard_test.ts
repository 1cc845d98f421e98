import assert from "node:assert/strict";
import type { UpgradeRequest } from "../../../handshake/handshake.ts";
import {
  admitsOrigin,
  type AllowedOrigins,
  checkAllowedOrigins,
} from "../../../handshake/allowed_origins.ts";
import { foreignOrigin } from "../../../handshake/origin_guard.ts";
import { RawHandshake } from "../../../handshake/raw_handshake.ts";

const COOKIE = { cookie: "session=1" };

function handshake(headers: Record<string, string>): RawHandshake {
  return new RawHandshake({
    method: "GET",
    target: "/",
    secure: false,
    remoteAddress: undefined,
    rawHeaders: Object.entries(headers).flat(),
  });
}

const nobody = (): boolean => false;
const noRequest = (): UpgradeRequest => {
  throw new Error("the Request was created without need");
};

Deno.test("foreignOrigin() returns the origin of a request with credentials from another host", () => {
  const table: [origin: string | undefined, host: string, foreign: boolean][] = [
    [undefined, "a.example", false],
    ["http://a.example", "a.example", false],
    ["https://a.example", "a.example", false],
    ["https://a.example:8443", "a.example", false],
    ["http://a.example", "a.example:3000", false],
    ["http://A.Example", "a.example", false],
    ["http://[::1]:5173", "[::1]:3000", false],
    ["http://b.example", "a.example", true],
    ["http://sub.a.example", "a.example", true],
    ["http://a.example", "sub.a.example", true],
    ["http://a.example.evil.example", "a.example", true],
    ["http://localhost", "127.0.0.1", true],
    ["null", "a.example", true],
    ["", "a.example", true],
    ["not an origin", "a.example", true],
    ["file://", "a.example", true],
  ];
  for (const [origin, host, foreign] of table) {
    for (const credentials of [COOKIE, { authorization: "Basic eA==" }]) {
      const request = handshake({
        host,
        ...credentials,
        ...(origin === undefined ? {} : { origin }),
      });
      const expected = foreign ? origin : undefined;
      assert.equal(foreignOrigin(request, 0, nobody), expected, `${origin} to ${host}`);
    }
  }
});

Deno.test("foreignOrigin() ignores requests without credentials, and does not call allowedOrigins", () => {
  const request = handshake({ host: "a.example", origin: "http://evil.example" });
  const isAllowed = () => assert.fail("allowedOrigins was called");
  assert.equal(foreignOrigin(request, 0, isAllowed), undefined);
});

Deno.test("foreignOrigin() passes the unchanged origin to allowedOrigins", () => {
  const asked: string[] = [];
  const request = handshake({ host: "a.example", origin: "http://B.example:80", ...COOKIE });
  const isAllowed = (origin: string) => asked.push(origin) > 0;
  assert.equal(foreignOrigin(request, 0, isAllowed), undefined);
  assert.deepEqual(asked, ["http://B.example:80"]);
});

Deno.test("foreignOrigin() compares with the forwarded host only behind a trusted proxy", () => {
  const request = handshake({
    host: "inner",
    "x-forwarded-host": "evil.example, a.example",
    origin: "https://a.example",
    ...COOKIE,
  });
  assert.equal(foreignOrigin(request, 0, nobody), "https://a.example");
  assert.equal(foreignOrigin(request, 1, nobody), undefined);
  assert.equal(foreignOrigin(request, 2, nobody), "https://a.example");
});

Deno.test("admitsOrigin() supports each form of allowedOrigins", () => {
  const ORIGIN = "https://a.example";
  const table: [AllowedOrigins | undefined, origin: string, admitted: boolean][] = [
    [undefined, ORIGIN, false],
    ["*", ORIGIN, true],
    ["*", "null", true],
    [ORIGIN, ORIGIN, true],
    [ORIGIN, "https://A.EXAMPLE", true],
    ["https://a.example/", ORIGIN, true],
    ["https://a.example:443", ORIGIN, true],
    ["http://a.example:80", "http://a.example", true],
    [ORIGIN, "http://a.example", false],
    [ORIGIN, "https://a.example:8443", false],
    [ORIGIN, "https://a.example.evil.example", false],
    [ORIGIN, "https://sub.a.example", false],
    [ORIGIN, "null", false],
    [ORIGIN, "", false],
    ["chrome-extension://abc", "chrome-extension://abc", true],
    ["chrome-extension://abc", "chrome-extension://abd", false],
    ["file://", "file://", true],
    ["file://", "null", false],
    ["null", "null", true],
    ["null", "file://", false],
    [[], ORIGIN, false],
    [["https://b.example", ORIGIN], ORIGIN, true],
    [["https://b.example", /\.example$/], ORIGIN, true],
    [/^https:\/\/[a-z]+\.example$/, ORIGIN, true],
    [/^https:\/\/[a-z]+\.example$/, "https://1.example", false],
    [/A\.EXAMPLE/i, ORIGIN, true],
  ];
  for (const [allowed, origin, admitted] of table) {
    assert.equal(admitsOrigin(allowed, origin, noRequest), admitted, `${allowed} ${origin}`);
  }
});

Deno.test("admitsOrigin() gives the same result for each use of a global or sticky RegExp", () => {
  for (const pattern of [/a\.example/g, /a\.example/y, /a\.example/gy]) {
    const expected = pattern.source === "a\\.example";
    for (let time = 1; time <= 3; time++) {
      const admitted = admitsOrigin([pattern], "https://a.example", noRequest);
      assert.equal(admitted, expected, `${pattern}, use ${time}`);
    }
    assert.equal(pattern.lastIndex, 0, "lastIndex of the caller's pattern");
  }
});

Deno.test("admitsOrigin() passes the request to a function, and accepts only a boolean from it", () => {
  const request = {} as UpgradeRequest;
  const ask = (answer: unknown) => {
    const seen: unknown[] = [];
    const allowed = (...args: unknown[]) => {
      seen.push(...args);
      return answer as boolean;
    };
    const admitted = admitsOrigin(allowed, "https://a.example", () => request);
    assert.deepEqual([seen[0], seen[1] === request], ["https://a.example", true]);
    return admitted;
  };
  assert.deepEqual([ask(true), ask(false)], [true, false]);
  // A truthy value that is not a boolean, above all a promise, must not admit a client.
  for (const answer of [1, "yes", undefined, Promise.resolve(true), Promise.reject(new Error())]) {
    assert.throws(() => ask(answer), TypeError);
  }
});

Deno.test("checkAllowedOrigins() accepts each form that can match", () => {
  const table: (AllowedOrigins | undefined)[] = [
    undefined,
    "*",
    "https://a.example",
    "http://localhost:3000",
    "http://localhost:3000/",
    "http://[::1]:3000",
    "chrome-extension://abc",
    "capacitor://localhost",
    "file://",
    "null",
    "HTTPS://A.example",
    /x/g,
    [],
    ["https://a.example", /x/],
    () => true,
  ];
  for (const allowed of table) assert.doesNotThrow(() => checkAllowedOrigins(allowed));
});

Deno.test("checkAllowedOrigins() rejects values that never match, and names the value", () => {
  const table: unknown[] = [
    "",
    "a.example",
    "https://",
    "https://a.example/path",
    "https://a.example?x",
    "//a.example",
    "wss://a.example",
    "https://*.a.example",
    "http://localhost:*",
    "https://a.example:99999",
    "https://user@a.example",
    "https://a b.example",
    "file:///",
    "file:///path",
    ["*"],
    ["https://a.example", "b.example"],
    [undefined],
    null,
    5,
    {},
    true,
  ];
  for (const allowed of table) {
    assert.throws(() => checkAllowedOrigins(allowed as AllowedOrigins), {
      name: "TypeError",
      message: /^Cannot use allowedOrigins as it must be .*: current value is /,
    }, JSON.stringify(allowed));
  }
});

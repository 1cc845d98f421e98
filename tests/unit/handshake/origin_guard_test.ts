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
  throw new Error("the request was made without need");
};

Deno.test("foreignOrigin() is the origin of another host that brings credentials", () => {
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

Deno.test("foreignOrigin() lets anyone pass without credentials, whom nobody need admit", () => {
  const request = handshake({ host: "a.example", origin: "http://evil.example" });
  const isAllowed = () => assert.fail("nobody should be asked");
  assert.equal(foreignOrigin(request, 0, isAllowed), undefined);
});

Deno.test("foreignOrigin() asks about the origin as it was sent", () => {
  const asked: string[] = [];
  const request = handshake({ host: "a.example", origin: "http://B.example:80", ...COOKIE });
  const isAllowed = (origin: string) => asked.push(origin) > 0;
  assert.equal(foreignOrigin(request, 0, isAllowed), undefined);
  assert.deepEqual(asked, ["http://B.example:80"]);
});

Deno.test("foreignOrigin() compares with the forwarded host only under a trusted proxy", () => {
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

Deno.test("admitsOrigin() by each form of allowedOrigins", () => {
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

Deno.test("admitsOrigin() matches a global or sticky RegExp the same each time", () => {
  for (const pattern of [/a\.example/g, /a\.example/y, /a\.example/gy]) {
    const expected = pattern.source === "a\\.example";
    for (let time = 1; time <= 3; time++) {
      const admitted = admitsOrigin([pattern], "https://a.example", noRequest);
      assert.equal(admitted, expected, `${pattern} the ${time}. time`);
    }
    assert.equal(pattern.lastIndex, 0, "the caller's pattern is left alone");
  }
});

Deno.test("admitsOrigin() by a function takes only a boolean, and gives it the request", () => {
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
  // A truthy answer that is none, above all a promise, must not admit anybody.
  for (const answer of [1, "yes", undefined, Promise.resolve(true), Promise.reject(new Error())]) {
    assert.throws(() => ask(answer), TypeError);
  }
});

Deno.test("checkAllowedOrigins() admits each form that can match", () => {
  const table: (AllowedOrigins | undefined)[] = [
    undefined,
    "*",
    "https://a.example",
    "http://localhost:3000",
    "http://localhost:3000/",
    "http://[::1]:3000",
    "chrome-extension://abc",
    /x/g,
    [],
    ["https://a.example", /x/],
    () => true,
  ];
  for (const allowed of table) assert.doesNotThrow(() => checkAllowedOrigins(allowed));
});

Deno.test("checkAllowedOrigins() refuses what never matches, and says what was found", () => {
  const table: unknown[] = [
    "",
    "a.example",
    "https://",
    "https://a.example/path",
    "https://a.example?x",
    "//a.example",
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
      message: /^Cannot use allowedOrigins as each entry must be .*: current value is /,
    }, JSON.stringify(allowed));
  }
});

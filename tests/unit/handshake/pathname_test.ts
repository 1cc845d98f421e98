import assert from "node:assert/strict";
import fc from "fast-check";
import { pathnameOf } from "../../../handshake/handshake.ts";

const byUrl = (target: string): string => new URL(`http://localhost${target}`).pathname;

Deno.test("pathnameOf() returns the URL's pathname", () => {
  const table: [string, string][] = [
    ["/", "/"],
    ["/?", "/"],
    ["/chat", "/chat"],
    ["/chat/", "/chat/"],
    ["/chat?a=/b", "/chat"],
    ["/chat#x", "/chat"],
    ["//", "//"],
    ["//evil.example/chat", "//evil.example/chat"],
    ["/a//b", "/a//b"],
    ["/.", "/"],
    ["/..", "/"],
    ["/a/./b", "/a/b"],
    ["/a/../b", "/b"],
    ["/a/..", "/"],
    ["/a/%2e%2E/b", "/b"],
    ["/.a", "/.a"],
    ["/a..", "/a.."],
    ["/a.b", "/a.b"],
    ["/...", "/..."],
    ["/%41", "/%41"],
    ["/a b", "/a%20b"],
    ["/a\\b", "/a/b"],
    ["/ä", "/%C3%A4"],
    ["/a\tb\nc", "/abc"],
    ["/@x:80", "/@x:80"],
    ["/\ud800", "/%EF%BF%BD"],
  ];
  for (const [target, pathname] of table) {
    assert.equal(byUrl(target), pathname, `wrong expectation in the table: ${target}`);
    assert.equal(pathnameOf(target), pathname, target);
  }
});

Deno.test("pathnameOf() equals the URL parser for any target", () => {
  const character = fc.oneof(
    fc.constantFrom(..."/.?#%2eE~-_\\ \t\n:@!a"),
    fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
  );
  const segment = fc.constantFrom("a", ".", "..", "%2e", "", "a.b", "-", "~", ".a", "a..");
  const target = fc.oneof(
    fc.array(character, { maxLength: 12 }).map((characters) => `/${characters.join("")}`),
    fc.tuple(fc.array(segment, { maxLength: 6 }), fc.constantFrom("", "?", "?a/..", "#", "/"))
      .map(([segments, end]) => `/${segments.join("/")}${end}`),
  );
  fc.assert(
    fc.property(target, (target) => assert.equal(pathnameOf(target), byUrl(target))),
    { numRuns: 5000 },
  );
});

Deno.test("pathnameOf() takes linear time on hostile targets", () => {
  const long = 50_000;
  const table: [string, string][] = [
    ["one long segment", "/" + "a".repeat(long) + "!"],
    ["many segments", "/" + "a/".repeat(long) + "!"],
    ["many dots", "/a" + ".".repeat(long) + "!"],
    ["many dot segments", "/a" + "/..".repeat(long)],
    ["many slashes", "/".repeat(long) + "!"],
    ["many dashes", "/" + "-~".repeat(long) + "!"],
    ["a long plain path", "/" + "a/".repeat(long)],
    ["a long query", "/?" + "a".repeat(long)],
  ];
  for (const [name, target] of table) {
    pathnameOf("/warm!");
    let fastest = Infinity; // the fastest run, as a busy machine does not slow down every run
    for (let run = 0; run < 5 || (run < 100 && fastest >= 50); run++) {
      const started = performance.now();
      assert.equal(pathnameOf(target), byUrl(target), name);
      fastest = Math.min(fastest, performance.now() - started);
    }
    assert.ok(fastest < 50, `${name}: ${fastest} ms`);
  }
});

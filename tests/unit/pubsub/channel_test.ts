import assert from "node:assert/strict";
import fc from "fast-check";
import { ALL_NAMESPACES, channelOf, escapeName, unescapeName } from "../../../pubsub/channel.ts";

/** Names that are likely to collide: made of the characters that have a meaning. */
const hostile = fc.string({
  unit: fc.constantFrom("=", ".", "2", "F", "U", "D", "8", "0", "/", "*", ">", "é", "🦕", "\ud800"),
  maxLength: 8,
});
const name = fc.oneof(hostile, fc.string({ unit: "binary" }), fc.string());

Deno.test("escapeName() leaves letters, digits, _ and - as they are, and escapes all others", () => {
  const table: [name: string, text: string][] = [
    ["", "="],
    ["azAZ09_-", "azAZ09_-"],
    ["=", "=3D"],
    ["a.b", "a=2Eb"],
    ["/a/*>", "=2Fa=2F=2A=3E"],
    ["\r\n\0", "=0D=0A=00"],
    ["é", "=C3=A9"],
    ["🦕", "=F0=9F=A6=95"],
    ["\ufeff", "=EF=BB=BF"],
    ["\ud800", "=UD800"],
    ["\udfff\ud800", "=UDFFF=UD800"],
    ["=UD800", "=3DUD800"],
  ];
  for (const [name, text] of table) {
    assert.equal(escapeName(name), text);
    assert.equal(unescapeName(text), name);
  }
});

Deno.test("escapeName() escapes names of every length in the same way", () => {
  for (const length of [1, 2, 255, 256, 257, 1000]) {
    const name = "/\0x".repeat(length).slice(0, length);
    const text = "=2F=00x".repeat(length).slice(0, 7 * Math.floor(length / 3) + 3 * (length % 3));
    assert.equal(escapeName(name), text);
    assert.equal(escapeName(`${name}é`), `${text}=C3=A9`);
    assert.equal(unescapeName(text), name);
  }
});

Deno.test("unescapeName() returns every name that escapeName() has escaped", () => {
  fc.assert(fc.property(name, (name) => assert.equal(unescapeName(escapeName(name)), name)));
});

Deno.test("unescapeName() throws a RangeError for text that escapeName() never returns", () => {
  const table = [
    "",
    "==",
    "a=",
    "=2",
    "=2f",
    "=41", // A needs no escape
    "=C3", // half of a character
    "=FF",
    "=ED=A0=80", // a surrogate in UTF-8
    "a%41",
    "%",
    "=UD83D=UDD95", // two surrogates that are one character
    "=U0041",
    "a.b",
    "é",
    " ",
  ];
  for (const text of table) assert.throws(() => unescapeName(text), RangeError, text);
  fc.assert(fc.property(name, (text) => {
    try {
      assert.equal(escapeName(unescapeName(text)), text);
    } catch (error) {
      assert.ok(error instanceof RangeError);
    }
  }));
});

Deno.test("escapeName() and unescapeName() are fast for names of many special characters", () => {
  const fastest = (run: () => void) => {
    return Math.min(...Array.from({ length: 3 }, () => {
      const start = performance.now();
      run();
      return performance.now() - start;
    }));
  };
  for (const name of ["\0".repeat(200_000), "ü".repeat(100_000), "\ud800x".repeat(100_000)]) {
    const text = escapeName(name);
    const slow = fastest(() => {
      let text = "";
      for (const character of name) text += character.replace(/[^a-z]/g, hex);
    });
    const times = [fastest(() => escapeName(name)), fastest(() => unescapeName(text))];
    assert.equal(unescapeName(text), name);
    assert.ok(Math.max(...times) < slow / 3, `${times} ms, one character at a time ${slow} ms`);
  }
});

/** Escapes one character, as slowly as a simple implementation. */
function hex(character: string): string {
  const bytes = new TextEncoder().encode(character);
  return Array.from(bytes, (byte) => `=${byte.toString(16).toUpperCase()}`).join("");
}

Deno.test("channelOf() is different for different topics and namespaces", () => {
  fc.assert(fc.property(name, name, name, name, (a, b, c, d) => {
    assert.equal(channelOf(a, b) === channelOf(c, d), a === c && b === d);
  }));
  assert.notEqual(channelOf("a.b", "c"), channelOf("a", "b.c"));
  assert.notEqual(channelOf("", "a"), channelOf("a", ""));
});

Deno.test("channelOf() has only letters, digits and _-=, one dot, and no empty part", () => {
  fc.assert(fc.property(name, name, (namespace, topic) => {
    assert.match(channelOf(namespace, topic), /^[A-Za-z0-9_=-]+\.[A-Za-z0-9_=-]+$/);
  }));
});

Deno.test("no topic has the channel of all namespaces", () => {
  fc.assert(fc.property(name, name, (namespace, topic) => {
    assert.notEqual(channelOf(namespace, topic), ALL_NAMESPACES);
  }));
});

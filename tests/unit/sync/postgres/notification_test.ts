import assert from "node:assert/strict";
import {
  MAX_NOTIFICATION,
  nameOf,
  NotificationCodec,
  notifyStatement,
} from "../../../../sync/postgres/notification.ts";

Deno.test("nameOf() returns names of 46 bytes that PostgreSQL takes, and never the same twice", () => {
  const names = new Set<string>();
  for (const prefix of ["a", "a.b", "", '"; drop table x', "x".repeat(1000), "a\0b"]) {
    for (const channel of ["", "all", "a.b", "b.c", "b.".padEnd(5000, "x")]) {
      const name = nameOf(prefix, channel);
      assert.match(name, /^op_[A-Za-z0-9_-]{43}$/);
      names.add(name);
    }
  }
  assert.equal(names.size, 30);
  // Other versions must use the same names to hear each other.
  assert.equal(nameOf("chat", "all"), "op_oNQ-C8ffvH8QlvJSTgOnJ7gqlUcAkwPrl-95AQayV90");
});

Deno.test("A payload carries its bytes, of every size up to the limit of PostgreSQL", () => {
  const codec = new NotificationCodec("node a"), other = new NotificationCodec("node b");
  for (const size of [0, 1, 2, 3, 4, 5980, 5981, MAX_NOTIFICATION]) {
    const bytes = Uint8Array.from({ length: size }, (_, i) => i * 7 & 255);
    const payload = codec.encode(bytes);
    assert.ok(payload.length < 8000, `${payload.length}`);
    assert.deepEqual(new Uint8Array(other.decode(payload)), bytes);
    assert.ok(codec.isOwn(payload));
    assert.ok(!other.isOwn(payload));
  }
  assert.ok(codec.encode(new Uint8Array(MAX_NOTIFICATION + 3)).length > 7990, "no room is left");
});

Deno.test("Payloads of the same bytes differ, as PostgreSQL delivers one of several that do not", () => {
  const codec = new NotificationCodec("node");
  const payloads = Array.from({ length: 1000 }, () => codec.encode(new Uint8Array(10)));
  assert.equal(new Set(payloads).size, 1000);
});

Deno.test("The numbers of payloads never make a payload too long", () => {
  const codec = new NotificationCodec("node");
  let longest = 0;
  for (let i = 0; i <= 36 ** 4; i++) {
    longest = Math.max(longest, codec.encode(new Uint8Array()).length);
  }
  assert.equal(longest, 16 + 4 + 1);
});

Deno.test("A text that no node has sent has no bytes, or bytes that are no frame", () => {
  const codec = new NotificationCodec("node");
  for (const text of ["", ".", "AQID", "x".repeat(15) + ".AQID", "x".repeat(7999)]) {
    assert.equal(codec.decode(text).byteLength, 0, text.slice(0, 20));
  }
  assert.doesNotThrow(() => codec.decode("x".repeat(16) + "1.\ud800 '\"\0\n"));
});

Deno.test("The text of the statement is always the same, and its values need no escape", () => {
  const codec = new NotificationCodec("}{,\"' NULL \\");
  const statements = [1, 5].map((count) => {
    return notifyStatement(Array.from({ length: count }, (_, i) => ({
      name: nameOf("p", `${i}`),
      payload: codec.encode(new TextEncoder().encode("NULL, \"{}'")),
    })));
  });
  assert.equal(statements[0]!.text, statements[1]!.text);
  for (const value of statements.flatMap(({ values }) => values!)) {
    assert.match(value, /^\{[A-Za-z0-9+/=._-]{20,}(?:,[A-Za-z0-9+/=._-]{20,})*\}$/);
  }
});

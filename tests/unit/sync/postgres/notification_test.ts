import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import {
  bytesOf,
  MAX_NOTIFICATION,
  nameOf,
  notifyStatement,
  senderOf,
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

Deno.test("A payload with base64 in lines is read", () => {
  for (const size of [0, 1, 56, 57, 58, 5903, MAX_NOTIFICATION]) {
    const bytes = Uint8Array.from({ length: size }, (_, i) => i * 7 & 255);
    const lines = Buffer.from(bytes).toString("base64").replaceAll(/.{76}/g, "$&\n");
    const payload = `${senderOf("node")}999999.${lines}`;
    assert.deepEqual(new Uint8Array(bytesOf(payload)), bytes);
    assert.ok(payload.length < 8000, `${payload.length}`);
  }
  assert.equal(MAX_NOTIFICATION, 5904);
});

Deno.test("A text that no node has sent has no bytes, or bytes that are no frame", () => {
  for (const text of ["", ".", "AQID", "x".repeat(15) + ".AQID", "x".repeat(7999)]) {
    assert.equal(bytesOf(text).byteLength, 0, text.slice(0, 20));
  }
  assert.doesNotThrow(() => bytesOf("x".repeat(16) + "1.\ud800 '\"\0\n"));
});

Deno.test("The text of the statement is always the same, and its arrays need no escape", () => {
  const statements = [0, 1, 5].map((count) => {
    const names = Array.from({ length: count }, (_, i) => nameOf("p", `${i}`));
    const bytes = new TextEncoder().encode("NULL, \"{}'");
    return notifyStatement(senderOf("}{,"), names.map((name) => ({ name, bytes })));
  });
  const [first] = statements;
  for (const { text, name, values } of statements) {
    assert.deepEqual([text, name], [first!.text, first!.name]);
    const [sender, , ...arrays] = values!;
    assert.match(String(sender), /^[\w-]{16}$/);
    for (const array of arrays) assert.match(String(array), /^\{[\w,-]*\}$/);
  }
  assert.deepEqual(statements[2]!.values!.slice(3), ["{1,11,21,31,41}", "{10,10,10,10,10}"]);
});

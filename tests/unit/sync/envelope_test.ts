import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeEnvelope, encodeEnvelope } from "../../../sync/envelope.ts";

Deno.test("decodeEnvelope() returns what encodeEnvelope() has written", () => {
  const text = fc.string({ unit: "binary" });
  const message = fc.record({
    namespace: text,
    topic: text,
    data: fc.oneof(text, fc.uint8Array()),
  }, { noNullPrototype: true });
  fc.assert(fc.property(text, message, (id, msg) => {
    assert.deepEqual(decodeEnvelope(encodeEnvelope(id, msg)), { id, msg });
  }));
});

Deno.test("encodeEnvelope() writes the format of crossws 0.4", () => {
  const message = { namespace: "/", topic: "t", data: Uint8Array.of(1, 250) };
  assert.equal(
    encodeEnvelope("a", message),
    '{"id":"a","msg":{"namespace":"/","topic":"t","binary":true,"data":"Afo="}}',
  );
  assert.equal(
    encodeEnvelope("a", { ...message, data: "é" }),
    '{"id":"a","msg":{"namespace":"/","topic":"t","binary":false,"data":"é"}}',
  );
});

Deno.test("encodeEnvelope() takes a mebibyte of bytes", () => {
  const data = new Uint8Array(1024 * 1024).fill(200);
  const found = decodeEnvelope(encodeEnvelope("a", { namespace: "", topic: "t", data }));
  assert.ok(found?.msg.data instanceof Uint8Array);
  assert.equal(found.msg.data.length, data.length);
});

Deno.test("decodeEnvelope() returns undefined for any other text", () => {
  const table = [
    "",
    "text",
    "null",
    "5",
    "{}",
    '{"id":"a"}',
    '{"id":"a","msg":null}',
    '{"id":5,"msg":{"namespace":"/","topic":"t","data":"x"}}',
    '{"id":"a","msg":{"topic":"t","data":"x"}}',
    '{"id":"a","msg":{"namespace":"/","data":"x"}}',
    '{"id":"a","msg":{"namespace":"/","topic":"t","data":{}}}',
    '{"id":"a","msg":{"namespace":"/","topic":"t","binary":true,"data":"%"}}',
  ];
  for (const text of table) assert.equal(decodeEnvelope(text), undefined, text);
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
    assert.equal(decodeEnvelope(text), undefined);
  }));
});

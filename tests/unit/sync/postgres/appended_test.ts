import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { AppendedJoiner, isAppended, pack } from "../../../../sync/postgres/appended.ts";
import { senderOf } from "../../../../sync/postgres/notification.ts";

const frames = ["", "one", "x".repeat(1000)].map((text) => new TextEncoder().encode(text));
const { packed, starts } = pack(frames);

/** Payloads of an append, in parts of 300 bytes, as the server writes them. */
const payloads = (head = "+7-3") =>
  Array.from({ length: Math.ceil(packed.byteLength / 300) }, (_, i) => {
    const part = packed.subarray(i * 300, (i + 1) * 300).toString("base64");
    return `${head}:${packed.byteLength}:${i * 300}.${part}`;
  });

const joinAll = (joiner: AppendedJoiner, parts: readonly string[], name = "op_a") =>
  parts.map((part) => joiner.join(name, part)).filter((appended) => appended !== undefined);

Deno.test("AppendedJoiner returns the frames and the first position with the last part", () => {
  const joiner = new AppendedJoiner(), all = payloads();
  assert.equal(all.length, 4);
  for (const part of all.slice(0, 3)) assert.equal(joiner.join("op_a", part), undefined);
  const appended = joiner.join("op_a", all[3]!)!;
  assert.deepEqual(appended.first, { epoch: 7, offset: 3 });
  assert.deepEqual(appended.frames.map((frame) => [...frame]), frames.map((frame) => [...frame]));
  assert.deepEqual(starts, [5, 9, 16]);
});

Deno.test("AppendedJoiner drops an append with a part that is missing, doubled or of another", () => {
  const [a, b, c, d] = payloads() as [string, string, string, string];
  const other = payloads("+7-9")[1]!;
  for (const parts of [[b, c, d], [a, c, d], [a, b, b, c, d], [a, b, d], [a, other, b, c, d]]) {
    const joiner = new AppendedJoiner();
    assert.deepEqual(joinAll(joiner, parts), []);
    assert.equal(joinAll(joiner, [a, b, c, d]).length, 1, "the next one is whole again");
  }
  const joiner = new AppendedJoiner();
  joiner.join("op_a", a);
  assert.deepEqual(joinAll(joiner, [b, c, d], "op_b"), [], "parts of another channel");
});

Deno.test("AppendedJoiner returns nothing for malformed payloads", () => {
  const base64 = (bytes: readonly number[]) => Buffer.from(bytes).toString("base64");
  const wrong = [
    "+",
    "+.",
    "+1-1",
    "+1-1:4:0",
    `+1-0:5:0.${base64([0, 0, 0, 1, 65])}`,
    `+-1-1:5:0.${base64([0, 0, 0, 1, 65])}`,
    `+1-1:5:0.${base64([0, 0, 0, 2, 65])}`,
    `+1-1:5:0.${base64([255, 255, 255, 255, 65])}`,
    `+1-1:3:0.${base64([0, 0, 0])}`,
    `+1-1:5:0.${base64([0, 0, 0, 1, 65, 66])}`,
    `+${"9".repeat(20)}-1:5:0.${base64([0, 0, 0, 1, 65])}`,
    `+1-1:9999999:0.${base64([0, 0, 0, 1, 65])}`,
    "+1-1:5:0.",
    "+1-1:5:0.\0\0",
  ];
  for (const payload of wrong) {
    const joiner = new AppendedJoiner();
    assert.equal(joiner.join("op_a", payload), undefined, payload);
    assert.equal(joinAll(joiner, payloads()).length, 1);
  }
});

Deno.test("No payload of a live message looks like an append", () => {
  for (let i = 0; i < 1000; i++) assert.equal(isAppended(senderOf(`${i}`)), false);
  assert.equal(isAppended(payloads()[0]!), true);
});

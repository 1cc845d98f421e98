import assert from "node:assert/strict";
import fc from "fast-check";
import { type ControlMessage, parseControl } from "../../../../pubsub/cluster/control_message.ts";
import { encode } from "../../../../socket/frame.ts";

const name = { namespace: "/", topic: "t \ud800" };
const valid: readonly ControlMessage[] = [
  { type: "beat", peers: 1, losses: 0, hasMembers: false, isNew: true },
  { type: "bye" },
  { type: "members", from: 0, to: 1, set: [{ id: "a", data: { x: 1 } }], gone: ["b"] },
  { type: "ask", id: 1, topics: [name] },
  {
    type: "answer",
    id: 1,
    now: 2,
    topics: [{ ...name, version: 1, members: [{ id: "a" }], total: 1, hasMore: false }],
    empty: [name],
    isLast: true,
  },
  { type: "close", id: 1, code: 1000, reason: "", user: "ada" },
  { type: "close", id: 1, code: 1000, reason: "" },
  { type: "closed", id: 1, closed: 3 },
];

Deno.test("parseControl() returns each message that a node sends", () => {
  for (const message of valid) assert.deepEqual(parseControl(encode(message)), message);
});

Deno.test("parseControl() returns undefined for bytes, for other JSON, and for no JSON", () => {
  const none = [Uint8Array.of(1), "", "{", "null", "7", "[]", '{"type":"toString"}', '{"type":1}'];
  for (const data of none) assert.equal(parseControl(encode(data)), undefined, String(data));
});

Deno.test("parseControl() returns undefined if a field is missing or of another type", () => {
  const other = fc.constantFrom(null, -1, 1.5, "x", [1], [null], {}, [{ id: 1 }], [{ topic: "t" }]);
  for (const message of valid) {
    for (const field of Object.keys(message)) {
      const { [field as "type"]: _, ...rest } = message;
      if (field !== "user") assert.equal(parseControl(encode(rest)), undefined, `no ${field}`);
      fc.assert(fc.property(other, (value) => {
        const isSame = typeof value === typeof message[field as "type"] &&
          !Array.isArray(value) && typeof value === "string";
        if (field !== "type" && !isSame) {
          assert.equal(parseControl(encode({ ...message, [field]: value })), undefined, field);
        }
      }));
    }
  }
});

Deno.test("parseControl() returns undefined for a close that no peer can send, and for data that are nested too deep", () => {
  const close = { type: "close", id: 1, code: 1000, reason: "" };
  const isTaken = (message: object) => parseControl(encode(message)) !== undefined;
  assert.ok(isTaken({ ...close, code: 4999, reason: "x".repeat(123) }));
  for (const code of [0, 999, 1005, 1006, 5000]) assert.ok(!isTaken({ ...close, code }), `${code}`);
  assert.ok(!isTaken({ ...close, reason: "é".repeat(62) }));
  const json = (depth: number) =>
    `{"type":"members","from":0,"to":1,"gone":[],"set":[{"id":"a","data":${"[".repeat(depth)}${
      "]".repeat(depth)
    }}]}`;
  assert.ok(parseControl(encode(json(2048)))); // 4,096 bytes
  for (const depth of [2049, 100_000]) assert.equal(parseControl(encode(json(depth))), undefined);
});

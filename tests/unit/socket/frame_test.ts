import assert from "node:assert/strict";
import fc from "fast-check";
import { Message } from "../../../socket/message.ts";
import { encode, Frame, utf8Length } from "../../../socket/frame.ts";

const utf8 = new TextEncoder();
const source = { id: "p", websocket: { binaryType: "uint8array" } } as const;

Deno.test("encode() returns text for a string and for values that JSON can represent", () => {
  const table: [unknown, string][] = [
    ["", ""],
    ["text", "text"],
    ['"quoted"', '"quoted"'],
    [0, "0"],
    [-0, "0"],
    [NaN, "null"],
    [true, "true"],
    [null, "null"],
    [[], "[]"],
    [[undefined], "[null]"],
    [{ a: 1, b: undefined }, '{"a":1}'],
    [new Date(0), '"1970-01-01T00:00:00.000Z"'],
    [{ toJSON: () => "own" }, '"own"'],
    [new String("boxed"), '"boxed"'],
  ];
  for (const [data, text] of table) assert.equal(encode(data).payload, text, text);
});

Deno.test("encode() returns exactly the bytes of a buffer and of every view as binary", () => {
  const { buffer } = new Uint8Array([0, 1, 2, 3, 4, 5, 6, 7]);
  const table: [string, unknown, number[]][] = [
    ["ArrayBuffer", buffer, [0, 1, 2, 3, 4, 5, 6, 7]],
    ["empty ArrayBuffer", new ArrayBuffer(0), []],
    ["empty view", new Uint8Array(buffer, 3, 0), []],
    ["Uint8Array", new Uint8Array(buffer, 2, 3), [2, 3, 4]],
    ["subarray", new Uint8Array(buffer).subarray(7), [7]],
    ["DataView", new DataView(buffer, 1, 2), [1, 2]],
    ["Uint16Array", new Uint16Array(buffer, 2, 2), [2, 3, 4, 5]],
    ["Float64Array", new Float64Array(buffer), [0, 1, 2, 3, 4, 5, 6, 7]],
    ["BigInt64Array", new BigInt64Array(buffer), [0, 1, 2, 3, 4, 5, 6, 7]],
    ["shared memory", new Uint8Array(new SharedArrayBuffer(2)), [0, 0]],
  ];
  for (const [name, data, bytes] of table) {
    const { payload, byteLength } = encode(data);
    assert.ok(payload instanceof Uint8Array, name);
    assert.deepEqual([...payload], bytes, name);
    assert.equal(byteLength, bytes.length, name);
    assert.ok(payload.buffer instanceof ArrayBuffer, name);
  }
});

Deno.test("encode() copies the bytes at the call", () => {
  const bytes = new Uint8Array([1, 2, 3]);
  const made = [bytes, bytes.buffer, new DataView(bytes.buffer), bytes.subarray(0)].map(encode);
  bytes.fill(9);
  for (const frame of made) assert.deepEqual([...frame.bytes], [1, 2, 3]);
});

Deno.test("encode() copies the bytes of a Message at the call", () => {
  const message = new Message(source, new Uint8Array([1, 2, 3]));
  const frame = encode(message);
  message.uint8Array().fill(9);
  assert.deepEqual([...frame.bytes], [1, 2, 3]);
});

Deno.test("encode() keeps type and content of a Message", () => {
  assert.equal(encode(new Message(source, '{"a":1}')).payload, '{"a":1}');
  const { payload } = encode(new Message(source, new Uint8Array([1])));
  assert.deepEqual([...payload], [1]);
});

Deno.test("encode() of a Message does not change if the message is read later", () => {
  const it = new Message(source, new Uint8Array([1, 2]));
  const { payload } = encode(it);
  (it.rawData as Uint8Array).fill(0);
  assert.deepEqual([...payload as Uint8Array], [1, 2]);
});

Deno.test("encode() copies the bytes of a Message only if a caller may hold them", () => {
  const chunk = new Uint8Array([9, 1, 2, 9]);
  const unseen = new Message(source, chunk.subarray(1, 3));
  assert.equal((encode(unseen).payload as Uint8Array).buffer, chunk.buffer);
  const seen = new Message(source, chunk.subarray(1, 3));
  const bytes = seen.rawData as Uint8Array;
  const { payload } = encode(seen);
  bytes.fill(0);
  assert.deepEqual([...payload], [1, 2]);
});

Deno.test("encode() replaces lone surrogates, and only those", () => {
  const table = [
    ["\ud800", "\ufffd"],
    ["\udc00", "\ufffd"],
    ["a\udc00\ud800b", "a\ufffd\ufffdb"],
    ["😀", "😀"],
    ["\ud83d\ud83d\ude00", "\ufffd😀"],
  ];
  for (const [data, text] of table) assert.equal(encode(data).payload, text);
  assert.equal(JSON.parse(String(encode({ a: "\ud800" }).payload)).a.length, 1);
});

Deno.test("encode() rejects values without JSON text, and names the alternative", () => {
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  const table: [string, unknown, RegExp][] = [
    ["undefined", undefined, /no JSON text \(undefined\): send a string, bytes/],
    ["function", () => {}, /no JSON text \(type Function\): /],
    ["symbol", Symbol("secret"), /no JSON text \(type Symbol\): /],
    ["bigint", 1n, /BigInt.*send a string or bytes/i],
    ["nested bigint", { n: 1n }, /BigInt/i],
    ["circular", circular, /circular.*leave out what JSON cannot hold/i],
    ["Blob", new Blob(["x"]), /Blob.*await blob\.bytes\(\)/],
    ["File", new File(["x"], "x"), /Blob/],
    ["ReadableStream", new ReadableStream(), /stream.*each chunk/],
    ["Promise", Promise.resolve(1), /promise.*`await`/],
    [
      "toJSON without a result",
      { toJSON: () => undefined },
      /no JSON text \(type Object\): /,
    ],
  ];
  for (const [name, data, message] of table) {
    assert.throws(() => encode(data), { name: "TypeError", message }, name);
  }
});

Deno.test("encode() keeps the error of toJSON as the cause", () => {
  const cause = new RangeError("mine\nsecond line");
  const data = {
    toJSON() {
      throw cause;
    },
  };
  assert.throws(() => encode(data), (error: Error) => {
    assert.ok(error instanceof TypeError);
    assert.equal(error.cause, cause);
    assert.match(error.message, /\(mine\)/);
    return true;
  });
});

Deno.test("Frame encodes a text once, and returns binary bytes unchanged", () => {
  const text = new Frame("ü");
  assert.equal(text.byteLength, 2);
  assert.deepEqual([...text.bytes], [0xc3, 0xbc]);
  assert.equal(text.bytes, text.bytes);
  const bytes = new Uint8Array(3);
  const binary = new Frame(bytes);
  assert.equal(binary.bytes, bytes);
  assert.equal(binary.byteLength, 3);
});

Deno.test("utf8Length() is exact at each boundary of UTF-8", () => {
  const table: [string, number][] = [
    ["", 0],
    ["\0", 1],
    ["\x7f", 1],
    ["\x80", 2],
    ["\u07ff", 2],
    ["\u0800", 3],
    ["\ud7ff", 3],
    ["\ue000", 3],
    ["\uffff", 3],
    ["\u{10000}", 4],
    ["\u{10ffff}", 4],
    ["\ud800", 3],
    ["\udfff", 3],
    ["\ud800\ud800", 6],
    ["\udc00\ud800", 6],
    ["\ud800a", 4],
    ["\ud800\ud83d\ude00", 7],
  ];
  for (const [text, length] of table) assert.equal(utf8Length(text), length, JSON.stringify(text));
});

Deno.test("utf8Length() equals TextEncoder for any string, lone surrogates included", () => {
  const unit = fc.oneof(
    fc.integer({ min: 0, max: 0xffff }),
    fc.integer({ min: 0xd7f0, max: 0xe010 }),
    fc.constantFrom(0, 0x7f, 0x80, 0x7ff, 0x800, 0xffff),
  );
  const text = fc.array(unit, { maxLength: 40 }).map((units) => String.fromCharCode(...units));
  fc.assert(
    fc.property(text, (text) => {
      assert.equal(utf8Length(text), utf8.encode(text).byteLength);
      const frame = encode(text);
      assert.equal(frame.byteLength, utf8.encode(text.toWellFormed()).byteLength);
      assert.equal(frame.bytes.byteLength, frame.byteLength);
    }),
    { numRuns: 2000 },
  );
});

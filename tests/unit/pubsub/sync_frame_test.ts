import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodeFrame,
  encodeFrame,
  isOlder,
  nodeBytes,
  type NodeMessage,
  senderOf,
  setEpoch,
} from "../../../pubsub/sync_frame.ts";
import { encode } from "../../../socket/frame.ts";

const HERE = nodeBytes("0123456789abcdef"), THERE = nodeBytes("fedcba9876543210");

const payload = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.uint8Array({ maxLength: 300 }),
  fc.constantFrom("", new Uint8Array(), "\ufeffx", "x".repeat(127), "x".repeat(128)),
);
const message: fc.Arbitrary<NodeMessage> = fc.record({
  topic: fc.option(fc.string({ unit: "binary", maxLength: 20 }), { nil: undefined }),
  frame: payload.map(encode),
  compress: fc.boolean(),
});
const messages = fc.array(message, { minLength: 1, maxLength: 5 });

/** Returns what another node receives of messages. */
function plain(messages: readonly NodeMessage[] | "own" | undefined): unknown {
  assert.ok(Array.isArray(messages));
  return messages.map(({ topic, frame, compress }: NodeMessage) => ({
    topic,
    compress,
    bytes: [...frame.bytes],
    payload: typeof frame.payload === "string" ? frame.payload : [...frame.payload],
    byteLength: frame.byteLength,
  }));
}

/** Returns a frame of another node, written byte by byte. */
function raw(...bytes: number[]): Uint8Array {
  return Uint8Array.of(2, ...THERE, ...bytes);
}

Deno.test("nodeBytes() has the eight bytes of an id, and epoch 0", () => {
  assert.deepEqual([...HERE], [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0, 0, 0, 0]);
});

Deno.test("senderOf() returns the node and the epoch that are written into a frame", () => {
  const node = nodeBytes("fedcba9876543210");
  for (const epoch of [0, 1, 0x01020304, 2 ** 32 - 1]) {
    setEpoch(node, epoch);
    const whole = encodeFrame(node, [{ frame: encode("text"), compress: true }]);
    for (const frame of [whole, encodeFrame(node, [])]) {
      assert.deepEqual(senderOf(frame), { node: 0xfedcba9876543210n, epoch });
      assert.ok(Array.isArray(decodeFrame(frame, HERE)));
    }
  }
  setEpoch(node, 0x01020304);
  assert.deepEqual([...encodeFrame(node, [])], [2, ...THERE.slice(0, 8), 1, 2, 3, 4, 64]);
});

Deno.test("decodeFrame() returns no messages for a frame that only tells the epoch", () => {
  assert.deepEqual(decodeFrame(encodeFrame(THERE, []), HERE), []);
  assert.equal(decodeFrame(raw(64, 64), HERE), undefined);
});

Deno.test("isOlder() orders any two epochs that are less than 2^31 apart", () => {
  const epoch = fc.nat(2 ** 32 - 1), step = fc.integer({ min: 1, max: 2 ** 31 - 1 });
  fc.assert(fc.property(epoch, step, (epoch, step) => {
    const later = (epoch + step) % 2 ** 32;
    assert.deepEqual([isOlder(epoch, later), isOlder(later, epoch)], [true, false]);
    assert.equal(isOlder(epoch, epoch), false);
  }));
});

Deno.test("decodeFrame() returns the messages that encodeFrame() has written", () => {
  fc.assert(fc.property(messages, (messages) => {
    assert.deepEqual(plain(decodeFrame(encodeFrame(THERE, messages), HERE)), plain(messages));
  }));
});

Deno.test("decodeFrame() takes messages at every size of a length", () => {
  for (const length of [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152]) {
    const frame = encode(new Uint8Array(length).fill(7));
    const found = decodeFrame(encodeFrame(THERE, [{ frame, compress: true }]), HERE);
    assert.ok(Array.isArray(found));
    assert.equal(found[0]!.frame.byteLength, length);
    assert.ok(found[0]!.frame.bytes.every((byte: number) => byte === 7));
  }
});

Deno.test("encodeFrame() writes the documented bytes", () => {
  const messages = [
    { frame: encode("hé"), compress: true },
    { topic: "a/b", frame: encode(Uint8Array.of(1, 2)), compress: false },
  ];
  assert.deepEqual(
    [...encodeFrame(THERE, messages)],
    [
      ...[2, ...THERE],
      ...[1, 3, 0x68, 0xc3, 0xa9],
      ...[2 | 16 | 32, 5, ...new TextEncoder().encode("a=2Fb"), 2, 1, 2],
    ],
  );
});

Deno.test('decodeFrame() returns "own" for each frame with the id of this node, whatever follows the id', () => {
  assert.equal(decodeFrame(encodeFrame(HERE, []), HERE), "own");
  assert.equal(decodeFrame(Uint8Array.of(2, ...HERE, 255, 255), HERE), "own");
  const later = nodeBytes("0123456789abcdef");
  setEpoch(later, 7);
  assert.equal(decodeFrame(encodeFrame(later, []), HERE), "own", "of an earlier connection");
  for (let i = 0; i < 8; i++) {
    const near = HERE.slice();
    near[i]! ^= 1;
    const messages = [{ frame: encode("text"), compress: true }];
    assert.equal(decodeFrame(encodeFrame(near, messages), HERE)?.length, 1);
  }
});

Deno.test("decodeFrame() returns undefined for a frame that is cut at any byte, or goes on", () => {
  const whole = encodeFrame(THERE, [
    { frame: encode("x".repeat(200)), compress: true },
    { topic: "news/é", frame: encode(Uint8Array.of(1, 2, 3)), compress: false },
    { frame: encode(""), compress: true },
  ]);
  assert.equal(decodeFrame(whole, HERE)?.length, 3);
  for (let length = 0; length < whole.length; length++) {
    assert.equal(decodeFrame(whole.subarray(0, length), HERE), undefined, `${length} bytes`);
  }
  const more = encodeFrame(THERE, [{ frame: encode("more"), compress: true }]).subarray(13);
  assert.equal(decodeFrame(Uint8Array.of(...whole, ...more), HERE), undefined);
  assert.equal(decodeFrame(Uint8Array.of(...whole, 0), HERE), undefined);
});

Deno.test("decodeFrame() returns undefined for other versions, unknown flags and forged lengths", () => {
  const table: [what: string, frame: Uint8Array][] = [
    ["no byte", new Uint8Array()],
    ["version 0", raw(32, 0).fill(0, 0, 1)],
    ["version 1", raw(32, 0).fill(1, 0, 1)],
    ["version 3", raw(32, 0).fill(3, 0, 1)],
    ["no message", raw()],
    ["flag 4", raw(4 | 32, 0)],
    ["a message for clients, and one from node to node", raw(0, 0, 8 | 32, 0)],
    ["one from node to node, and a message for clients", raw(8, 0, 32, 0)],
    ["flag 64", raw(64 | 32, 0)],
    ["flag 64 before a message", raw(64, 32, 0)],
    ["flag 128", raw(128 | 32, 0)],
    ["no length", raw(32)],
    ["a length without an end", raw(32, 255)],
    ["a length of one byte too much", raw(32, 2, 7)],
    ["a length of 4 GiB", raw(32, 255, 255, 255, 255, 15, 7)],
    ["the largest length", raw(32, 255, 255, 255, 255, 127, 7)],
    ["a length of six bytes", raw(32, 129, 128, 128, 128, 128, 0, 7)],
    ["text that is not UTF-8", raw(1 | 32, 1, 255)],
    ["half a character", raw(1 | 32, 1, 0xc3)],
    ["a surrogate in UTF-8", raw(1 | 32, 3, 0xed, 0xa0, 0x80)],
    ["a topic that is not UTF-8", raw(16 | 32, 1, 255, 0)],
    ["an empty topic", raw(16 | 32, 0, 0)],
    ["a topic that is not escaped", raw(16 | 32, 1, 0x2f, 0)],
    ["a topic with a wrong escape", raw(16 | 32, 3, 0x3d, 0x34, 0x31, 0)],
    ["a topic without a payload", raw(16 | 32, 1, 0x61)],
  ];
  for (const [what, frame] of table) {
    assert.equal(decodeFrame(frame, HERE), undefined, what);
    // The correct message before the wrong one does not count either.
    const behind = Uint8Array.of(...raw(1, 1, 0x61), ...frame.subarray(13));
    if (frame[0] === 2) assert.equal(decodeFrame(behind, HERE), undefined, what);
  }
});

Deno.test("decodeFrame() never throws, whatever the bytes are", () => {
  const bytes = fc.oneof(
    fc.uint8Array(),
    fc.array(fc.nat(255), { maxLength: 40 }).map((bytes) => raw(...bytes)),
    fc.tuple(messages, fc.nat(), fc.nat(255)).map(([messages, at, byte]) => {
      const frame = encodeFrame(THERE, messages);
      frame[13 + at % Math.max(1, frame.length - 13)] = byte;
      return frame;
    }),
  );
  fc.assert(
    fc.property(bytes, (bytes) => {
      const found = decodeFrame(bytes, HERE);
      if (Array.isArray(found)) {
        assert.deepEqual(plain(decodeFrame(encodeFrame(THERE, found), HERE)), plain(found));
      }
    }),
    { numRuns: 1000 },
  );
});

Deno.test("decodeFrame() copies payloads: a broker may use the memory of a frame again", () => {
  const bytes = encodeFrame(THERE, [{ frame: encode(Uint8Array.of(1, 2)), compress: true }]);
  const found = decodeFrame(bytes, HERE);
  bytes.fill(0);
  assert.ok(Array.isArray(found));
  assert.deepEqual([...found[0]!.frame.bytes], [1, 2]);
});

Deno.test("decodeFrame() reads a frame that is part of a larger buffer", () => {
  const frame = encodeFrame(THERE, [{ frame: encode("text"), compress: true }]);
  const pool = new Uint8Array(100);
  pool.set(frame, 13);
  const found = decodeFrame(pool.subarray(13, 13 + frame.length), HERE);
  assert.ok(Array.isArray(found));
  assert.equal(found[0]!.frame.payload, "text");
});

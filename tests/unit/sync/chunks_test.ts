import assert from "node:assert/strict";
import fc from "fast-check";
import { ChunkJoiner, splitFrame } from "../../../sync/chunks.ts";

const HEADER_BYTES = 25;

/** Returns bytes that differ at each place and for each seed. */
function frameOf(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8) + seed * 31) & 127);
}

/** Joins chunks of one channel. Returns the frames that came out. */
function join(chunks: readonly Uint8Array[], joiner: ChunkJoiner = new ChunkJoiner()) {
  return chunks.map((chunk) => joiner.join("a", chunk)).filter((frame) => frame !== undefined);
}

Deno.test("splitFrame() returns a frame that fits as it is, and cuts one that does not", () => {
  for (const [length, count] of [[0, 1], [1, 1], [99, 1], [100, 1], [101, 2], [150, 2], [151, 3]]) {
    const frame = frameOf(length!), chunks = splitFrame(frame, 100);
    assert.equal(chunks.length, count, `${length} bytes`);
    if (count === 1) assert.equal(chunks[0], frame);
    assert.ok(chunks.every(({ byteLength }) => byteLength <= 100));
    assert.deepEqual(join(chunks), [frame]);
  }
});

Deno.test("splitFrame() makes a chunk of a frame that begins like a chunk", () => {
  const [chunk] = splitFrame(frameOf(100), 60);
  for (const frame of [new Uint8Array([255]), new Uint8Array(60).fill(255), chunk!]) {
    const chunks = splitFrame(frame, 100);
    assert.equal(chunks.length, 1);
    assert.deepEqual(join(chunks), [frame]);
  }
});

Deno.test("splitFrame() throws a RangeError without room for a part, and over 20 MiB", () => {
  for (const maxBytes of [0, HEADER_BYTES, NaN]) {
    assert.throws(() => splitFrame(frameOf(100), maxBytes), RangeError);
  }
  assert.deepEqual(join(splitFrame(frameOf(100), HEADER_BYTES + 1)), [frameOf(100)]);
  const large = new Uint8Array(20 * 1024 * 1024 + 1);
  assert.throws(() => splitFrame(large, 1024), RangeError);
  assert.equal(join(splitFrame(large.subarray(1), 1024 * 1024))[0]?.byteLength, 20 * 1024 * 1024);
});

Deno.test("ChunkJoiner keeps unfinished frames while forged chunks announce large ones", () => {
  const joiner = new ChunkJoiner(), frame = frameOf(10_000), chunks = splitFrame(frame, 1000);
  for (const chunk of chunks.slice(0, -1)) assert.equal(joiner.join("a", chunk), undefined);
  for (const total of [16 * 1024 * 1024, 20 * 1024 * 1024 + 1, 64 * 1024 * 1024]) {
    for (let i = 0; i < 200; i++) {
      const forged = new Uint8Array(HEADER_BYTES + 1).fill(i, 1, 17);
      forged[0] = 255;
      new DataView(forged.buffer).setUint32(17, total);
      const isPossible = total <= 20 * 1024 * 1024;
      assert.equal(joiner.join("a", forged), isPossible ? undefined : forged);
    }
  }
  assert.ok(joiner.byteLength <= 200 * 4096 + 20_000, `${joiner.byteLength} bytes`);
  assert.deepEqual(joiner.join("a", chunks.at(-1)!), frame);
});

Deno.test("ChunkJoiner returns bytes that are no chunk as they are", () => {
  const chunk = splitFrame(frameOf(100), 80)[0]!, overlong = chunk.slice();
  new DataView(overlong.buffer).setUint32(17, 1); // the length of the frame
  const joiner = new ChunkJoiner();
  for (const bytes of [new Uint8Array(), new Uint8Array([1]), chunk.subarray(0, 25), overlong]) {
    assert.equal(joiner.join("a", bytes), bytes);
  }
  assert.equal(joiner.byteLength, 0);
});

Deno.test("ChunkJoiner drops a frame whose chunk is missing, doubled, in another order or forged", () => {
  const chunks = splitFrame(frameOf(100), 50), [a, b, c, d] = chunks;
  assert.equal(chunks.length, 4);
  const overlong = new Uint8Array(25 + 200); // fits a longer frame of the same hash
  overlong.set(b!);
  new DataView(overlong.buffer).setUint32(17, 1000);
  /** Chunks, and the one that the node counts as invalid. */
  const table: readonly (readonly [chunks: readonly Uint8Array[], invalid?: Uint8Array])[] = [
    [[b!, c!, d!]], // as if this node had just subscribed
    [[a!, c!, d!], c!],
    [[a!, b!, d!], d!],
    [[a!, b!, b!, c!, d!], b!],
    [[a!, c!, b!, d!], c!],
    [[a!, b!, a!, c!, d!], c!],
    [[a!, b!, splitFrame(frameOf(100, 2), 50)[2]!, d!], d!],
    [[a!, overlong, c!, d!], overlong],
  ];
  for (const [i, [chunks, invalid]] of table.entries()) {
    const joiner = new ChunkJoiner();
    assert.deepEqual(join(chunks, joiner), invalid ? [invalid] : [], `row ${i}`);
    // The sender's next frame is not affected.
    assert.deepEqual(join([a!, b!, c!, d!], joiner), [frameOf(100)], `row ${i}`);
  }
});

Deno.test("ChunkJoiner returns the last chunk, not a frame, if the hash of the frame is wrong", () => {
  const joiner = new ChunkJoiner(), chunks = splitFrame(frameOf(60), 50);
  const forged = chunks[0]!.slice();
  forged[30]! ^= 1; // contents
  assert.deepEqual(join([forged, chunks[1]!, chunks[2]!], joiner), [chunks[2]]);
  const short = chunks[0]!.slice();
  new DataView(short.buffer).setUint32(17, 25); // as if the first part were the whole frame
  assert.deepEqual(join([short], joiner), [short]);
  assert.equal(joiner.byteLength, 0);
});

Deno.test("ChunkJoiner keeps the frames of other senders and channels apart", () => {
  const joiner = new ChunkJoiner();
  const first = splitFrame(frameOf(60, 1), 50), second = splitFrame(frameOf(60, 2), 50);
  assert.equal(joiner.join("a", first[0]!), undefined);
  assert.equal(joiner.join("a", second[0]!), undefined);
  assert.equal(joiner.join("b", first[0]!), undefined);
  assert.equal(joiner.join("a", first[1]!), undefined);
  assert.equal(joiner.join("b", second[1]!), undefined, "began on another channel");
  assert.deepEqual(joiner.join("a", first[2]!), frameOf(60, 1));
  assert.equal(joiner.join("a", second[1]!), undefined);
  assert.deepEqual(joiner.join("a", second[2]!), frameOf(60, 2));
  assert.equal(joiner.byteLength, 60);
});

Deno.test("ChunkJoiner drops the oldest unfinished frame beyond its limit", () => {
  const joiner = new ChunkJoiner(250);
  const frames = [1, 2, 3].map((seed) => splitFrame(frameOf(100, seed), 80));
  for (const chunks of frames) {
    assert.equal(joiner.join("a", chunks[0]!), undefined);
    assert.ok(joiner.byteLength <= 250);
  }
  assert.deepEqual(join(frames[0]!.slice(1), joiner), []);
  assert.deepEqual(join(frames[1]!.slice(1), joiner), [frameOf(100, 2)]);
  assert.deepEqual(join(frames[2]!.slice(1), joiner), [frameOf(100, 3)]);
  const tooLarge = splitFrame(frameOf(251), 80)[0]!;
  assert.equal(joiner.join("a", tooLarge), tooLarge);
  assert.equal(joiner.byteLength, 0);
});

/** A frame of a sender on a channel. */
const anyFrame = fc.record({
  channel: fc.constantFrom("a", "b"),
  bytes: fc.uint8Array({ maxLength: 400, size: "max" }),
});

Deno.test("Fuzz: frames of many senders that interleave come out whole, in the order of each sender", () => {
  const run = fc.property(
    fc.array(fc.array(anyFrame, { maxLength: 5 }), { minLength: 1, maxLength: 4 }),
    fc.integer({ min: HEADER_BYTES + 1, max: 120 }),
    fc.infiniteStream(fc.nat()),
    (senders, maxBytes, random) => {
      // The sender's number in front keeps the frames of two senders different.
      const queues = senders.map((frames, sender) =>
        frames.flatMap(({ channel, bytes }) =>
          splitFrame(Uint8Array.of(sender, ...bytes), maxBytes).map((chunk) => ({ channel, chunk }))
        )
      );
      const joiner = new ChunkJoiner(), joined: { channel: string; bytes: Uint8Array }[] = [];
      for (let left; (left = queues.filter(({ length }) => length > 0)).length > 0;) {
        const { channel, chunk } = left[random.next().value % left.length]!.shift()!;
        // A client may hand out a view of a larger buffer.
        const bytes = joiner.join(channel, Uint8Array.of(9, 9, 9, ...chunk).subarray(3));
        if (bytes) joined.push({ channel, bytes });
      }
      for (const [sender, frames] of senders.entries()) {
        assert.deepEqual(
          joined.filter(({ bytes }) => bytes[0] === sender),
          frames.map(({ channel, bytes }) => ({ channel, bytes: Uint8Array.of(sender, ...bytes) })),
        );
      }
      assert.equal(joiner.byteLength, 0);
    },
  );
  fc.assert(run, { numRuns: 300 });
});

/** What a broken network or a forger does to one chunk. */
const anyFault = fc.oneof(
  fc.constant({ kind: "keep" as const }),
  fc.constant({ kind: "lose" as const }),
  fc.constant({ kind: "double" as const }),
  fc.constant({ kind: "swap" as const }),
  fc.record({ kind: fc.constant("flip" as const), at: fc.nat(), bit: fc.nat({ max: 7 }) }),
  fc.record({ kind: fc.constant("cut" as const), at: fc.nat() }),
);

Deno.test("Fuzz: whatever happens to the chunks, only whole frames and invalid bytes come out", () => {
  const run = fc.property(
    fc.array(fc.uint8Array({ minLength: 1, maxLength: 300, size: "max" }), {
      minLength: 1,
      maxLength: 4,
    }),
    fc.integer({ min: HEADER_BYTES + 1, max: 120 }),
    fc.array(anyFault, { minLength: 5, maxLength: 40 }),
    fc.integer({ min: 100, max: 2000 }),
    (frames, maxBytes, faults, maxUnfinished) => {
      const sent = frames.map((bytes) => Uint8Array.of(1, ...bytes));
      const arrived: Uint8Array[] = [];
      for (
        const [i, chunk] of sent.flatMap((frame) => [...splitFrame(frame, maxBytes)]).entries()
      ) {
        const fault = faults[i % faults.length]!;
        if (fault.kind === "lose") continue;
        if (fault.kind === "flip" && chunk[0] === 255) {
          const forged = chunk.slice();
          forged[1 + fault.at % (chunk.length - 1)]! ^= 1 << fault.bit;
          arrived.push(forged);
        } else if (fault.kind === "cut" && chunk[0] === 255) {
          arrived.push(chunk.subarray(0, 1 + fault.at % (chunk.length - 1)));
        } else arrived.push(chunk);
        if (fault.kind === "double") arrived.push(chunk);
        if (fault.kind === "swap") arrived.splice(-2, 2, ...arrived.slice(-2).reverse());
      }
      const joiner = new ChunkJoiner(maxUnfinished);
      for (const bytes of arrived) {
        const frame = joiner.join("a", bytes);
        assert.ok(joiner.byteLength <= maxUnfinished);
        if (frame === undefined || frame[0] === 255) continue; // nothing, or invalid for a node
        assert.ok(sent.some((whole) => isSame(whole, frame)), "a frame that nobody has sent");
      }
    },
  );
  fc.assert(run, { numRuns: 1000 });
});

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && a.every((byte, i) => byte === b[i]);
}

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";
import fc from "fast-check";
import { encode, type Frame } from "../../../../socket/frame.ts";
import { FrameBatch } from "../../../../shims/node/frame_batch.ts";
import { BatchedWriter } from "../../../../shims/node/batched_writer.ts";
import { BINARY, parseFrame, type RawFrame, TEXT } from "../../../harness/clients/raw_client.ts";

/** A stream that records the bytes of each write. */
class Recorder extends Duplex {
  readonly writes: Uint8Array[] = [];
  /** Set to stop accepting bytes, like a client that does not read. */
  isStuck = false;
  override _read(): void {}
  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    this.writes.push(chunk);
    if (!this.isStuck) done();
  }
}

interface Rig {
  readonly stream: Recorder;
  readonly line: BatchedWriter<{ drained(): void }>;
  readonly drains: { count: number };
}

function rig(): Rig {
  const stream = new Recorder();
  const drains = { count: 0 };
  return { stream, drains, line: new BatchedWriter(stream, { drained: () => drains.count++ }) };
}

function endOfTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function framesIn(bytes: Uint8Array): RawFrame[] {
  const frames: RawFrame[] = [];
  let rest = Buffer.from(bytes);
  while (rest.length > 0) {
    const { frame, length } = parseFrame(rest)!;
    frames.push(frame);
    rest = rest.subarray(length);
  }
  return frames;
}

Deno.test("FrameBatch concatenates its frames, at each boundary of their length", () => {
  const lengths = [0, 1, 125, 126, 127, 128, 65_535, 65_536, 70_000];
  const sent: Frame[] = [];
  let run = new FrameBatch();
  for (const length of lengths) {
    for (const data of ["x".repeat(length), new Uint8Array(length).fill(length)]) {
      sent.push(encode(data));
      run = run.with(sent.at(-1)!, undefined);
    }
  }
  assert.equal(run.bytes.byteLength, run.byteLength);
  const found = framesIn(run.bytes);
  assert.equal(found.length, sent.length);
  for (const [i, { fin, rsv1, opcode, payload }] of found.entries()) {
    const isText = typeof sent[i]!.payload === "string";
    assert.deepEqual([fin, rsv1, opcode], [true, false, isText ? TEXT : BINARY]);
    assert.deepEqual(payload, Buffer.from(sent[i]!.bytes));
  }
});

Deno.test("FrameBatch writes a deflated frame with RSV1 and its deflated length", () => {
  const deflated = new Uint8Array([1, 2, 3]);
  const run = new FrameBatch().with(encode("a long text"), deflated);
  const [found] = framesIn(run.bytes);
  assert.deepEqual([found!.rsv1, found!.opcode, [...found!.payload]], [true, TEXT, [1, 2, 3]]);
});

Deno.test("BatchedWriter shares the bytes among connections with equal frames only", async () => {
  const [one, two, three] = [rig(), rig(), rig()];
  const [hello, aside, all] = [encode("hello"), encode("aside"), encode("all")];
  for (const { line } of [one, two, three]) line.write(hello);
  three.line.write(aside);
  for (const { line } of [one, two, three]) line.write(all);
  await endOfTurn();
  assert.equal(one.stream.writes[0], two.stream.writes[0]);
  const texts = (it: Rig) => framesIn(it.stream.writes[0]!).map(({ payload }) => `${payload}`);
  assert.deepEqual(texts(one), ["hello", "all"]);
  assert.deepEqual(texts(three), ["hello", "aside", "all"]);
  await endOfTurn();
  assert.deepEqual([one, two, three].map((it) => it.stream.writes.length), [1, 1, 1]);
});

Deno.test("BatchedWriter writes all frames of a turn in one write, at the end of the turn", async () => {
  const { line, stream, drains } = rig();
  for (let i = 0; i < 100; i++) line.write(encode(`${i}`));
  assert.equal(stream.writes.length, 0);
  assert.equal(line.gathered, 100 * 2 + 10 + 90 * 2);
  await endOfTurn();
  assert.equal(stream.writes.length, 1);
  assert.equal(line.gathered, 0);
  assert.equal(drains.count, 1);
});

Deno.test("BatchedWriter writes frames sent during a read chunk at the end of the chunk", () => {
  const { line, stream } = rig();
  line.startReading();
  line.write(encode("one"));
  line.write(encode("two"));
  assert.equal(stream.writes.length, 0);
  line.endReading();
  assert.equal(stream.writes.length, 1);
  assert.equal(framesIn(stream.writes[0]!).length, 2);
});

Deno.test("BatchedWriter writes a large frame at once, alone, after the gathered frames", async () => {
  const { line, stream } = rig();
  line.write(encode("before"));
  line.write(encode(new Uint8Array(100_000)));
  line.write(encode("after"));
  assert.equal(stream.writes.length, 2);
  await endOfTurn();
  assert.deepEqual(stream.writes.map((it) => framesIn(it).length), [1, 1, 1]);
  assert.deepEqual(stream.writes.map((it) => it.byteLength), [8, 100_010, 7]);
});

Deno.test("BatchedWriter gathers at most its bound in one turn", () => {
  const { line, stream } = rig();
  let most = 0;
  for (let i = 0; i < 5_000; i++) {
    line.write(encode("x".repeat(90)));
    most = Math.max(most, line.gathered);
  }
  assert.ok(most <= 32 * 1024, `${most} bytes gathered`);
  assert.ok(stream.writes.length < 20, `${stream.writes.length} writes`);
});

Deno.test("BatchedWriter reports no drain while the client does not read", async () => {
  const { line, stream, drains } = rig();
  stream.isStuck = true;
  line.write(encode("x"));
  await endOfTurn();
  assert.equal(stream.writableLength, 3);
  assert.equal(drains.count, 0);
});

Deno.test("BatchedWriter drops frames after the end of the connection, without an error", async () => {
  const { line, stream } = rig();
  const errors: Error[] = [];
  stream.on("error", (error) => errors.push(error));
  line.write(encode("too late"));
  stream.destroy();
  await endOfTurn();
  line.write(encode("later still"));
  line.flush();
  await endOfTurn();
  assert.deepEqual([stream.writes.length, errors.length, line.gathered], [0, 0, 0]);
});

Deno.test("BatchedWriter keeps the order of the calls for each connection under random interleavings", async () => {
  const step = fc.record({
    to: fc.uniqueArray(fc.integer({ min: 0, max: 4 }), { minLength: 1 }),
    size: fc.oneof(fc.integer({ min: 0, max: 130 }), fc.constantFrom(20_000, 33_000)),
    endsTurn: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const rigs = Array.from({ length: 5 }, rig);
      const wanted: string[][] = rigs.map(() => []);
      for (const [i, { to, size, endsTurn }] of steps.entries()) {
        const frame = encode(`${i}`.padEnd(size, "."));
        for (const at of to) {
          rigs[at]!.line.write(frame);
          wanted[at]!.push(frame.payload as string);
        }
        if (endsTurn) await endOfTurn();
      }
      await endOfTurn();
      for (const [at, { stream }] of rigs.entries()) {
        const found = stream.writes.flatMap(framesIn).map(({ payload }) => payload.toString());
        assert.deepEqual(found, wanted[at]);
      }
    }),
    { numRuns: 60 },
  );
});

import assert from "node:assert/strict";
import type { Publication } from "../../../pubsub/broker.ts";
import { Outbox } from "../../../pubsub/outbox.ts";
import { decodeFrame, nodeBytes } from "../../../pubsub/sync_frame.ts";
import { encode } from "../../../socket/frame.ts";

const NODE = nodeBytes("0123456789abcdef"), OTHER = nodeBytes("fedcba9876543210");
const KIB = 1024, MIB = KIB * KIB;

/** A broker that a test lets confirm or reject. */
class FakeBroker {
  /** Batches, with the texts or lengths of all messages: `a: x y`. */
  readonly batches: string[][] = [];
  readonly pending: { confirm(): void; reject(error: Error): void }[] = [];
  readonly turns: (() => void)[] = [];
  readonly sent: [frames: number, bytes: number][] = [];
  readonly dropped: [messages: number, error: unknown][] = [];
  /** Bytes of all frames. */
  bytes = 0;
  readonly outbox: Outbox = new Outbox({
    node: NODE,
    publish: (batch) => this.publish(batch),
    defer: (flush) => void this.turns.push(flush),
    sent: (frames, bytes) => void this.sent.push([frames, bytes]),
    dropped: (messages, error) => void this.dropped.push([messages, error]),
  });

  publish(batch: readonly Publication[]): Promise<void> {
    this.batches.push(batch.map(({ channel, frame }) => {
      this.bytes += frame.byteLength;
      const messages = decodeFrame(frame, OTHER);
      assert.ok(Array.isArray(messages));
      return `${channel}: ${
        messages.map(({ topic = "", frame: { payload, byteLength } }) => {
          return topic + (typeof payload === "string" ? payload : byteLength);
        }).join(" ")
      }`;
    }));
    return new Promise((confirm, reject) => this.pending.push({ confirm, reject }));
  }

  add(channel: string, data: unknown): void {
    this.outbox.add(channel, { frame: encode(data), compress: true });
  }

  /** Adds a message to all namespaces. */
  addToAll(topic: string, data: string): void {
    this.outbox.add("all", { topic, frame: encode(data), compress: true }, true);
  }

  /** Ends the turn. */
  endTurn(): void {
    for (const flush of this.turns.splice(0)) flush();
  }
}

const settled = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("Outbox sends one frame for each channel at the end of the turn, in order", () => {
  const broker = new FakeBroker();
  for (const text of ["1", "2", "3"]) {
    broker.add("a", text);
    broker.add("b", text);
  }
  assert.deepEqual([broker.batches, broker.turns.length], [[], 1]);
  broker.endTurn();
  assert.deepEqual(broker.batches, [["a: 1 2 3", "b: 1 2 3"]]);
  broker.add("a", "4");
  broker.endTurn();
  assert.deepEqual(broker.batches.slice(1), [["a: 4"]]);
});

Deno.test("Outbox keeps the order of messages before and after a message to all namespaces", () => {
  const broker = new FakeBroker();
  broker.add("a", "1");
  broker.add("b", "2");
  broker.addToAll("t", "3");
  broker.add("a", "4");
  broker.add("a", "5");
  broker.addToAll("t", "6");
  broker.add("b", "7");
  broker.endTurn();
  assert.deepEqual(broker.batches, [["a: 1", "b: 2", "all: t3", "a: 4 5", "all: t6", "b: 7"]]);
});

Deno.test("Outbox sends consecutive messages to all namespaces in one frame", () => {
  const broker = new FakeBroker();
  broker.addToAll("t", "1");
  broker.addToAll("u", "2");
  broker.addToAll("t", "3");
  broker.add("a", "4");
  broker.addToAll("t", "5");
  broker.addToAll("t", "6");
  broker.endTurn();
  assert.deepEqual(broker.batches, [["all: t1 u2 t3", "a: 4", "all: t5 t6"]]);
});

Deno.test("Outbox sends before the end of the turn at 256 messages, and at 64 KiB", () => {
  const broker = new FakeBroker();
  for (let i = 0; i < 255; i++) broker.add("a", "");
  assert.equal(broker.batches.length, 0);
  broker.add("b", "x");
  assert.equal(broker.batches.length, 1);
  broker.add("a", new Uint8Array(64 * KIB - 2)); // the channel is one byte
  assert.equal(broker.batches.length, 1);
  broker.add("a", "x");
  assert.deepEqual(broker.batches.slice(1), [["a: 65534 x"]]);
  broker.endTurn();
  broker.endTurn();
  assert.equal(broker.batches.length, 2);
});

Deno.test("Outbox counts frames and bytes when the broker has confirmed them", async () => {
  const broker = new FakeBroker();
  broker.add("a", "1");
  broker.add("b", "2");
  broker.endTurn();
  await settled();
  assert.deepEqual(broker.sent, []);
  broker.pending[0]!.confirm();
  await settled();
  assert.deepEqual([broker.sent, broker.dropped], [[[2, broker.bytes]], []]);
});

Deno.test("Outbox counts every message of a rejected batch as dropped, also if the broker throws", async () => {
  const broker = new FakeBroker(), error = new Error("planned");
  for (const channel of ["a", "a", "b"]) broker.add(channel, "x");
  broker.endTurn();
  broker.pending[0]!.reject(error);
  await settled();
  assert.deepEqual(broker.dropped, [[3, error]]);
  broker.publish = () => {
    throw error;
  };
  broker.add("a", "x");
  broker.endTurn();
  await settled();
  assert.deepEqual([broker.dropped[1], broker.sent], [[1, error], []]);
});

Deno.test("Outbox drops the newest messages while 10,000 are not confirmed", async () => {
  const broker = new FakeBroker();
  for (let i = 0; i < 10_002; i++) broker.add("a", "x");
  assert.equal(broker.dropped.length, 2);
  assert.match(String(broker.dropped[0]), /^1,Error: the broker is too slow$/);
  broker.endTurn();
  broker.add("a", "x");
  assert.equal(broker.dropped.length, 3);
  broker.pending[0]!.confirm();
  await settled();
  for (let i = 0; i < 257; i++) broker.add("a", "x");
  assert.equal(broker.dropped.length, 4); // the first batch had 256 messages
  for (const { reject } of broker.pending.splice(1)) reject(new Error("planned"));
  await settled();
  broker.dropped.length = 0;
  broker.add("a", "x");
  assert.deepEqual(broker.dropped, []);
});

Deno.test("Outbox drops the newest messages while 16 MiB are not confirmed", async () => {
  const broker = new FakeBroker();
  broker.add("a", new Uint8Array(16 * MIB - 2));
  assert.equal(broker.batches.length, 1);
  broker.add("b", new Uint8Array(15 * MIB)); // one byte was left
  assert.deepEqual([broker.batches.length, broker.dropped.length], [2, 0]);
  broker.add("a", "");
  assert.equal(broker.dropped.length, 1);
  broker.pending[1]!.confirm();
  await settled();
  broker.add("a", "");
  broker.add("a", "");
  assert.equal(broker.dropped.length, 2, "the channel's name has filled the last byte");
  broker.endTurn();
  for (const { confirm } of broker.pending) confirm();
  await settled();
  broker.add("a", new Uint8Array(16 * MIB));
  assert.equal(broker.dropped.length, 2);
});

Deno.test("Outbox takes a message of 16 MiB after a small one of the same turn", () => {
  const broker = new FakeBroker();
  broker.add("a", "small");
  broker.add("a", new Uint8Array(16 * MIB));
  assert.deepEqual([broker.batches, broker.dropped], [[["a: small 16777216"]], []]);
});

Deno.test("Outbox counts the names of channels and topics: messages without data are bounded too", () => {
  const channels = new FakeBroker(), topics = new FakeBroker(), escaped = new FakeBroker();
  const name = "x".repeat(100 * KIB);
  for (let i = 0; i < 200; i++) {
    channels.add(`${name}${i}`, "");
    topics.addToAll(name, "");
    escaped.addToAll("/".repeat(100 * KIB / 3), "");
  }
  const most = Math.ceil(16 * MIB / (100 * KIB));
  for (const broker of [channels, topics, escaped]) {
    assert.equal(broker.dropped.length, 200 - most);
    for (const [batch] of broker.batches) assert.ok(batch!.length > 33 * KIB);
    assert.equal(broker.batches.length, most, "each name fills a turn");
  }
});

Deno.test("Outbox counts a message that cannot be encoded as dropped, and goes on", async () => {
  const broker = new FakeBroker(), error = new Error("planned");
  for (let i = 0; i < 20; i++) {
    broker.outbox.add("a", {
      frame: {
        get payload(): string {
          throw error;
        },
        byteLength: MIB,
        bytes: new Uint8Array(),
      },
      compress: true,
    });
    broker.endTurn();
    await settled();
  }
  assert.deepEqual(broker.dropped, Array(20).fill([1, error]));
  broker.add("a", "x");
  broker.endTurn();
  assert.deepEqual(broker.batches, [["a: x"]]);
});

Deno.test("Outbox.settle() sends what waits, and resolves when all is confirmed or rejected", async () => {
  const broker = new FakeBroker();
  broker.add("a", "1");
  broker.endTurn();
  broker.add("b", "2");
  let isSettled = false;
  const done = broker.outbox.settle().then(() => isSettled = true);
  assert.deepEqual(broker.batches, [["a: 1"], ["b: 2"]]);
  broker.pending[0]!.reject(new Error("planned"));
  await settled();
  assert.equal(isSettled, false);
  broker.pending[1]!.confirm();
  await done;
  await broker.outbox.settle();
  assert.deepEqual([broker.sent.length, broker.dropped.length], [1, 1]);
});

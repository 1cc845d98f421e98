import assert from "node:assert/strict";
import { AppendQueue } from "../../../pubsub/history/append_queue.ts";

const KEEP = { size: 10, ttl: 1000 }, KIB = 1024;

/** A history that a test lets confirm or reject. */
class FakeStore {
  /** Commands: the channel, and the number of its messages. */
  readonly commands: [channel: string, messages: number][] = [];
  readonly pending: { confirm(): void; reject(error: Error): void }[] = [];
  readonly turns: (() => void)[] = [];
  readonly added: number[] = [];
  readonly dropped: [messages: number, error: string][] = [];
  readonly queue: AppendQueue = new AppendQueue({
    store: {
      append: (channel, frames) => {
        this.commands.push([channel, frames.length]);
        return new Promise((resolve, reject) => {
          this.pending.push({ confirm: () => resolve({ epoch: 1, offset: 1 }), reject });
        });
      },
      read: () => Promise.reject(new Error("not used")),
    },
    defer: (flush) => void this.turns.push(flush),
    added: (messages) => void this.added.push(messages),
    dropped: (messages, error) => void this.dropped.push([messages, (error as Error).message]),
  });

  add(channel: string, messages = 1, bytes = 1): void {
    for (let i = 0; i < messages; i++) this.queue.add(channel, new Uint8Array(bytes), KEEP);
  }

  /** Ends the turn. */
  turn(): void {
    for (const flush of this.turns.splice(0)) flush();
  }
}

async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await undefined;
}

Deno.test("AppendQueue sends the messages of a turn as one command for each channel", async () => {
  const it = new FakeStore();
  it.add("a", 2);
  it.add("b");
  it.add("a");
  assert.deepEqual([it.commands, it.turns.length], [[], 1]);
  it.turn();
  assert.deepEqual(it.commands, [["a", 3], ["b", 1]]);
  it.pending[0]!.confirm();
  it.pending[1]!.reject(new Error("lost"));
  await settled();
  assert.deepEqual([it.added, it.dropped], [[3], [[1, "lost"]]]);
});

Deno.test("AppendQueue sends a channel at once over 256 messages or 64 KiB, and the others later", () => {
  const it = new FakeStore();
  it.add("other");
  it.add("a", 256);
  it.add("large", 1, 64 * KIB);
  assert.deepEqual(it.commands, [["a", 256], ["large", 1]]);
  it.turn();
  assert.deepEqual(it.commands.slice(2), [["other", 1]]);
});

Deno.test("AppendQueue drops messages while 10,000 or 16 MiB are not confirmed", async () => {
  for (const [messages, bytes] of [[10_000, 1], [16, 1024 * KIB]] as const) {
    const it = new FakeStore();
    it.add("a", messages, bytes);
    it.add("a");
    assert.deepEqual(it.dropped, [[1, "the broker is too slow"]]);
    it.turn();
    for (const { confirm } of it.pending) confirm();
    await settled();
    it.add("a");
    assert.equal(it.dropped.length, 1, "there is room again");
  }
});

Deno.test("AppendQueue.settle() sends what waits, and resolves after the last answer", async () => {
  const it = new FakeStore();
  it.add("a");
  it.add("b");
  let isOver = false;
  const settling = it.queue.settle().then(() => isOver = true);
  assert.deepEqual(it.commands, [["a", 1], ["b", 1]]);
  it.pending[0]!.confirm();
  await settled();
  assert.equal(isOver, false);
  it.pending[1]!.reject(new Error("lost"));
  await settling;
});

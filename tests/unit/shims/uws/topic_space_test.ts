import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { Subscriber, type TopicSocket, TopicSpace } from "../../../../shims/uws/topic_space.ts";

class FakeNative implements TopicSocket {
  readonly topics = new Set<string>();

  subscribe(topic: string): void {
    this.topics.add(topic);
  }

  unsubscribe(topic: string): void {
    this.topics.delete(topic);
  }

  isSubscribed(topic: string): boolean {
    return this.topics.has(topic);
  }
}

function rig(...names: string[]) {
  const space = new TopicSpace(undefined);
  const sentOut: string[] = [];
  const subscribers = names.map((name) => {
    const subscriber = new Subscriber(new FakeNative(), space, () => void sentOut.push(name));
    subscriber.subscribe("t");
    return subscriber;
  });
  const [a] = subscribers;
  /** Broadcasts from the first subscriber. */
  const speak = (count: number, byteLength: number, name = "t") => {
    for (let i = 0; i < count; i++) a!.sent(a!.topic(name), byteLength);
  };
  return { space, subscribers, sentOut, speak };
}

Deno.test("Subscriber.unflushed counts broadcasts of others in this turn, headers included", async () => {
  const { subscribers: [a, b], speak } = rig("a", "b");
  speak(3, 125);
  speak(1, 126);
  speak(1, 1000, "other");
  assert.deepEqual([a!.unflushed, b!.unflushed, b!.unflushed], [0, 3 * 127 + 130, 3 * 127 + 130]);
  speak(1, 10);
  assert.equal(b!.unflushed, 3 * 127 + 130 + 12);
  await setImmediate();
  assert.equal(b!.unflushed, 0);
  speak(1, 10);
  assert.equal(b!.unflushed, 12, "unflushed bytes in the next turn");
});

Deno.test("Subscriber.unflushed restarts at 0 after 32 messages, a large message, or a flush", () => {
  const { subscribers: [, b], speak } = rig("a", "b");
  speak(32, 10);
  assert.equal(b!.unflushed, 32 * 12);
  speak(1, 10);
  assert.equal(b!.unflushed, 12);
  speak(1, 16_384);
  assert.equal(b!.unflushed, 0);
  speak(1, 16_383);
  assert.equal(b!.unflushed, 16_387);
  b!.flushed();
  assert.equal(b!.unflushed, 0);
  speak(2, 10);
  assert.equal(b!.unflushed, 24);
});

Deno.test("Subscriber.unflushed depends on the topics at the time of each broadcast", () => {
  const { subscribers: [, b], speak } = rig("a", "b");
  speak(1, 10);
  b!.unsubscribe("t");
  speak(1, 10);
  b!.subscribe("u");
  speak(1, 20);
  speak(1, 30, "u");
  b!.subscribe("t");
  speak(1, 40);
  assert.equal(b!.unflushed, 12 + 32 + 42);
});

Deno.test("TopicSpace notifies only subscribers that await the flush, each once", async () => {
  const { subscribers: [, b, c], sentOut, speak } = rig("a", "b", "c", "d");
  speak(1, 10);
  for (const subscriber of [b!, c!, c!]) subscriber.await();
  assert.deepEqual(sentOut, []);
  for (let i = 0; i < 3; i++) await setImmediate();
  assert.deepEqual(sentOut, ["b", "c"]);
  speak(1, 10);
  for (let i = 0; i < 3; i++) await setImmediate();
  assert.deepEqual(sentOut, ["b", "c"]);
});

Deno.test("Subscriber keeps a private topic when it leaves its last topic, and two spaces share no native topic", () => {
  const [one, two] = [new TopicSpace(undefined), new TopicSpace(undefined)];
  const native = new FakeNative();
  const subscribers = [one, two].map((space) => new Subscriber(native, space, () => {}));
  for (const subscriber of subscribers) subscriber.subscribe("t");
  assert.equal(native.topics.size, 4);
  for (const subscriber of subscribers) subscriber.unsubscribe("t");
  assert.equal(native.topics.size, 2);
});

Deno.test("TopicSpace logs no more messages of a turn than uWebSockets keeps", () => {
  const { space, subscribers: [, b], speak } = rig("a", "b");
  speak(65_535, 1);
  assert.equal(space.log.length, 65_535);
  speak(1, 1);
  assert.deepEqual([space.log.length, b!.unflushed], [1, 3]);
});

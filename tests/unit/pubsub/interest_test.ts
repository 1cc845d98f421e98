import assert from "node:assert/strict";
import { Timers } from "../../../common/timers.ts";
import { Interest } from "../../../pubsub/interest.ts";
import { until } from "../../harness/clients/socket_history.ts";

/** Records the commands for a broker, with the channels of each. */
class FakeBroker {
  readonly commands: [name: string, channels: readonly string[]][] = [];
  readonly confirms: (() => void)[] = [];
  readonly timers: Timers = new Timers();
  readonly interest: Interest = new Interest(this, this.timers);

  subscribe(channels: readonly string[]): Promise<void> {
    this.commands.push(["subscribe", channels]);
    return new Promise((resolve) => this.confirms.push(resolve));
  }

  unsubscribe(channels: readonly string[]): void {
    this.commands.push(["unsubscribe", channels]);
  }
}

const turn = () => new Promise((resolve) => setTimeout(resolve));
const isPending = async (promise: Promise<unknown>) => {
  let isPending = true;
  promise.then(() => isPending = false);
  await turn();
  return isPending;
};

Deno.test("Interest asks for all topics of a turn with one command", async () => {
  const { interest, commands } = new FakeBroker();
  for (const topic of ["a", "b"]) interest.topicAdded("/x", topic);
  interest.topicAdded("/y", "a");
  assert.deepEqual([commands, interest.size], [[], 3]);
  await turn();
  assert.deepEqual(commands, [["subscribe", ["=2Fx.a", "=2Fx.b", "=2Fy.a"]]]);
  interest.topicAdded("/x", "c");
  await turn();
  assert.deepEqual(commands[1], ["subscribe", ["=2Fx.c"]]);
});

Deno.test("Interest asks for at most 512 channels with one command", async () => {
  const { interest, commands } = new FakeBroker();
  for (let i = 0; i < 1025; i++) interest.topicAdded("/", `${i}`);
  await turn();
  assert.deepEqual(commands.map(([, channels]) => channels.length), [512, 512, 1]);
  assert.equal(new Set(commands.flatMap(([, channels]) => channels)).size, 1025);
});

Deno.test("Interest knows the topic of each channel, until a second after its last subscriber", async () => {
  const { interest, commands } = new FakeBroker();
  interest.topicAdded("/x", "a.b");
  assert.deepEqual(interest.topicOf("=2Fx.a=2Eb"), { namespace: "/x", topic: "a.b" });
  assert.equal(interest.topicOf("=2Fx.a"), undefined);
  await turn();
  const start = performance.now();
  interest.topicRemoved("/x", "a.b");
  assert.ok(interest.topicOf("=2Fx.a=2Eb"));
  await until("the channel is given up", () => commands.length > 1);
  const elapsed = performance.now() - start;
  assert.ok(elapsed >= 999, `${elapsed} ms`);
  assert.deepEqual(commands[1], ["unsubscribe", ["=2Fx.a=2Eb"]]);
  assert.deepEqual([interest.topicOf("=2Fx.a=2Eb"), interest.size], [undefined, 0]);
});

Deno.test("Interest sends nothing for a topic that comes back within the second", async () => {
  const { interest, commands, timers } = new FakeBroker();
  for (const topic of ["a", "b"]) interest.topicAdded("/", topic);
  await turn();
  for (const topic of ["a", "b"]) interest.topicRemoved("/", topic);
  interest.topicAdded("/", "a");
  await until("the channel is given up", () => commands.length > 1);
  assert.deepEqual(commands.slice(1), [["unsubscribe", ["=2F.b"]]]);
  interest.topicAdded("/", "b");
  await turn();
  assert.deepEqual(commands.slice(2), [["subscribe", ["=2F.b"]]]);
  assert.equal(timers.size, 0);
});

Deno.test("Interest removes each topic a second after its own last subscriber, with one timer", async () => {
  const { interest, commands, timers } = new FakeBroker();
  for (const topic of ["a", "b", "c"]) interest.topicAdded("/", topic);
  await turn();
  interest.topicRemoved("/", "a");
  await new Promise((resolve) => setTimeout(resolve, 200));
  interest.topicRemoved("/", "b");
  interest.topicRemoved("/", "c");
  assert.equal(timers.size, 1);
  await until("the channel is given up", () => commands.length > 1);
  if (commands[1]![1].length === 1) { // a busy machine may be late for both
    assert.equal(timers.size, 1);
    await until("the others are given up", () => commands.length > 2);
    assert.deepEqual(commands.slice(1), [
      ["unsubscribe", ["=2F.a"]],
      ["unsubscribe", ["=2F.b", "=2F.c"]],
    ]);
  }
  assert.equal(timers.size, 0);
});

Deno.test("Interest removes at most 512 channels with one command", async () => {
  const { interest, commands } = new FakeBroker();
  for (let i = 0; i < 513; i++) interest.topicAdded("/", `${i}`);
  await turn();
  for (let i = 0; i < 513; i++) interest.topicRemoved("/", `${i}`);
  await until("all channels are given up", () => interest.size === 0);
  const lengths = commands.slice(2).map(([, channels]) => channels.length);
  assert.ok(lengths.every((length) => length <= 512), lengths.join());
  assert.equal(lengths.reduce((sum, length) => sum + length), 513);
});

Deno.test("Interest.confirmed() waits for the topics of this turn, and for all earlier ones", async () => {
  const { interest, confirms } = new FakeBroker();
  assert.equal(await isPending(interest.confirmed()), false);
  interest.topicAdded("/", "a");
  await turn();
  interest.topicAdded("/", "b");
  const done = interest.confirmed();
  assert.equal(await isPending(done), true);
  confirms[1]!();
  assert.equal(await isPending(done), true);
  confirms[0]!();
  await done;
});

Deno.test("Interest.confirmed() resolves if the broker rejects, or throws", async () => {
  for (const isThrown of [false, true]) {
    const broker = new FakeBroker();
    broker.subscribe = () => {
      if (isThrown) throw new Error("planned");
      return Promise.reject(new Error("planned"));
    };
    broker.interest.topicAdded("/", "a");
    await broker.interest.confirmed();
  }
});

Deno.test("Interest waits once for a promise that the broker returns to many calls", async () => {
  const broker = new FakeBroker();
  let confirm = () => {}, waiting = 0;
  /** Counts the callbacks, also those of `await`. */
  class CountingPromise extends Promise<void> {
    override then<A, B>(
      ...callbacks: [((_: void) => A | PromiseLike<A>)?, ((_: unknown) => B | PromiseLike<B>)?]
    ): Promise<A | B> {
      waiting++;
      return super.then(...callbacks);
    }
  }
  const shared = new CountingPromise((resolve) => confirm = resolve);
  broker.subscribe = () => shared;
  for (let i = 0; i < 1000; i++) {
    broker.interest.topicAdded("/", `${i}`);
    await new Promise<void>((resolve) => queueMicrotask(resolve));
  }
  await turn();
  assert.ok(waiting <= 2, `${waiting} callbacks wait`);
  const done = broker.interest.confirmed();
  assert.equal(await isPending(done), true);
  confirm();
  await done;
});

Deno.test("Interest.close() stops the timer, and topics that end later start none", async () => {
  const { interest, commands, timers } = new FakeBroker();
  for (const topic of ["a", "b"]) interest.topicAdded("/", topic);
  await turn();
  interest.topicRemoved("/", "a");
  assert.equal(timers.size, 1);
  interest.close();
  assert.equal(timers.size, 0);
  interest.topicRemoved("/", "b");
  interest.topicAdded("/", "c");
  await turn();
  assert.deepEqual([timers.size, commands.length], [0, 1]);
});

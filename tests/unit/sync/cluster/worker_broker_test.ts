import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import fc from "fast-check";
import type { BrokerHost } from "../../../../pubsub/broker.ts";
import { WorkerBroker, type WorkerProcess } from "../../../../sync/cluster/worker_broker.ts";
import { until } from "../../../harness/clients/socket_history.ts";
import { stopwatch } from "../../../harness/time_limit.ts";

/** The `process` of a worker. A test plays the primary. */
class FakeProcess extends EventEmitter implements WorkerProcess {
  connected = true;
  readonly sent: Record<string, unknown>[] = [];
  error: Error | null = null;

  send(
    message: object,
    _handle: undefined,
    _options: undefined,
    callback: (error: Error | null) => void,
  ): boolean {
    this.sent.push(message as Record<string, unknown>);
    callback(this.error);
    return true;
  }

  tell(onepeer: string, fields: object = {}, node = "a"): void {
    this.emit("message", { onepeer, node, ...fields });
  }

  /** Takes the messages of one kind. */
  take(kind: string): Record<string, unknown>[] {
    const all = this.sent.splice(0);
    return all.filter(({ onepeer }) => onepeer === kind);
  }
}

/** Records what a broker tells its node. */
class FakeHost implements BrokerHost {
  readonly lines: string[] = [];

  received(channel: string, frame: Uint8Array): void {
    this.lines.push(`received ${channel} ${frame.join(" ")}`);
  }
  appended(): void {}
  up(gap: boolean): void {
    this.lines.push(`up ${gap}`);
  }
  down(error: unknown): void {
    this.lines.push(`down: ${(error as Error).message}`);
  }
  refused(): void {}
  lost(frames: number, error: unknown): void {
    this.lines.push(`lost ${frames}: ${(error as Error).message}`);
  }
}

function start(process = new FakeProcess()): [FakeProcess, FakeHost, WorkerBroker] {
  const host = new FakeHost();
  const broker = new WorkerBroker(process, { cluster: "c", node: "a", required: false });
  broker.open(host);
  return [process, host, broker];
}

/** Starts a broker that the primary has welcomed. */
function startUp(bytes: unknown = {}): [FakeProcess, FakeHost, WorkerBroker] {
  const [process, host, broker] = start();
  process.tell("welcome", { bytes });
  process.tell("done", { ask: process.take("subscribe")[0]!.ask });
  assert.deepEqual(host.lines.splice(0), ["up false"]);
  return [process, host, broker];
}

const FRAME = [{ channel: "x", frame: Uint8Array.of(1, 250) }];
const state = async (promise: Promise<unknown>) => {
  let found = "pending";
  promise.then(() => found = "resolved", () => found = "rejected");
  await new Promise((resolve) => setTimeout(resolve));
  return found;
};

Deno.test("WorkerBroker says hello, asks for all channels when it is welcomed, and is up when they are confirmed", async () => {
  const [process, host, broker] = start();
  const early = broker.subscribe(["x", "y"]);
  const [{ at, ...hello }] = process.sent.splice(0) as [Record<string, unknown>];
  assert.deepEqual(hello, { onepeer: "hello", node: "a", cluster: "c", bytes: Uint8Array.of(1) });
  assert.equal(typeof at, "number");
  process.tell("welcome");
  const { ask, channels } = process.take("subscribe")[0]!;
  assert.deepEqual(channels, ["x", "y"]);
  assert.deepEqual([host.lines, await state(early)], [[], "pending"]);
  process.tell("done", { ask });
  assert.deepEqual([host.lines, await state(early)], [["up false"], "resolved"]);
  process.tell("welcome"); // the answer to an earlier hello
  assert.deepEqual([process.sent, host.lines], [[], ["up false"]]);
  await broker.close();
});

Deno.test("WorkerBroker resolves subscribe() when the primary has answered this question or a later one", async () => {
  const [process, , broker] = startUp();
  const first = broker.subscribe(["x"]), second = broker.subscribe(["y"]);
  const third = broker.subscribe(["z"]);
  const [, ask] = process.take("subscribe").map(({ ask }) => ask);
  process.tell("done", { ask });
  const found = await Promise.all([first, second, third].map(state));
  assert.deepEqual(found, ["resolved", "resolved", "pending"]);
  const rejected = assert.rejects(third, /closed/);
  await broker.close();
  await rejected;
  await assert.rejects(broker.subscribe(["x"]), /closed/);
});

Deno.test("WorkerBroker.subscribe() returns one promise to all callers until the primary knows the node", async () => {
  const [process, , broker] = start();
  const promises = new Set<Promise<void>>();
  for (let i = 0; i < 1000; i++) promises.add(broker.subscribe([`${i}`]));
  assert.equal(promises.size, 1);
  process.tell("welcome");
  const { ask, channels } = process.take("subscribe")[0]!;
  assert.equal((channels as string[]).length, 1000);
  const later = broker.subscribe(["later"]);
  process.tell("done", { ask });
  assert.deepEqual(await Promise.all([...promises, later].map(state)), ["resolved", "pending"]);
  const rejected = assert.rejects(later, /closed/);
  await broker.close();
  await rejected;
  const [, , closed] = start(), early = assert.rejects(closed.subscribe(["x"]), /closed/);
  await closed.close();
  await early;
});

Deno.test("WorkerBroker sends base64, and bytes if they arrive in both directions", async () => {
  for (const [bytes, expected] of [[{}, "Afo="], [Uint8Array.of(1), FRAME[0]!.frame]] as const) {
    const [process, host, broker] = startUp(bytes);
    await broker.publish(FRAME);
    assert.deepEqual(process.take("publish")[0]!.batch, ["x", expected]);
    broker.subscribe(["x"]).catch(() => {});
    process.tell("frames", { batch: ["x", "Afo=", "x", Uint8Array.of(2), "unwanted", "AQ=="] });
    assert.deepEqual(host.lines, ["received x 1 250", "received x 2"]);
    await broker.close();
  }
});

Deno.test("WorkerBroker sends before it is welcomed: the messages arrive after the hello", async () => {
  const [process, , broker] = start();
  await broker.publish(FRAME);
  assert.deepEqual(process.sent.map(({ onepeer }) => onepeer), ["hello", "publish"]);
  await broker.close();
});

Deno.test("WorkerBroker reports a silent primary once, rejects publishes, and calls until it is answered", async () => {
  const [process, host, broker] = start();
  await until("the report", () => host.lines.length > 0);
  assert.match(host.lines[0]!, /^down: the primary process does not relay messages: call setup/);
  await assert.rejects(broker.publish(FRAME), /does not relay/);
  const calls = process.take("hello").length;
  assert.ok(calls >= 3 && calls <= 12, `${calls} calls in a second`);
  await until("more calls", () => process.sent.length > 1);
  assert.equal(host.lines.length, 1);
  process.sent.length = 0;
  process.tell("primary", {}, "");
  assert.equal(process.take("hello").length, 1);
  process.tell("welcome");
  process.tell("done", { ask: process.take("subscribe")[0]!.ask });
  assert.equal(host.lines[1], "up false");
  await broker.publish(FRAME);
  await broker.close();
});

Deno.test("WorkerBroker reports the end of the IPC channel, and rejects publishes and subscribe()", async () => {
  const [process, host, broker] = startUp(), unanswered = broker.subscribe(["w"]);
  process.connected = false;
  process.emit("disconnect");
  process.emit("disconnect");
  assert.deepEqual(host.lines, ["down: the IPC channel to the primary process has ended"]);
  await assert.rejects(broker.publish(FRAME), /IPC channel .* has ended/);
  for (const asked of [unanswered, broker.subscribe(["x"])]) {
    await assert.rejects(asked, /IPC channel .* has ended/);
  }
  await broker.close();
  const ended = new FakeProcess();
  ended.connected = false;
  const [, late, other] = start(ended);
  await until("the late report", () => late.lines.length > 0);
  assert.deepEqual(late.lines, ["down: the IPC channel to the primary process has ended"]);
  await other.close();
});

Deno.test("WorkerBroker rejects a publish if the message is not written, or send() throws", async () => {
  const [process, , broker] = startUp();
  process.error = new Error("planned");
  await assert.rejects(broker.publish(FRAME), /planned/);
  process.send = () => {
    throw new Error("thrown");
  };
  await assert.rejects(broker.publish(FRAME), /thrown/);
  broker.unsubscribe(["x"]);
  await broker.close();
});

Deno.test("WorkerBroker notices a primary that no longer answers, and restores all when it does", async () => {
  const [process, host, broker] = startUp();
  broker.subscribe(["x", "y"]).catch(() => {});
  const { ask } = process.take("subscribe")[0]!;
  const elapsed = stopwatch();
  await until("the report", () => host.lines.length > 0);
  assert.ok(elapsed() < 2500, "the design allows 2.5 s");
  assert.deepEqual(host.lines.splice(0), ["down: the primary process does not answer"]);
  assert.equal(process.sent.filter(({ onepeer }) => onepeer === "ping").length, 1);
  await assert.rejects(broker.publish(FRAME), /the primary process does not answer/);
  broker.unsubscribe(["y"]);
  await until("calls", () => process.sent.filter(({ onepeer }) => onepeer === "hello").length > 2);
  process.sent.length = 0;
  process.tell("done", { ask }); // the primary answers everything that has waited for it
  process.tell("welcome");
  process.tell("welcome");
  const told = process.sent.splice(0).map(({ onepeer, channels }) => [onepeer, channels]);
  assert.deepEqual(told, [["reset", undefined], ["subscribe", ["x"]]]);
  assert.deepEqual(host.lines, []);
  process.tell("done", { ask: ask as number + 1 });
  assert.deepEqual(host.lines, ["up true"]);
  await broker.publish(FRAME);
  await broker.close();
});

Deno.test("WorkerBroker keeps a primary that answers a ping, or sends anything", async () => {
  const [process, host, broker] = startUp();
  let pings = 0;
  process.send = (message, _handle, _options, callback) => {
    if ((message as { onepeer: string }).onepeer === "ping" && pings++ < 2) process.tell("pong");
    callback(null);
    return true;
  };
  await until("two answered pings", () => pings === 2);
  assert.deepEqual(host.lines, []);
  const frames = setInterval(() => process.tell("frames", { batch: [] }), 100);
  await new Promise((resolve) => setTimeout(resolve, 2500));
  clearInterval(frames);
  assert.deepEqual([host.lines, pings], [[], 2]);
  await broker.close();
});

Deno.test("WorkerBroker reports the number of frames that came late to the primary", async () => {
  const [process, host, broker] = startUp();
  for (const frames of [3, undefined, "3", -1, 0.5]) process.tell("late", { frames });
  assert.deepEqual(host.lines, [
    "lost 3: the primary process was busy: it has dropped late messages",
  ]);
  await broker.close();
});

Deno.test("WorkerBroker reports frames that the primary has dropped as a gap", async () => {
  const [process, host, broker] = startUp();
  process.tell("gap");
  assert.deepEqual(host.lines, [
    "down: this worker was too slow: the primary has dropped messages",
    "up true",
  ]);
  await broker.close();
});

Deno.test("WorkerBroker.close() says bye, and leaves neither a listener nor a timer", async () => {
  for (const [process, host, broker] of [start(), startUp()]) {
    await broker.close();
    await broker.close();
    assert.equal(process.take("bye").length, 1);
    assert.deepEqual(process.eventNames(), []);
    process.tell("frames", { batch: ["x", "AQ=="] });
    assert.deepEqual(host.lines, []);
  }
});

Deno.test("WorkerBroker ignores messages of the application, of other nodes, and malformed ones", async () => {
  const [process, host, broker] = startUp();
  broker.subscribe(["x"]).catch(() => {});
  process.tell("frames", { batch: ["x", "AQ=="] }, "b");
  fc.assert(fc.property(fc.anything(), (message) => void process.emit("message", message)));
  fc.assert(
    fc.property(
      fc.constantFrom("frames", "done", "welcome", "other"),
      fc.oneof(fc.anything(), fc.constant({ valueOf: 5, toString: 5 })),
      (kind, value) => process.tell(kind, { batch: value, ask: value, bytes: value }),
    ),
  );
  process.tell("frames", { batch: ["x", 5, 6, "AQ==", "x"] });
  assert.deepEqual(host.lines, []);
  await broker.close();
});

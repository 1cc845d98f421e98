import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { setImmediate } from "node:timers";
import type { BrokerHost, HistoryPage } from "../../../../pubsub/broker.ts";
import type { Position } from "../../../../pubsub/history/position.ts";
import { type ClusterWorker, Relay } from "../../../../sync/cluster/relay.ts";
import { WorkerBroker, type WorkerProcess } from "../../../../sync/cluster/worker_broker.ts";

/** A worker, and its IPC channel to a relay. The channel carries JSON, or bytes too. */
class Ipc extends EventEmitter implements WorkerProcess, ClusterWorker {
  connected = true;
  readonly id: number;
  /** Whether the primary does not read. */
  isStopped = false;
  readonly #relay: Relay;
  readonly #copy: (message: object) => unknown;

  constructor(relay: Relay, id: number, carriesBytes: boolean) {
    super();
    this.#relay = relay;
    this.id = id;
    this.#copy = carriesBytes ? structuredClone : (it) => JSON.parse(JSON.stringify(it));
  }

  // The process of a worker calls with four arguments, and the primary with two.
  send(message: object, ...rest: unknown[]): boolean {
    (rest.at(-1) as (error: null) => void)(null);
    if (rest.length === 1) this.emit("message", this.#copy(message));
    else if (!this.isStopped) this.#relay.received(this, this.#copy(message));
    return true;
  }
}

class Host implements BrokerHost {
  readonly added: string[] = [];

  appended(channel: string, first: Position, frames: readonly Uint8Array[]): void {
    this.added.push(`${channel} ${first.offset}: ${frames.map((frame) => frame.join(" "))}`);
  }
  received(): void {}
  up(): void {}
  down(): void {}
  refused(): void {}
  lost(): void {}
}

function start(relay: Relay, id: number, carriesBytes = false, cluster = "c") {
  const ipc = new Ipc(relay, id, carriesBytes), host = new Host();
  const broker = new WorkerBroker(ipc, { cluster, node: `n${id}`, required: false });
  broker.open(host);
  return { ipc, host, broker, history: broker.history };
}

const keep = { size: 10, ttl: 60_000 }, all = { limit: 100, ttl: 60_000 };
const frames = (...values: number[]) => values.map((value) => Uint8Array.of(value, 250));
const valuesOf = (page: HistoryPage) => page.frames.map((frame) => [...frame]);
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

Deno.test("histories of a cluster reach all nodes that want the channel, in one order, as bytes or JSON", async () => {
  const relay = new Relay();
  const nodes = [start(relay, 1), start(relay, 2, true), start(relay, 3, false, "other")] as const;
  const [one, two, other] = nodes;
  for (const { broker } of nodes) await broker.subscribe(["x"]);
  const first = await one.history.append("x", frames(1, 2), keep);
  const second = await two.history.append("x", frames(3), keep);
  await two.history.append("y", frames(9), keep);
  await turn();
  assert.deepEqual([first.offset, second.offset], [1, 3]);
  assert.equal(second.epoch, first.epoch);
  for (const { host } of [one, two]) {
    assert.deepEqual(host.added, ["x 1: 1 250,2 250", "x 3: 3 250"]);
  }
  assert.deepEqual(other.host.added, []);
  for (const { history } of [one, two]) {
    const page = await history.read("x", first, all);
    assert.deepEqual([page.top, valuesOf(page)], [second, [[2, 250], [3, 250]]]);
  }
  const foreign = await other.history.read("x", first, all);
  assert.deepEqual([foreign.top.offset, foreign.frames], [0, []]);
  assert.notEqual(foreign.top.epoch, first.epoch);
  for (const { broker } of nodes) await broker.close();
});

Deno.test("histories of a cluster outlive the node that has written, and know its keys", async () => {
  const relay = new Relay(), writer = start(relay, 1), other = start(relay, 2);
  const first = await writer.history.append("x", frames(1), { ...keep, key: "k" });
  relay.forget(writer.ipc);
  await other.broker.subscribe(["x"]);
  assert.deepEqual(await other.history.append("x", frames(2), { ...keep, key: "k" }), first);
  await turn();
  assert.deepEqual(other.host.added, []);
  assert.deepEqual(valuesOf(await other.history.read("x", undefined, all)), [[1, 250]]);
  for (const { broker } of [writer, other]) await broker.close();
  const restarted = start(new Relay(), 3);
  assert.notEqual((await restarted.history.read("x", first, all)).top.epoch, first.epoch);
  await restarted.broker.close();
});

Deno.test("calls to a history reject at once without a primary, and when the primary is lost", async () => {
  const relay = new Relay(), { ipc, broker, history } = start(relay, 1);
  ipc.isStopped = true;
  const lost = [history.append("x", frames(1), keep), history.read("x", undefined, all)];
  const began = performance.now();
  for (const call of lost) await assert.rejects(call, /does not answer/);
  assert.ok(performance.now() - began < 4000);
  await assert.rejects(history.append("x", frames(1), keep), /does not answer/);
  await assert.rejects(history.read("x", undefined, all), /does not answer/);
  ipc.isStopped = false;
  while (await history.read("x", undefined, all).then(() => false, () => true)) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  ipc.isStopped = true;
  const last = assert.rejects(history.append("x", frames(1), keep), /closed/);
  await broker.close();
  await last;
  await assert.rejects(history.append("x", frames(1), keep), Error);
});

Deno.test("a call that has waited for the primary for more than two seconds adds nothing, and rejects", async () => {
  const { now } = performance;
  const relay = new Relay(), { ipc, broker, history } = start(relay, 1);
  await history.append("x", frames(1), keep);
  const message = {
    onepeer: "append",
    node: "n1",
    call: 99,
    keep: ["x", 60_000, 10],
    batch: ["AQ=="],
  };
  ipc.send({ ...message, at: now.call(performance) - 2_100 }, undefined, undefined, () => {});
  ipc.send({ ...message, keep: ["x", "long", 10] }, undefined, undefined, () => {});
  assert.equal((await history.read("x", undefined, all)).frames.length, 1);
  await broker.close();
});

Deno.test("a node that gets malformed positions and frames of histories ignores them, or rejects", async () => {
  const relay = new Relay(), { ipc, host, broker, history } = start(relay, 1);
  await broker.subscribe(["x"]);
  for (
    const added of [1, ["x"], ["x", 1, -1, []], [1, 1, 1, []], ["x", "1", 1, []], ["y", 1, 1, [
      "AQ==",
    ]]]
  ) {
    ipc.emit("message", { onepeer: "frames", node: "n1", batch: [], added });
  }
  assert.deepEqual(host.added, []);
  ipc.isStopped = true;
  const read = assert.rejects(history.read("x", undefined, all), /no history/);
  const append = assert.rejects(history.append("x", frames(1), keep), /late messages/);
  ipc.emit("message", { onepeer: "page", node: "n1", call: 77 });
  ipc.emit("message", { onepeer: "page", node: "n1", call: 1, position: [1.5, 2] });
  ipc.emit("message", { onepeer: "kept", node: "n1", call: 2, position: "1" });
  await Promise.all([read, append]);
  await broker.close();
});

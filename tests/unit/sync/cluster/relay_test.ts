import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import fc from "fast-check";
import { type ClusterWorker, Relay } from "../../../../sync/cluster/relay.ts";

/** Takes messages, as a worker over the IPC channel does. */
class FakeWorker implements ClusterWorker {
  readonly id: number;
  readonly received: Record<string, unknown>[] = [];
  /** Callbacks of messages that are not written. */
  readonly unwritten: ((error: Error | null) => void)[] = [];
  isSlow = false;

  constructor(id: number) {
    this.id = id;
  }

  send(message: object, callback: (error: Error | null) => void): boolean {
    this.received.push(message as Record<string, unknown>);
    if (this.isSlow) this.unwritten.push(callback);
    else callback(null);
    return true;
  }

  /** Takes the messages of one kind. */
  take(kind: string): Record<string, unknown>[] {
    const all = this.received.splice(0);
    return all.filter(({ onepeer }) => onepeer === kind);
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Starts a node that wants channels. */
function join(
  relay: Relay,
  worker: FakeWorker,
  node: string,
  channels: readonly string[] = [],
  { cluster = "c", bytes = {} as unknown } = {},
): void {
  relay.received(worker, { onepeer: "hello", node, cluster, bytes });
  relay.received(worker, { onepeer: "subscribe", node, ask: 1, channels });
  worker.received.length = 0;
}

function publish(relay: Relay, worker: FakeWorker, node: string, ...batch: unknown[]): void {
  relay.received(worker, { onepeer: "publish", node, batch });
}

Deno.test("Relay answers a hello, and a subscribe with the number of the question", () => {
  const relay = new Relay(), worker = new FakeWorker(1);
  relay.received(worker, { onepeer: "hello", node: "a", cluster: "c", bytes: {} });
  relay.received(worker, { onepeer: "subscribe", node: "a", ask: 7, channels: ["x"] });
  assert.deepEqual(worker.received, [
    { onepeer: "welcome", node: "a", bytes: Uint8Array.of(1) },
    { onepeer: "done", node: "a", ask: 7 },
  ]);
});

Deno.test("Relay hands a frame to the nodes that want its channel, not to its publisher", async () => {
  const relay = new Relay();
  const [first, second, third] = [1, 2, 3].map((id) => new FakeWorker(id)) as [
    FakeWorker,
    FakeWorker,
    FakeWorker,
  ];
  join(relay, first, "a", ["x", "y"]);
  join(relay, second, "b", ["x"]);
  join(relay, second, "b2", ["x"]);
  join(relay, third, "c", ["y"]);
  join(relay, third, "other", ["x"], { cluster: "other" });
  publish(relay, first, "a", "x", "AQ==", "z", "Ag==");
  await turn();
  assert.deepEqual(first.received, []);
  assert.deepEqual(third.received, []);
  assert.deepEqual(second.received, [
    { onepeer: "frames", node: "b", batch: ["x", "AQ=="] },
    { onepeer: "frames", node: "b2", batch: ["x", "AQ=="] },
  ]);
});

Deno.test("Relay hands all frames of a turn to a node in one message, in order", async () => {
  const relay = new Relay(), first = new FakeWorker(1), second = new FakeWorker(2);
  join(relay, first, "a");
  join(relay, first, "b");
  join(relay, second, "c", ["x", "y"]);
  publish(relay, first, "a", "x", "AQ==", "y", "Ag==");
  publish(relay, first, "b", "y", "Aw==");
  await turn();
  publish(relay, first, "a", "x", "BA==");
  await turn();
  assert.deepEqual(second.take("frames").map(({ batch }) => batch), [
    ["x", "AQ==", "y", "Ag==", "y", "Aw=="],
    ["x", "BA=="],
  ]);
});

Deno.test("Relay hands bytes on as base64 to a worker whose channel carries only JSON", async () => {
  const relay = new Relay(), json = new FakeWorker(1), advanced = new FakeWorker(2);
  join(relay, json, "a", ["x"]);
  join(relay, advanced, "b", ["x"], { bytes: Uint8Array.of(1) });
  join(relay, advanced, "c", ["x"], { bytes: Uint8Array.of(1) });
  const bytes = Uint8Array.of(0, 1, 250, 0).subarray(1, 3);
  publish(relay, advanced, "b", "x", bytes);
  publish(relay, json, "a", "x", "AQ==");
  await turn();
  assert.deepEqual(json.take("frames").map(({ batch }) => batch), [["x", "Afo="]]);
  assert.deepEqual(advanced.take("frames").map(({ node, batch }) => [node, batch]), [
    ["c", ["x", bytes, "x", "AQ=="]],
    ["b", ["x", "AQ=="]],
  ]);
});

Deno.test("Relay forgets channels after unsubscribe, nodes after bye, and all nodes of a dead worker", async () => {
  const relay = new Relay(), first = new FakeWorker(1), second = new FakeWorker(2);
  join(relay, first, "a");
  for (const node of ["b", "c", "d"]) join(relay, second, node, ["x", "y"]);
  relay.received(second, { onepeer: "unsubscribe", node: "b", channels: ["x", "unknown"] });
  relay.received(second, { onepeer: "bye", node: "c" });
  publish(relay, first, "a", "x", "AQ==", "y", "Ag==");
  await turn();
  assert.deepEqual(second.take("frames").map(({ node, batch }) => [node, batch]), [
    ["d", ["x", "AQ==", "y", "Ag=="]],
    ["b", ["y", "Ag=="]],
  ]);
  assert.equal(relay.size, 3);
  relay.forget(second);
  assert.equal(relay.size, 1);
  publish(relay, first, "a", "x", "AQ==", "y", "Ag==");
  await turn();
  assert.deepEqual(second.received, []);
});

Deno.test("Relay drops and counts frames that have waited for more than two seconds", async () => {
  const { now } = performance;
  let ms = 1_000_000;
  performance.now = () => ms;
  try {
    const relay = new Relay(), [first, second] = [new FakeWorker(1), new FakeWorker(2)];
    join(relay, first, "a");
    join(relay, second, "b", ["x"]);
    const send = (text: string, at: unknown) => {
      const batch = ["x", text, "x", text];
      relay.received(first, { onepeer: "publish", node: "a", batch, at });
    };
    send("AQ==", 500); // the clock of the worker is another one
    ms += 5000;
    send("Ag==", 3500); // 2,000 ms later than the first
    send("Aw==", 3499);
    send("BA==", Number.NaN);
    send("BQ==", "3499");
    await turn();
    const batches = second.take("frames").flatMap(({ batch }) => batch as string[]);
    assert.deepEqual([...new Set(batches)], ["x", "AQ==", "Ag==", "BA==", "BQ=="]);
    assert.deepEqual(first.take("late"), [{ onepeer: "late", node: "a", frames: 2 }]);
  } finally {
    performance.now = now;
  }
});

Deno.test("Relay answers a ping, and forgets the channels of a node at a reset", async () => {
  const relay = new Relay(), [first, second] = [new FakeWorker(1), new FakeWorker(2)];
  join(relay, first, "a");
  join(relay, second, "b", ["x", "y"]);
  relay.received(second, { onepeer: "ping", node: "b", at: 1 });
  assert.deepEqual(second.take("pong"), [{ onepeer: "pong", node: "b" }]);
  relay.received(second, { onepeer: "reset", node: "b" });
  publish(relay, first, "a", "x", "AQ==");
  await turn();
  assert.deepEqual(second.received, []);
});

Deno.test("Relay keeps the channels of a node that says hello again, and the nodes of each worker apart", async () => {
  const relay = new Relay(), first = new FakeWorker(1), second = new FakeWorker(2);
  join(relay, first, "a");
  join(relay, second, "a", ["x"]);
  relay.received(second, { onepeer: "hello", node: "a", cluster: "c" });
  relay.received(first, { onepeer: "unsubscribe", node: "a", channels: ["x"] });
  publish(relay, first, "a", "x", "AQ==");
  await turn();
  assert.equal(second.take("frames").length, 1);
});

Deno.test("Relay drops frames for a worker that does not read 16 MiB, and tells the worker of the gap", async () => {
  const relay = new Relay(), first = new FakeWorker(1), slow = new FakeWorker(2);
  join(relay, first, "a");
  join(relay, slow, "b", ["x"]);
  slow.isSlow = true;
  const frame = "A".repeat(1024 * 1024);
  for (let i = 0; i < 20; i++) {
    publish(relay, first, "a", "x", frame);
    await turn();
  }
  assert.equal(slow.received.length, 16);
  for (const written of slow.unwritten.splice(0, 15)) written(null);
  assert.equal(slow.received.length, 16);
  slow.unwritten.pop()!(null);
  assert.deepEqual(slow.received.slice(16), [{ onepeer: "gap", node: "b" }]);
  slow.isSlow = false;
  publish(relay, first, "a", "x", "AQ==");
  await turn();
  assert.equal(slow.received.length, 18);
});

Deno.test("Relay keeps its limit for a worker that gets bytes as base64", async () => {
  const relay = new Relay(), first = new FakeWorker(1), slow = new FakeWorker(2);
  join(relay, first, "a", [], { bytes: Uint8Array.of(1) });
  join(relay, slow, "b", ["x"]);
  const frame = new Uint8Array(768 * 1024); // 1 MiB as base64
  for (let i = 0; i < 100; i++) { // all are written at once
    publish(relay, first, "a", "x", frame);
    await turn();
  }
  slow.received.length = 0;
  slow.isSlow = true;
  for (let i = 0; i < 20; i++) {
    publish(relay, first, "a", "x", frame);
    await turn();
  }
  assert.equal(slow.received.length, 16);
  for (const written of slow.unwritten.splice(0)) written(null);
  assert.deepEqual(slow.received.slice(16), [{ onepeer: "gap", node: "b" }]);
});

Deno.test("Relay hands on one frame over the limit, also if a small one waits", async () => {
  const relay = new Relay(), first = new FakeWorker(1), second = new FakeWorker(2);
  join(relay, first, "a");
  join(relay, second, "b", ["x"]);
  const large = "A".repeat(22 * 1024 * 1024);
  publish(relay, first, "a", "x", "AQ==", "x", large, "x", "Ag==");
  await turn();
  assert.deepEqual(second.take("frames").map(({ batch }) => batch), [["x", "AQ==", "x", large]]);
});

Deno.test("Relay counts the names of channels: frames without data are bounded too", async () => {
  const relay = new Relay(), first = new FakeWorker(1), slow = new FakeWorker(2);
  const channel = "x".repeat(1024 * 1024);
  join(relay, first, "a");
  join(relay, slow, "b", [channel]);
  slow.isSlow = true;
  for (let i = 0; i < 20; i++) {
    publish(relay, first, "a", channel, "");
    await turn();
  }
  assert.equal(slow.received.length, 16);
  for (const written of slow.unwritten.splice(0)) written(null);
  assert.deepEqual(slow.received.slice(16), [{ onepeer: "gap", node: "b" }]);
});

Deno.test("Relay announces itself to workers that were started earlier", () => {
  const workers = [new FakeWorker(1), undefined, new FakeWorker(2)];
  new Relay().announce(workers);
  for (const worker of workers) {
    if (worker) assert.deepEqual(worker.received, [{ onepeer: "primary", node: "" }]);
  }
});

Deno.test("Relay ignores messages of the application, and malformed ones, whatever they are", async () => {
  const relay = new Relay(), worker = new FakeWorker(1), other = new FakeWorker(2);
  join(relay, worker, "a", ["x"]);
  join(relay, other, "b", ["x"]);
  const kinds = ["hello", "subscribe", "unsubscribe", "publish", "done", "other"];
  const message = fc.oneof(
    fc.anything(),
    fc.record({
      onepeer: fc.constantFrom(...kinds),
      node: fc.constantFrom("a", "unknown", "__proto__"),
      channels: fc.oneof(fc.anything(), fc.array(fc.anything())),
      batch: fc.oneof(fc.anything(), fc.array(fc.anything())),
      ask: fc.anything(),
      cluster: fc.oneof(fc.anything(), fc.constant({ toString: 5 })),
    }, { requiredKeys: ["onepeer", "node"] }),
  );
  fc.assert(fc.property(message, (message) => relay.received(worker, message)));
  other.received.length = 0;
  publish(relay, worker, "a", "x", "AQ==", "x", 5, 7, "AQ==", "x");
  await turn();
  const batches = other.take("frames").map(({ batch }) => batch as unknown[]);
  assert.deepEqual(batches.flat().slice(-2), ["x", "AQ=="]);
});

Deno.test("Relay goes on if the IPC channel of a worker throws", async () => {
  const relay = new Relay(), first = new FakeWorker(1), dead = new FakeWorker(2);
  const third = new FakeWorker(3);
  join(relay, first, "a");
  join(relay, dead, "b", ["x"]);
  join(relay, third, "c", ["x"]);
  dead.send = () => {
    throw new Error("planned");
  };
  publish(relay, first, "a", "x", "AQ==");
  await turn();
  assert.equal(third.take("frames").length, 1);
});

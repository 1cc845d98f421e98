import assert from "node:assert/strict";
import { Epochs } from "../../../pubsub/epochs.ts";

const A = 1n, B = 2n ** 64n - 1n;
const LAST = 2 ** 32 - 1;

/** Runs a function with a clock that the function sets. */
function withClock(work: (clock: { ms: number }) => void): void {
  const { now } = performance, clock = { ms: 0 };
  performance.now = () => clock.ms;
  try {
    work(clock);
  } finally {
    performance.now = now;
  }
}

/** Returns for each epoch whether a frame of it is accepted. */
function accepted(epochs: Epochs, node: bigint, ...numbers: readonly number[]): boolean[] {
  return numbers.map((epoch) => epochs.accepts({ node, epoch }));
}

Deno.test("Epochs accepts the newest epoch of a node, and none before", () => {
  const epochs = new Epochs();
  assert.deepEqual(accepted(epochs, A, 0, 0, 1, 0, 1, 5, 4, 0, 5), [
    ...[true, true, true, false, true, true, false, false, true],
  ]);
});

Deno.test("Epochs knows each node by itself", () => {
  const epochs = new Epochs();
  assert.deepEqual(accepted(epochs, A, 3, 2), [true, false]);
  assert.deepEqual(accepted(epochs, B, 0, 1, 0), [true, true, false]);
});

Deno.test("Epochs keeps nothing of nodes in epoch 0", () => {
  const epochs = new Epochs();
  for (let node = 0n; node < 100n; node++) assert.ok(epochs.accepts({ node, epoch: 0 }));
  assert.equal(epochs.size, 0);
});

Deno.test("Epochs accepts the epoch that follows a forged one, whatever its number", () => {
  for (const forged of [1, 2 ** 31 - 1]) {
    const epochs = new Epochs();
    assert.deepEqual(accepted(epochs, A, forged, 0, forged + 1, forged), [
      ...[true, false, true, false],
    ]);
  }
  const epochs = new Epochs();
  const steps = [2 ** 31 - 1, LAST - 1, LAST, LAST - 1, 0, LAST, 1];
  assert.deepEqual(accepted(epochs, A, ...steps), [true, true, true, false, true, false, true]);
});

Deno.test("Epochs forgets an epoch after ten minutes, so that a forged one silences no node for ever", () => {
  withClock((clock) => {
    const epochs = new Epochs();
    assert.deepEqual(accepted(epochs, A, 1000, 3), [true, false]);
    clock.ms = 10 * 60_000 - 1;
    assert.deepEqual(accepted(epochs, A, 1000, 3), [true, false]);
    clock.ms++;
    assert.deepEqual(accepted(epochs, A, 3, 2), [true, false]);
  });
});

Deno.test("Epochs knows 4,096 nodes at most, and forgets the oldest epoch first", () => {
  const epochs = new Epochs();
  epochs.accepts({ node: A, epoch: 2 });
  epochs.accepts({ node: B, epoch: 2 });
  epochs.accepts({ node: A, epoch: 3 });
  for (let i = 0n; i < 4095n; i++) epochs.accepts({ node: 100n + i, epoch: 1 });
  assert.equal(epochs.size, 4096);
  assert.deepEqual(accepted(epochs, A, 2), [false]);
  assert.deepEqual(accepted(epochs, B, 1), [true], "the entry of B was the oldest");
  assert.equal(epochs.size, 4096);
});

import assert from "node:assert/strict";
import { DrainWaiters } from "../../../socket/drain_waiters.ts";

Deno.test("DrainWaiters.release() ends waits whose threshold is reached, inclusive", async () => {
  const waiters = new DrainWaiters();
  const ended: number[] = [];
  const waits = [0, 5, 10].map((threshold) =>
    waiters.wait(threshold, undefined).then(() => ended.push(threshold))
  );
  waiters.release(11);
  assert.equal(waiters.size, 3);
  waiters.release(5);
  await Promise.all(waits.slice(1));
  assert.deepEqual([ended, waiters.size], [[5, 10], 1]);
  waiters.release(0);
  await waits[0];
  assert.deepEqual([ended, waiters.size], [[5, 10, 0], 0]);
});

Deno.test("DrainWaiters.wait() rejects with the reason of its signal, and stops waiting", async () => {
  const waiters = new DrainWaiters();
  const { signal, abort } = (() => {
    const controller = new AbortController();
    return { signal: controller.signal, abort: (reason: Error) => controller.abort(reason) };
  })();
  const waiting = waiters.wait(0, signal);
  const reason = new Error("enough");
  abort(reason);
  await assert.rejects(waiting, reason);
  assert.equal(waiters.size, 0);
});

Deno.test("DrainWaiters.wait() removes its listener from the signal once the wait has ended", async () => {
  const waiters = new DrainWaiters();
  const listeners = new Set<unknown>();
  const signal = {
    addEventListener: (_: string, listener: unknown) => void listeners.add(listener),
    removeEventListener: (_: string, listener: unknown) => void listeners.delete(listener),
  } as unknown as AbortSignal;
  const waiting = waiters.wait(0, signal);
  assert.equal(listeners.size, 1);
  waiters.release(0);
  await waiting;
  assert.equal(listeners.size, 0);
});

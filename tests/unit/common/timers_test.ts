import assert from "node:assert/strict";
import { SharedInterval, Timers } from "../../../common/timers.ts";

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

Deno.test("Timers.after() calls back once, asynchronously, and counts the timer until then", async () => {
  const timers = new Timers();
  const calls: number[] = [];
  timers.after(1, () => calls.push(timers.size));
  assert.equal(timers.size, 1);
  assert.deepEqual(calls, []);
  await sleep(20);
  assert.deepEqual(calls.slice(), [0], "timers inside of the callback");
});

Deno.test("Timers.after() can be cancelled before the callback, repeatedly, and afterwards", async () => {
  const timers = new Timers();
  let calls = 0;
  const cancelled = timers.after(1, () => calls++);
  cancelled();
  cancelled();
  assert.equal(timers.size, 0);
  const ran = timers.after(1, () => calls += 10);
  await sleep(20);
  ran();
  assert.equal(calls, 10);
  assert.equal(timers.size, 0);
});

Deno.test("Timers.after() returns a function that cancels only this timer", () => {
  const timers = new Timers();
  const cancels = [timers.after(60_000, () => {}), timers.after(60_000, () => {})];
  assert.equal(timers.size, 2);
  cancels[0]!();
  assert.equal(timers.size, 1);
  cancels[1]!();
  assert.equal(timers.size, 0);
});

Deno.test("Timers.within() returns whether work is done in time, and leaves no timer", async () => {
  const timers = new Timers(), done = Promise.resolve(), never = new Promise<never>(() => {});
  const all = [timers.within(60_000, done), timers.within(60_000, undefined)];
  assert.deepEqual(await Promise.all([...all, timers.within(1, never)]), [true, true, false]);
  assert.equal(timers.size, 0);
});

Deno.test("Timers.within() rejects as the work does, and ignores a failure that comes too late", async () => {
  const timers = new Timers(), error = new Error("planned");
  await assert.rejects(timers.within(60_000, Promise.reject(error)), error);
  let fail!: (error: unknown) => void;
  const work = new Promise<void>((_, reject) => fail = reject);
  assert.equal(await timers.within(1, work), false);
  fail(error);
  await sleep(1); // an unhandled rejection fails the test
  assert.equal(timers.size, 0);
});

Deno.test("Timers.every() calls back repeatedly until cancelled, also from its callback", async () => {
  const timers = new Timers();
  let calls = 0;
  const stop = timers.every(1, () => {
    if (++calls === 3) stop();
  });
  assert.equal(timers.size, 1);
  await sleep(50);
  assert.equal(calls, 3);
  assert.equal(timers.size, 0);
  stop();
});

Deno.test("Watch runs one timer while it has entries, and none before or after", () => {
  const timers = new Timers();
  const watch = new SharedInterval<string>(timers, 60_000, () => {});
  const sizes = [timers.size];
  const step = (work: () => void) => {
    work();
    sizes.push(timers.size);
  };
  step(() => watch.add("a"));
  step(() => watch.add("a"));
  step(() => watch.add("b"));
  step(() => watch.delete("a"));
  step(() => watch.delete("unknown"));
  step(() => watch.delete("b"));
  step(() => watch.delete("b"));
  step(() => watch.add("c"));
  step(() => watch.delete("c"));
  assert.deepEqual(sizes, [0, 1, 1, 1, 1, 1, 0, 0, 1, 0]);
});

Deno.test("Watch checks each entry every interval, until the entry is deleted", async () => {
  const timers = new Timers();
  const looks: string[] = [];
  const watch = new SharedInterval<string>(timers, 2, (item) => {
    looks.push(item);
    if (looks.length === 4) watch.delete("a");
    if (looks.length === 6) watch.delete("b");
  });
  watch.add("a");
  watch.add("b");
  await sleep(60);
  assert.deepEqual(looks, ["a", "b", "a", "b", "b", "b"]);
  assert.equal(timers.size, 0);
});

Deno.test("Watch starts again after a stop", async () => {
  const timers = new Timers();
  let looks = 0;
  const watch = new SharedInterval<string>(timers, 1, (item) => {
    looks++;
    watch.delete(item);
  });
  for (let round = 1; round <= 3; round++) {
    watch.add("a");
    await sleep(20);
    assert.equal(looks, round);
    assert.equal(timers.size, 0);
  }
});

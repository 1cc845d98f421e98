import assert from "node:assert/strict";
import { Deferred } from "../../../../common/deferred.ts";
import { MAX_TIME } from "../../../../common/limits.ts";
import { ContextTimers } from "../../../../shims/workerd/context_timers.ts";
import { RequestContext } from "../../../../shims/workerd/request_context.ts";
import { stopwatch } from "../../../harness/time_limit.ts";

const nap = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Returns a context like workerd's. `die` ends the context without a notice. */
function contextOf(): { context: RequestContext; die(): void } {
  const context = new RequestContext({ waitUntil() {} });
  return { context, die: () => void (context.post = () => {}) };
}

Deno.test("RequestContext runs a task at once in its own context, unless earlier tasks are queued", async () => {
  const done: string[] = [];
  const { context } = contextOf();
  context.run(() => context.post(() => done.push("own")));
  assert.deepEqual(done, ["own"]);
  context.post(() => done.push("of another"));
  context.run(() => context.post(() => done.push("own, later")));
  assert.deepEqual(done, ["own"], "tasks before the queued one");
  await nap(0);
  assert.deepEqual(done, ["own", "of another", "own, later"]);
  context.end();
  context.post(() => done.push("never"));
  await nap(0);
  assert.equal(done.length, 3);
});

Deno.test("RequestContext is current only while its event runs", async () => {
  const { context } = contextOf(), other = contextOf().context;
  context.run(() => assert.deepEqual([context.isCurrent, other.isCurrent], [true, false]));
  assert.equal(context.isCurrent, false);
  assert.throws(() =>
    context.run(() => {
      throw new Error("an event fails");
    })
  );
  assert.equal(context.isCurrent, false);
  context.end();
  other.end();
  await nap(0);
});

Deno.test("ContextTimers set no timer of the runtime that is so long that it fires at once", async () => {
  const timers = new ContextTimers(), contexts = [contextOf().context, contextOf().context];
  const { setTimeout } = globalThis, set: number[] = [], delays: number[] = [];
  globalThis.setTimeout = ((callback: () => void, ms = 0) => {
    delays.push(ms);
    return set[set.length] = setTimeout(callback, ms) as unknown as number;
  }) as unknown as typeof setTimeout;
  try {
    for (const context of contexts) timers.enter(context);
    timers.after(MAX_TIME, () => {});
    await null; // the contexts do their tasks
    await null;
  } finally {
    globalThis.setTimeout = setTimeout;
  }
  for (const timer of set) clearTimeout(timer);
  assert.equal(delays.length, 2, "timers of the host and the guard");
  assert.ok(delays.every((ms) => ms <= MAX_TIME), `${delays}`);
  for (const context of contexts) timers.leave(context);
});

Deno.test("ContextTimers call back in order of their times, once or repeatedly, until cancelled", async () => {
  const timers = new ContextTimers(), { context } = contextOf();
  timers.enter(context);
  const rung: string[] = [];
  timers.after(60, () => rung.push("late"));
  timers.after(5, () => rung.push("early"));
  const cancel = timers.after(10, () => rung.push("cancelled"));
  const stop = timers.every(20, () => rung.push("tick"));
  assert.equal(timers.size, 4);
  cancel();
  await nap(150);
  stop();
  assert.equal(rung[0], "early");
  assert.ok(rung.includes("late") && !rung.includes("cancelled"));
  assert.ok(rung.filter((it) => it === "tick").length >= 3, `${rung}`);
  assert.equal(timers.size, 0);
});

Deno.test("ContextTimers move to another context at once if the waiting one leaves", async () => {
  const timers = new ContextTimers(), one = contextOf(), two = contextOf();
  timers.enter(one.context);
  timers.enter(two.context);
  const counted = stopwatch(), rung = new Deferred();
  one.die();
  timers.after(20, rung.resolve);
  timers.leave(one.context);
  await rung.promise;
  const ms = counted();
  assert.ok(ms < 200, `${ms} ms`);
});

Deno.test("ContextTimers move to another context once the guard detects that the waiting one has ended", async () => {
  const timers = new ContextTimers(), one = contextOf(), two = contextOf();
  timers.enter(one.context);
  timers.enter(two.context);
  one.die();
  let isRung = false;
  timers.after(20, () => isRung = true);
  await nap(300);
  assert.equal(isRung, false, "the timer fired before the guard could detect the end");
  await nap(500);
  assert.equal(isRung, true);
});

Deno.test("ContextTimers.awake() runs timers in its own context if no other is left", async () => {
  const timers = new ContextTimers();
  const rung = new Promise<string>((resolve) => timers.after(10, () => resolve("rung")));
  assert.equal(await timers.awake(rung), "rung");
});

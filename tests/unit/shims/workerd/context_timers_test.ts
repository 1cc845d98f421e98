import assert from "node:assert/strict";
import { ContextTimers } from "../../../../shims/workerd/context_timers.ts";
import { RequestContext } from "../../../../shims/workerd/request_context.ts";

const nap = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A context as workerd makes one; `die` is how it may end, without a word to anybody. */
function contextOf(): { context: RequestContext; die(): void } {
  const context = new RequestContext({ waitUntil() {} });
  return { context, die: () => void (context.post = () => {}) };
}

Deno.test("a task is done at once in its own context, unless others wait to be done before", async () => {
  const done: string[] = [];
  const { context } = contextOf();
  context.run(() => context.post(() => done.push("own")));
  assert.deepEqual(done, ["own"]);
  context.post(() => done.push("of another"));
  context.run(() => context.post(() => done.push("own, later")));
  assert.deepEqual(done, ["own"], "nobody overtakes");
  await nap(0);
  assert.deepEqual(done, ["own", "of another", "own, later"]);
  context.end();
  context.post(() => done.push("never"));
  await nap(0);
  assert.equal(done.length, 3);
});

Deno.test("a context is current while its event runs, and not after", async () => {
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

Deno.test("timers ring in order of their times, once or again and again, until they are cancelled", async () => {
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

Deno.test("who waits for the next timer is followed by another, at once where it says that it leaves", async () => {
  const timers = new ContextTimers(), one = contextOf(), two = contextOf();
  timers.enter(one.context);
  timers.enter(two.context);
  let rungAfter = 0;
  const started = performance.now();
  one.die();
  timers.after(20, () => rungAfter = performance.now() - started);
  timers.leave(one.context);
  await nap(200);
  assert.ok(rungAfter > 0 && rungAfter < 200, `${rungAfter} ms`);
});

Deno.test("a context that has ended without a word is followed as soon as its guard sees it", async () => {
  const timers = new ContextTimers(), one = contextOf(), two = contextOf();
  timers.enter(one.context);
  timers.enter(two.context);
  one.die();
  let isRung = false;
  timers.after(20, () => isRung = true);
  await nap(300);
  assert.equal(isRung, false, "nobody can know yet");
  await nap(500);
  assert.equal(isRung, true);
});

Deno.test("who waits for what others bring about rings where nobody else is left", async () => {
  const timers = new ContextTimers();
  const rung = new Promise<string>((resolve) => timers.after(10, () => resolve("rung")));
  assert.equal(await timers.awake(rung), "rung");
});

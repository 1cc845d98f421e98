import assert from "node:assert/strict";
import { type MachineClock, WALL_CLOCK } from "../../harness/machine.ts";
import { stopwatch, TimeLimit } from "../../harness/time_limit.ts";

/** Clock that a test moves. */
class FakeClock implements MachineClock {
  time = 0;
  worked = 0;

  now(): number {
    return this.time;
  }

  busy(): number {
    return this.worked;
  }

  /** Moves the clock in steps of 50 ms, with processors that work for a share of the time. */
  pass(ms: number, share: number, watch: TimeLimit): void {
    for (let step = 0; step < ms; step += 50) {
      this.time += 50;
      this.worked += 50 * share;
      watch.elapsed;
    }
  }
}

Deno.test("TimeLimit counts all time while the processors are idle", () => {
  const clock = new FakeClock(), limit = new TimeLimit(1000, clock);
  clock.pass(950, 0, limit);
  assert.ok(!limit.isOver);
  clock.pass(50, 0, limit);
  assert.ok(limit.isOver);
});

Deno.test("TimeLimit counts a thirtieth of the time while a processor works", () => {
  const clock = new FakeClock(), limit = new TimeLimit(1000, clock);
  clock.pass(29_900, 1, limit);
  assert.ok(!limit.isOver, `${limit.elapsed}`);
  clock.pass(200, 1, limit);
  assert.ok(limit.isOver, `${limit.elapsed}`);
});

Deno.test("TimeLimit counts at most 100 ms for one gap between two readings of the clock", () => {
  const clock = new FakeClock(), limit = new TimeLimit(1000, clock);
  clock.time = 800; // this process got no processor time
  assert.equal(limit.elapsed, 100);
});

Deno.test("TimeLimit on WALL_CLOCK counts all time while a processor works", () => {
  const limit = new TimeLimit(60, WALL_CLOCK), started = performance.now();
  while (performance.now() - started < 61) limit.elapsed;
  assert.ok(limit.isOver, `${limit.elapsed}`);
});

Deno.test("TimeLimit.race() rejects a promise that never settles, on the clock of this machine", async () => {
  const started = performance.now();
  await assert.rejects(new TimeLimit(200).race(new Promise(() => {}), "stuck"), /^Error: stuck$/);
  assert.ok(performance.now() - started >= 195);
});

Deno.test("TimeLimit.race() passes on a result and an error", async () => {
  assert.equal(await new TimeLimit(1000).race(Promise.resolve(7), ""), 7);
  await assert.rejects(new TimeLimit(1000).race(Promise.reject(new Error("own")), ""), /own/);
});

Deno.test("stopwatch() counts time like a TimeLimit", async () => {
  const clock = new FakeClock(), stop = stopwatch(clock);
  clock.time = 40;
  clock.worked = 10;
  await Promise.resolve();
  assert.equal(stop(), 30);
});

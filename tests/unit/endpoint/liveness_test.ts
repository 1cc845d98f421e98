import assert from "node:assert/strict";
import { DEFAULT_LIMITS } from "../../../common/limits.ts";
import { Timers } from "../../../common/timers.ts";
import { CHECKS, Liveness, LivenessClock, type Signs } from "../../../endpoint/liveness.ts";

const signs = (given: Partial<Signs> = {}): Signs => ({
  activity: 0,
  queued: -1,
  hasHeartbeat: true,
  isPaused: false,
  ...given,
});

const clockOf = (pingInterval: number, idleTimeout: number) =>
  new LivenessClock(new Timers(), { ...DEFAULT_LIMITS, pingInterval, idleTimeout });
const clock = clockOf(1000, 2000);
const END = 2 * CHECKS;

/** Results of `count` checks with the same signs. */
function checks(liveness: Liveness, count: number, given: Partial<Signs> = {}, on = clock) {
  return Array.from({ length: count }, () => liveness.check(signs(given), on) ?? "");
}

/** Numbers of the checks with a result, counted from 1, and the results. */
const marks = (results: string[]) =>
  results.map((result, i) => `${i + 1} ${result}`).filter((text) => !text.endsWith(" "));

Deno.test("LivenessClock checks ten times in a pingInterval, and rounds idleTimeout up to a check", () => {
  const table: [number, number, number, boolean][] = [
    [25_000, 60_000, 24, true],
    [1000, 2000, 20, true],
    [1000, 1001, 11, true],
    [1000, 0, Infinity, true],
    [0, 2000, 20, false],
  ];
  for (const [pingInterval, idleTimeout, end, pings] of table) {
    const clock = clockOf(pingInterval, idleTimeout);
    assert.deepEqual([clock.end, clock.pings], [end, pings], `${pingInterval} ${idleTimeout}`);
  }
});

Deno.test("Liveness pings a silent client in each pingInterval, and ends its connection after idleTimeout", () => {
  assert.deepEqual(marks(checks(new Liveness(), END + 1)), ["10 ping", "20 ping", "21 end"]);
});

Deno.test("Liveness pings a client in each pingInterval, even if the client answers each ping", () => {
  const liveness = new Liveness(), pinged: number[] = [];
  let activity = 0;
  for (let check = 1; check <= 5 * CHECKS; check++) {
    if (liveness.check(signs({ activity }), clock) !== "ping") continue;
    pinged.push(check);
    activity++;
  }
  assert.deepEqual(pinged, [10, 20, 30, 40, 50]);
});

Deno.test("Liveness restarts its count after a sign of life", () => {
  const liveness = new Liveness();
  checks(liveness, END);
  assert.equal(liveness.check(signs({ activity: 1 }), clock), undefined);
  const found = marks(checks(liveness, END, { activity: 1 }));
  assert.deepEqual(found, ["9 ping", "19 ping", "20 end"]);
});

Deno.test("Liveness pings no client without pingInterval, and ends none without idleTimeout", () => {
  assert.deepEqual(marks(checks(new Liveness(), 21, {}, clockOf(0, 2000))), ["21 end"]);
  const found = checks(new Liveness(), 100, { queued: 100 }, clockOf(1000, 0));
  assert.deepEqual(found.filter(Boolean), Array(10).fill("ping"));
});

Deno.test("Liveness pings a client repeatedly while reading is paused, and does not end its connection", () => {
  const paused = { isPaused: true };
  const found = checks(new Liveness(), 3 * END, paused);
  assert.deepEqual(found.filter(Boolean), Array(6).fill("ping"));
  assert.deepEqual(marks(checks(new Liveness(), 3 * END, paused, clockOf(0, 2000))), []);
});

Deno.test("Liveness gives a client at least half of idleTimeout after a pause", () => {
  const liveness = new Liveness();
  checks(liveness, 5 * CHECKS, { isPaused: true });
  const found = checks(liveness, END);
  assert.ok(found.indexOf("end") >= CHECKS, found.join());
});

Deno.test("Liveness leaves silent clients to the runtime if the socket cannot ping", () => {
  assert.deepEqual(checks(new Liveness(), 3 * END, { hasHeartbeat: false }).filter(Boolean), []);
});

Deno.test("Liveness ends a slow client's connection if its queue stays the same for idleTimeout", () => {
  for (const given of [{ hasHeartbeat: false }, { isPaused: true }]) {
    const found = checks(new Liveness(), END + 1, { queued: 100, ...given });
    // The first check only reads the queued amount.
    assert.deepEqual(found.indexOf("end"), END, JSON.stringify(given));
  }
});

Deno.test("Liveness keeps a slow client that sends, or whose queue changes", () => {
  const sends = new Liveness(), reads = new Liveness(), readsBetween = new Liveness();
  for (let i = 0; i < 5 * END; i++) {
    const slow = { queued: 100, hasHeartbeat: false };
    assert.equal(sends.check(signs({ ...slow, activity: i }), clock), undefined);
    assert.equal(reads.check(signs({ ...slow, queued: 100 + i % 2 }), clock), undefined);
    // The client reads in steps of the same size, so each check reads the same amount.
    if (i % (END - 1) === 0) readsBetween.moved();
    assert.equal(readsBetween.check(signs(slow), clock), undefined);
  }
});

Deno.test("Liveness does not count an empty queue or a fast client as stalled", () => {
  for (const queued of [0, -1]) {
    const found = checks(new Liveness(), 5 * END, { queued, hasHeartbeat: false });
    assert.deepEqual(found.filter(Boolean), []);
  }
});

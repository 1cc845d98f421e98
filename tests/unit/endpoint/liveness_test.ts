import assert from "node:assert/strict";
import { CHECKS, Liveness, type Signs } from "../../../endpoint/liveness.ts";

const signs = (given: Partial<Signs> = {}): Signs => ({
  activity: 0,
  queued: -1,
  canPing: true,
  isPaused: false,
  ...given,
});

/** Results of `count` checks with the same signs. */
function checks(liveness: Liveness, count: number, given: Partial<Signs> = {}) {
  return Array.from({ length: count }, () => liveness.check(signs(given)) ?? "");
}

Deno.test("Liveness pings a silent client after half of the checks, and ends its connection after all", () => {
  assert.deepEqual(checks(new Liveness(), CHECKS), ["", "", "", "ping", "", "", "", "end"]);
});

Deno.test("Liveness restarts its count after a sign of life", () => {
  const liveness = new Liveness();
  checks(liveness, CHECKS - 1);
  assert.equal(liveness.check(signs({ activity: 1 })), undefined);
  assert.deepEqual(checks(liveness, CHECKS, { activity: 1 }), [
    "",
    "",
    "",
    "ping",
    "",
    "",
    "",
    "end",
  ]);
});

Deno.test("Liveness pings a client repeatedly while reading is paused, and does not end its connection", () => {
  const found = checks(new Liveness(), 3 * CHECKS, { isPaused: true });
  assert.deepEqual(found.filter(Boolean), Array(6).fill("ping"));
});

Deno.test("Liveness does not end a silent client if the socket cannot ping, as the runtime does", () => {
  assert.deepEqual(checks(new Liveness(), 3 * CHECKS, { canPing: false }).filter(Boolean), []);
});

Deno.test("Liveness ends a slow client's connection if its queue stays the same for all checks", () => {
  for (const given of [{ canPing: false }, { isPaused: true }]) {
    const found = checks(new Liveness(), CHECKS + 1, { queued: 100, ...given });
    // The first check only reads the queued amount.
    assert.deepEqual(found.indexOf("end"), CHECKS, JSON.stringify(given));
  }
});

Deno.test("Liveness keeps a slow client that sends, or whose queue changes", () => {
  const sends = new Liveness(), reads = new Liveness(), readsBetween = new Liveness();
  for (let i = 0; i < 5 * CHECKS; i++) {
    const slow = { queued: 100, canPing: false };
    assert.equal(sends.check(signs({ ...slow, activity: i })), undefined);
    assert.equal(reads.check(signs({ ...slow, queued: 100 + i % 2 })), undefined);
    // The client reads in steps of the same size, so each check reads the same amount.
    if (i % (CHECKS - 1) === 0) readsBetween.moved();
    assert.equal(readsBetween.check(signs(slow)), undefined);
  }
});

Deno.test("Liveness does not count an empty queue or a fast client as stalled", () => {
  for (const queued of [0, -1]) {
    const found = checks(new Liveness(), 5 * CHECKS, { queued, canPing: false });
    assert.deepEqual(found.filter(Boolean), []);
  }
});

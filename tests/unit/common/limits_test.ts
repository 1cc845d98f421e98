import assert from "node:assert/strict";
import { DEFAULT_LIMITS, type Limits, resolveLimits } from "../../../common/limits.ts";

Deno.test("resolveLimits() returns the defaults of the contract", () => {
  const limits = resolveLimits();
  assert.deepEqual(limits, {
    maxPayload: 1_048_576,
    maxBuffered: 16_777_216,
    overflow: "close",
    pingInterval: 25_000,
    idleTimeout: 60_000,
    handshakeTimeout: 10_000,
    closeTimeout: 10_000,
    maxPeers: Infinity,
    maxPeersPerAddress: Infinity,
    messagesPerSecond: Infinity,
    maxTopicsPerPeer: 1_000,
    maxTopicLength: 1_024,
    recoverLimit: 1_000,
    pendingMessages: 1_024,
    pendingBytes: 2_097_152,
    concurrency: Infinity,
    highWaterMark: 65_536,
    drainThreshold: 0,
  });
  assert.deepEqual(resolveLimits({}), limits);
  assert.deepEqual(limits, DEFAULT_LIMITS);
});

Deno.test("resolveLimits() keeps given values, and replaces undefined by the default", () => {
  const given: unknown = { maxPeers: 5, maxPayload: undefined };
  const limits = resolveLimits(given as Partial<Limits>);
  assert.deepEqual(limits, { ...DEFAULT_LIMITS, maxPeers: 5 });
});

Deno.test("resolveLimits() raises pendingBytes to at least maxPayload", () => {
  for (
    const [maxPayload, pendingBytes, expected] of [
      [100, 99, 100],
      [100, 100, 100],
      [100, 101, 101],
      [4_000_000, undefined, 4_000_000],
      [Infinity, 1, Infinity],
    ] as const
  ) {
    const limits = resolveLimits({ maxPayload, ...(pendingBytes ? { pendingBytes } : {}) });
    assert.equal(limits.pendingBytes, expected);
  }
});

Deno.test("resolveLimits() rejects a drainThreshold over the highWaterMark, and accepts an equal one", () => {
  assert.equal(resolveLimits({ highWaterMark: 10, drainThreshold: 10 }).drainThreshold, 10);
  for (const given of [{ highWaterMark: 10, drainThreshold: 11 }, { drainThreshold: 65_537 }]) {
    assert.throws(() => resolveLimits(given), {
      name: "RangeError",
      message: /drainThreshold must not be over highWaterMark: \d+ > \d+$/,
    });
  }
});

Deno.test("resolveLimits() pings by default after 25 s, or after half of a shorter idleTimeout", () => {
  const table = [[60_000, 25_000], [50_001, 25_000], [40_000, 20_000], [10, 5], [0, 25_000]];
  for (const [idleTimeout, pingInterval] of table) {
    assert.equal(resolveLimits({ idleTimeout: idleTimeout! }).pingInterval, pingInterval);
  }
  assert.equal(resolveLimits({ pingInterval: 0 }).pingInterval, 0);
});

Deno.test("resolveLimits() rejects a pingInterval over idleTimeout, and accepts an equal one", () => {
  assert.equal(resolveLimits({ pingInterval: 99, idleTimeout: 99 }).pingInterval, 99);
  assert.equal(resolveLimits({ pingInterval: 99, idleTimeout: 0 }).pingInterval, 99);
  for (const given of [{ pingInterval: 100, idleTimeout: 99 }, { pingInterval: 60_001 }]) {
    assert.throws(() => resolveLimits(given), {
      name: "RangeError",
      message: /pingInterval must not be over idleTimeout: \d+ > \d+$/,
    });
  }
});

const numbers = Object.keys(DEFAULT_LIMITS).filter((name) => name !== "overflow");

Deno.test("resolveLimits() rejects an invalid number, and names the limit", () => {
  for (const name of numbers) {
    for (const value of [NaN, -1, -Infinity, -0.5]) {
      assert.throws(() => resolveLimits({ [name]: value }), {
        name: "RangeError",
        message: new RegExp(`limits\\.${name} as it must be .*: current value is ${value}$`),
      });
    }
  }
});

Deno.test("resolveLimits() accepts both boundaries of each limit, and rejects values beyond", () => {
  const timers = 2_147_483_647;
  // resolveLimits() raises pendingBytes to maxPayload, see above.
  for (const name of numbers.filter((name) => name !== "pendingBytes")) {
    const least = ["concurrency", "maxPayload", "maxBuffered"].includes(name) ? 1 : 0;
    const most = name.endsWith("Timeout") || name === "pingInterval" ? timers : Infinity;
    const others = { highWaterMark: Infinity, idleTimeout: 0 };
    const set = (value: number) => resolveLimits({ ...others, [name]: value });
    assert.equal(set(least)[name as keyof Limits], least, name);
    assert.throws(() => set(least - 1), RangeError, name);
    if (most === timers) assert.throws(() => set(most + 1), RangeError, name);
    assert.equal(set(most)[name as keyof Limits], most, name);
  }
});

Deno.test("resolveLimits() rejects values of another type", () => {
  for (const name of numbers) {
    for (const value of ["5", null, true, {}, 5n]) {
      assert.throws(() => resolveLimits({ [name]: value }), {
        name: "TypeError",
        message: new RegExp(`limits\\.${name} as it must be a number`),
      });
    }
  }
  for (const overflow of ["", "CLOSE", "block", 1, null]) {
    const given: unknown = { overflow };
    assert.throws(() => resolveLimits(given as Partial<Limits>), {
      name: "TypeError",
      message: /"close", "drop" or "error"/,
    });
  }
  for (const overflow of ["close", "drop", "error"] as const) {
    assert.equal(resolveLimits({ overflow }).overflow, overflow);
  }
});

for (const name of ["maxPayloads", "idletimeout", "", "toString", "constructor"]) {
  Deno.test(`resolveLimits() rejects the unknown limit ${JSON.stringify(name)}, and lists the known limits`, () => {
    assert.throws(() => resolveLimits({ [name]: 1 } as Partial<Limits>), {
      name: "TypeError",
      message: new RegExp(`limits\\.${name} as there is no such limit: known are maxPayload, `),
    });
  });
}

import assert from "node:assert/strict";
import { TokenBucket } from "../../../endpoint/token_bucket.ts";

/** Runs `test` with a clock that the test moves. */
function withClock(test: (advance: (ms: number) => void) => void): void {
  const own = Object.getOwnPropertyDescriptor(performance, "now");
  let now = 1000;
  Object.defineProperty(performance, "now", { value: () => now, configurable: true });
  try {
    test((ms) => now += ms);
  } finally {
    if (own) Object.defineProperty(performance, "now", own);
    else delete (performance as { now?: unknown }).now;
  }
}

function takes(bucket: TokenBucket, tries: number): number {
  let taken = 0;
  for (let i = 0; i < tries; i++) if (bucket.take()) taken++;
  return taken;
}

Deno.test("TokenBucket accepts the messages of one second in a burst, and no more", () => {
  withClock(() => {
    for (const rate of [1, 2, 10, 1000]) assert.equal(takes(new TokenBucket(rate), 2000), rate);
  });
});

Deno.test("TokenBucket of 0 accepts no message", () => {
  withClock((advance) => {
    const bucket = new TokenBucket(0);
    assert.equal(takes(bucket, 5), 0);
    advance(60_000);
    assert.equal(takes(bucket, 5), 0);
  });
});

Deno.test("TokenBucket earns tokens in proportion to time, and saves at most those of one second", () => {
  for (const [ms, earned] of [[0, 0], [99, 0], [100, 1], [250, 2], [1000, 10], [60_000, 10]]) {
    withClock((advance) => {
      const bucket = new TokenBucket(10);
      takes(bucket, 10);
      advance(ms!);
      assert.equal(takes(bucket, 100), earned, `${ms} ms`);
    });
  }
});

Deno.test("TokenBucket does not lose fractions of a token if tried often", () => {
  withClock((advance) => {
    const bucket = new TokenBucket(10);
    takes(bucket, 10);
    let taken = 0;
    for (let i = 0; i < 1100; i++) {
      advance(1);
      if (bucket.take()) taken++;
    }
    assert.ok(taken >= 10 && taken <= 11, `${taken}`);
  });
});

Deno.test("TokenBucket of half a message per second accepts one every two seconds", () => {
  withClock((advance) => {
    const bucket = new TokenBucket(0.5);
    let taken = 0;
    for (let second = 0; second < 20; second++) {
      taken += takes(bucket, 5);
      advance(1000);
    }
    assert.ok(taken >= 9 && taken <= 11, `${taken} in 20 seconds`);
  });
});

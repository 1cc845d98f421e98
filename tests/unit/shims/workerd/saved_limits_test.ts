import assert from "node:assert/strict";
import { DEFAULT_LIMITS, type Limits } from "../../../../common/limits.ts";
import { differingLimits, limitsOf } from "../../../../shims/workerd/saved_limits.ts";

Deno.test("limits of a peer survive JSON, and only those that differ are saved", () => {
  const own: Limits = {
    ...DEFAULT_LIMITS,
    maxPayload: 9,
    messagesPerSecond: 5,
    maxTopicsPerPeer: Infinity,
    overflow: "drop",
    idleTimeout: 0,
  };
  const saved = differingLimits(own, DEFAULT_LIMITS);
  assert.equal(Object.keys(saved!).length, 5);
  assert.deepEqual(limitsOf(JSON.parse(JSON.stringify(saved)), DEFAULT_LIMITS), own);
});

Deno.test("nothing is saved for a peer with the usual limits", () => {
  assert.equal(differingLimits(DEFAULT_LIMITS, DEFAULT_LIMITS), undefined);
  assert.equal(differingLimits({ ...DEFAULT_LIMITS }, DEFAULT_LIMITS), undefined);
  assert.equal(limitsOf(undefined, DEFAULT_LIMITS), DEFAULT_LIMITS);
});

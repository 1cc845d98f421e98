import assert from "node:assert/strict";
import { DEFAULT_LIMITS } from "../../../common/limits.ts";
import { ConnectionSlots, type CountedSlot } from "../../../endpoint/connection_slots.ts";

Deno.test("ConnectionSlots ignores a second release of a slot", () => {
  const places = new ConnectionSlots({ ...DEFAULT_LIMITS, maxPeers: 2, maxPeersPerAddress: 1 });
  places.take("192.0.2.1");
  const place = places.take("192.0.2.2");
  assert.equal(places.refusal("192.0.2.3")?.status, 503);
  place.release();
  place.release();
  assert.equal(places.refusal("192.0.2.1")?.status, 429);
  assert.equal(places.refusal("192.0.2.2"), undefined);
  places.take("192.0.2.2");
  assert.equal(places.refusal("192.0.2.3")?.status, 503);
});

Deno.test("ConnectionSlots cancels the wait for an open once the slot is kept or released", () => {
  const places = new ConnectionSlots({ ...DEFAULT_LIMITS, maxPeers: 1 });
  for (const end of ["keep", "release"] as const) {
    let cancelled = 0;
    const place = places.take(undefined) as CountedSlot;
    place.awaitOpen(() => cancelled++);
    place[end]();
    assert.equal(cancelled, 1, end);
  }
});

Deno.test("ConnectionSlots does not count clients without an address as one address", () => {
  const places = new ConnectionSlots({ ...DEFAULT_LIMITS, maxPeers: 3, maxPeersPerAddress: 1 });
  places.take(undefined);
  assert.equal(places.refusal(undefined), undefined);
  places.take(undefined).release();
  places.take(undefined);
  places.take("192.0.2.1");
  assert.equal(places.refusal(undefined)?.status, 503);
});

import assert from "node:assert/strict";
import { type AtRest, grown } from "../../soak/soak.ts";

const MIB = 2 ** 20;
const EMPTY: AtRest = {
  at: 0,
  heap: 10 * MIB,
  external: 5 * MIB,
  rss: 200 * MIB,
  fds: 20,
  peers: 0,
  topics: 0,
  namespaces: 0,
  timers: 0,
};

/** Returns measurements of a server; each change is applied to those of an empty server. */
function looks(...changes: Partial<AtRest>[]): AtRest[] {
  return changes.map((change) => ({ ...EMPTY, ...change }));
}

Deno.test("grown() accepts resident memory that levels off, and reports all other growth", () => {
  assert.deepEqual(grown(looks({}, {}, {})), []);
  assert.deepEqual(grown(looks({}, { rss: 280 * MIB }, { rss: 290 * MIB })), []);
  const wrong: [Partial<AtRest>, RegExp][] = [
    [{ rss: 240 * MIB }, /^rss/],
    [{ heap: 15 * MIB }, /^heap/],
    [{ external: 10 * MIB }, /^external/],
    [{ fds: 21 }, /^fds/],
    [{ peers: 1 }, /1 peers/],
    [{ timers: 1 }, /1 timers/],
    [{ topics: 1, namespaces: 1 }, /1 topics, 1 namespaces/],
  ];
  for (const [change, pattern] of wrong) {
    const found = grown(looks({}, {}, change));
    assert.equal(found.length, 1, JSON.stringify(change));
    assert.match(found[0]!, pattern);
  }
});

import assert from "node:assert/strict";
import { MemoryHistory } from "../../../sync/memory_history.ts";

const keep = { size: 3, ttl: 60_000 };
const all = { limit: 100, ttl: 60_000 };

Deno.test("MemoryHistory keeps the newest frames, and reads those after a position of the same epoch", () => {
  const history = new MemoryHistory<string>();
  const { first } = history.append("x", ["a", "b"], keep);
  assert.equal(first.offset, 1);
  assert.equal(history.append("x", ["c", "d"], keep).first.offset, 3);
  const { epoch } = first;
  const read = (offset: number, limit = 100, of = epoch) =>
    history.read("x", { epoch: of, offset }, { ...all, limit }).frames.join("");
  assert.deepEqual([read(0), read(2), read(3), read(4), read(9)], ["bcd", "cd", "d", "", ""]);
  assert.deepEqual([read(2, 1), read(4, 100, epoch + 1), read(1, 0)], ["d", "bcd", ""]);
  assert.deepEqual(history.read("x", undefined, all).top, { epoch, offset: 4 });
  assert.deepEqual(history.read("y", undefined, all).frames, []);
  assert.notEqual(history.read("y", undefined, all).top.epoch, epoch);
});

Deno.test("MemoryHistory adds a frame with a known key once, and forgets the oldest of 10,000 keys", () => {
  const history = new MemoryHistory<string>();
  const add = (key: string) => history.append("x", ["a"], { ...keep, key });
  const one = add("0");
  assert.deepEqual(add("0"), { first: one.first, isNew: false });
  for (let i = 1; i <= 9_999; i++) assert.ok(add(`${i}`).isNew);
  assert.equal(add("0").isNew, false);
  assert.ok(add("another").isNew);
  assert.ok(add("0").isNew);
});

Deno.test("MemoryHistory keeps 16 MiB of a channel, and a larger frame alone", () => {
  const history = new MemoryHistory<{ readonly length: number }>();
  const size = () => history.read("x", undefined, all).frames.length;
  const mib = { length: 1024 * 1024 };
  for (let i = 0; i < 20; i++) history.append("x", [mib], { size: 100, ttl: 60_000 });
  assert.equal(size(), 16);
  history.append("x", [{ length: 17 * 1024 * 1024 }], { size: 100, ttl: 60_000 });
  assert.equal(size(), 1);
  history.append("x", [mib], { size: 100, ttl: 60_000 });
  assert.equal(size(), 1);
  history.append("x", [mib], { size: 100, ttl: 60_000 });
  assert.equal(size(), 2);
});

Deno.test("MemoryHistory ends a history after its time to live, and forgets all that have ended", () => {
  const { now } = performance;
  let ms = 1_000_000;
  performance.now = () => ms;
  try {
    const history = new MemoryHistory<string>();
    const { first } = history.append("x", ["a"], { ...keep, ttl: 100, key: "k" });
    history.append("long", ["a"], keep);
    ms += 99;
    assert.equal(history.append("x", ["b"], { ...keep, ttl: 100 }).first.epoch, first.epoch);
    ms += 100;
    const next = history.append("x", ["c"], { ...keep, ttl: 100, key: "k" });
    assert.notEqual(next.first.epoch, first.epoch);
    assert.deepEqual([next.first.offset, next.isNew], [1, true]);
    for (let i = 0; i < 1000; i++) history.read(`${i}`, undefined, { ...all, ttl: 100 });
    ms += 100;
    for (let i = 1000; i < 1500; i++) history.read(`${i}`, undefined, all);
    assert.ok(history.size <= 503, `${history.size} histories are kept`);
    assert.equal(history.read("long", undefined, all).frames.length, 1);
  } finally {
    performance.now = now;
  }
});

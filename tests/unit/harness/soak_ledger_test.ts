import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { Latencies } from "../../soak/latency.ts";
import { Ledger, Receipts } from "../../soak/ledger.ts";
import { numbered, readNumbered } from "../../soak/numbered.ts";

Deno.test("a numbered message can be read as text and as bytes", () => {
  for (const length of [0, 1, 100, 70_000]) {
    const message = numbered("a", "r3-v1.2", 41, length);
    const expected = { topic: "a", from: "r3-v1.2", seq: 41, isWhole: true };
    assert.deepEqual(readNumbered(message), expected);
    assert.deepEqual(readNumbered(Buffer.from(message)), expected);
  }
});

Deno.test("a numbered message with one changed character is not whole", () => {
  const message = numbered("a", "me", 1, 100);
  const damaged = `${message.slice(0, -1)}${message.endsWith("x") ? "y" : "x"}`;
  assert.equal(readNumbered(damaged)?.isWhole, false);
  assert.equal(readNumbered(Buffer.from(damaged))?.isWhole, false);
  assert.equal(readNumbered("+b"), undefined);
});

Deno.test("Ledger distinguishes lost, duplicated, reordered and corrupted messages", () => {
  const take = (whole: string, ...seqs: number[]) => {
    const ledger = new Ledger(), receipts = new Receipts(ledger, "me", whole);
    for (const seq of seqs) {
      receipts.take({ topic: "a", from: "you", seq: Math.abs(seq), isWhole: seq > 0 });
    }
    return ledger;
  };
  const clean = { lost: 0, duplicated: 0, reordered: 0, corrupted: 0, stray: 0 };
  assert.deepEqual(take("", 4, 5, 6).wrongs, clean);
  assert.deepEqual(take("a", 1, 2, 3).wrongs, clean);
  assert.deepEqual(take("a", 3, 4).wrongs, { ...clean, lost: 2 });
  assert.deepEqual(take("", 4, 7).wrongs, { ...clean, lost: 2 });
  assert.deepEqual(take("", 4, 4, 5).wrongs, { ...clean, duplicated: 1 });
  assert.deepEqual(take("", 4, 5, 3, 6).wrongs, { ...clean, reordered: 1 });
  assert.deepEqual(take("", 4, -5, 6).wrongs, { ...clean, corrupted: 1 });
  assert.equal(take("", 4, 7).isClean, false);
});

Deno.test("Latencies keeps each value within a step of 3 %", () => {
  const latencies = new Latencies();
  for (let ms = 1; ms <= 1000; ms++) latencies.add(ms);
  for (const [share, ms] of [[0.5, 500], [0.99, 990], [1, 1000]] as const) {
    assert.ok(Math.abs(latencies.within(share) / ms - 1) < 0.03, `${share}`);
  }
  const both = new Latencies();
  both.merge(latencies.counts);
  both.merge(latencies.counts);
  assert.deepEqual([both.summary().count, both.within(0.5)], [2000, latencies.within(0.5)]);
});

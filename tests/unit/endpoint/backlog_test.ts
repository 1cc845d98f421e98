import assert from "node:assert/strict";
import fc from "fast-check";
import { Backlog } from "../../../endpoint/backlog.ts";
import { Message } from "../../../socket/message.ts";
import type { Peer } from "../../../peer.ts";

// A backlog only holds messages, and never reads the peer.
const peer = {} as Peer;
const numbered = (n: number): Message<Peer> => new Message(peer, String(n));

Deno.test("Backlog returns messages first in, first out, across its compactions", () => {
  const operations = fc.array(fc.integer({ min: -200, max: 200 }), { maxLength: 30 });
  fc.assert(
    fc.property(operations, (counts) => {
      const backlog = new Backlog(Infinity, Infinity);
      const model: Message<Peer>[] = [];
      let pushed = 0;
      for (const count of counts) {
        for (let i = 0; i < count; i++) {
          const message = numbered(pushed++);
          backlog.push(message, 1);
          model.push(message);
        }
        for (let i = 0; i > count && model.length > 0; i--) {
          assert.equal(backlog.shift(), model.shift());
        }
        assert.equal(backlog.length, model.length);
      }
    }),
    { numRuns: 300 },
  );
});

Deno.test("Backlog.fits() accepts messages up to both bounds, inclusive", () => {
  const table: [messages: number, bytes: number, pushed: number[], next: number, fits: boolean][] =
    [
      [0, 100, [], 0, false],
      [1, 100, [], 100, true],
      [1, 100, [], 101, false],
      [1, 100, [0], 0, false],
      [3, 100, [40, 40], 20, true],
      [3, 100, [40, 40], 21, false],
      [2, 100, [1, 1], 1, false],
      [2, 0, [0], 0, true],
    ];
  for (const [messages, bytes, pushed, next, fits] of table) {
    const backlog = new Backlog(messages, bytes);
    for (const size of pushed) backlog.push(numbered(size), size);
    assert.equal(backlog.fits(next), fits, JSON.stringify([messages, bytes, pushed, next]));
  }
});

Deno.test("Backlog.fits() accepts a message again once another was removed", () => {
  const backlog = new Backlog(2, 10);
  backlog.push(numbered(0), 9);
  backlog.push(numbered(1), 1);
  assert.equal(backlog.fits(1), false);
  backlog.shift();
  assert.equal(backlog.fits(9), true);
  assert.equal(backlog.fits(10), false);
});

Deno.test("Backlog.isHalfEmpty is true once messages and bytes are at most half", () => {
  const table: [sizes: number[], isHalfEmpty: boolean][] = [
    [[], true],
    [[1, 1], true],
    [[1, 1, 1], false],
    [[50], true],
    [[51], false],
    [[25, 25], true],
    [[25, 26], false],
  ];
  for (const [sizes, isHalfEmpty] of table) {
    const backlog = new Backlog(4, 100);
    for (const size of sizes) backlog.push(numbered(size), size);
    assert.equal(backlog.isHalfEmpty, isHalfEmpty, JSON.stringify(sizes));
  }
});

import assert from "node:assert/strict";
import { EmptyMessages } from "../../../socket/empty_messages.ts";

/** Runs with a clock that the test moves. */
function atTime(run: (pass: (ms: number) => void) => void): void {
  const { now } = Date;
  let time = now();
  Date.now = () => time;
  try {
    run((ms) => void (time += ms));
  } finally {
    Date.now = now;
  }
}

Deno.test("EmptyMessages counts messages without bytes until a later message with bytes is written", () => {
  atTime(() => {
    const empty = new EmptyMessages();
    for (let i = 0; i < 5; i++) empty.sent(0);
    empty.written(); // no message with bytes has followed
    assert.equal(empty.count, 5);
    empty.sent(10);
    for (let i = 0; i < 3; i++) empty.sent(0);
    assert.equal(empty.count, 8);
    empty.written();
    assert.equal(empty.count, 3);
    empty.written();
    assert.equal(empty.count, 3);
  });
});

Deno.test("EmptyMessages counts ten messages in each second as written", () => {
  atTime((pass) => {
    const empty = new EmptyMessages();
    for (let i = 0; i < 35; i++) empty.sent(0);
    pass(50);
    assert.equal(empty.count, 35);
    pass(1950);
    assert.equal(empty.count, 15);
    pass(60_000);
    assert.equal(empty.count, 0);
    empty.sent(0);
    empty.sent(1);
    pass(60_000);
    empty.written();
    assert.equal(empty.count, 0);
  });
});

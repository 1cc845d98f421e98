import assert from "node:assert/strict";
import { checkClose, isSendableCloseCode } from "../../../socket/close_code.ts";

const LEGAL = [[1000, 1003], [1007, 1014], [3000, 4999]] as const;

Deno.test("isSendableCloseCode() accepts only 1000-1003, 1007-1014 and 3000-4999 of all 16-bit codes", () => {
  for (let code = -1; code <= 65_536; code++) {
    const legal = LEGAL.some(([from, to]) => code >= from && code <= to);
    assert.equal(isSendableCloseCode(code), legal, String(code));
  }
});

Deno.test("checkClose() rejects any other code, and names the value", () => {
  const table: [unknown, string][] = [
    [NaN, "NaN"],
    [Infinity, "Infinity"],
    [-1000, "-1000"],
    [999, "999"],
    [1000.5, "1000.5"],
    [1004, "1004"],
    [1005, "1005"],
    [1006, "1006"],
    [1015, "1015"],
    [2999, "2999"],
    [5000, "5000"],
    [65_536 + 1000, "66536"],
    ["1000", '"1000"'],
    [null, "null"],
    [Symbol.iterator, "Symbol(Symbol.iterator)"],
  ];
  for (const [code, shown] of table) {
    assert.throws(() => checkClose(code as number, ""), {
      name: "RangeError",
      message:
        `Cannot close the peer as the code must be 1000-1003, 1007-1014 or 3000-4999: current value is ${shown}`,
    });
  }
});

Deno.test("checkClose() accepts a reason of up to 123 bytes of UTF-8", () => {
  const table: [string, number][] = [
    ["", 0],
    ["a".repeat(123), 123],
    ["a".repeat(124), 124],
    ["ü".repeat(61), 122],
    ["ü".repeat(61) + "a", 123],
    ["ü".repeat(62), 124],
    ["€".repeat(41), 123],
    ["€".repeat(41) + "a", 124],
    ["😀".repeat(30) + "abc", 123],
    ["😀".repeat(31), 124],
    ["\ud800".repeat(41), 123],
    ["\ud800".repeat(42), 126],
  ];
  for (const [reason, bytes] of table) {
    const check = () => checkClose(1000, reason);
    if (bytes <= 123) assert.doesNotThrow(check, String(bytes));
    else {
      assert.throws(check, {
        name: "RangeError",
        message:
          `Cannot close the peer as the reason must be at most 123 bytes of UTF-8: current length is ${bytes}`,
      });
    }
  }
});

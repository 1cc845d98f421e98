import { Buffer } from "node:buffer";
import { CLOSE, closePayload, frame, TEXT } from "../harness/clients/raw_client.ts";
import { close, fails, hex, otherCode, type Row, type Section, text, utf8, whole } from "./row.ts";

const LEGAL = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014]
  .concat([3000, 3001, 3999, 4000, 4001, 4999]);
/** Codes that are unused, reserved, or never sent (RFC 6455 §7.4). */
const ILLEGAL = [0, 1, 500, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535];
const REASONS: readonly (readonly [name: string, reason: string])[] = [
  ["short", "bye"],
  ["full", "x".repeat(123)],
  ["greek", "αντίο"],
  ["full-of-emoji", `${"👋".repeat(30)}end`],
  ["null", "\0"],
];
const NOT_UTF8 = [[0x80], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [
  0xff,
]];

/** The server answers as if the frame were legal, and sends nothing illegal back. */
const AS_LEGAL = {
  nonStrict: [{
    ends: [1000, 1005],
    why: "The server answers an illegal Close frame with an empty one, and ends the connection",
  }],
};

/** Row about the code that answers a Close frame. Another legal code is non-strict. */
function answered(id: string, fact: string, sends: readonly Uint8Array[], code: number): Row {
  return {
    id: `closing.${id}`,
    fact,
    sends,
    strict: { ends: [code] },
    // 1012 to 1014 are registered, but not in RFC 6455.
    nonStrict: [otherCode(1000, 1005, ...code > 1011 && code < 1015 ? [1002] : [])],
  };
}

const codes: Row[] = LEGAL.map((code) =>
  answered(`code-${code}`, `the close code ${code} comes back`, [close(code)], code)
);

const reasons: Row[] = REASONS.map(([name, reason]) =>
  answered(
    `reason-${name}`,
    `the server accepts a close reason: ${name}`,
    [close(1000, reason)],
    1000,
  )
);

const refused: Row[] = [
  ...ILLEGAL.map((code) =>
    fails(
      `closing.illegal-${code}`,
      `the close code ${code} is refused`,
      [close(code)],
      1002,
      AS_LEGAL,
    )
  ),
  fails(
    "closing.illegal-1-byte",
    "a Close frame with a payload of one byte is refused",
    [frame(CLOSE, "x")],
    1002,
    AS_LEGAL,
  ),
  ...NOT_UTF8.map((bytes) =>
    fails(
      `closing.reason-${hex(bytes)}`,
      `the close reason ${hex(bytes)} is refused, as it is not UTF-8`,
      [frame(CLOSE, Buffer.concat([closePayload(1000, "so "), Buffer.from(bytes)]))],
      1007,
      { nonStrict: [otherCode(1002), ...AS_LEGAL.nonStrict] },
    )
  ),
];

const behind: Row[] = [
  answered(
    "empty",
    "the server answers an empty Close frame with an empty one",
    [frame(CLOSE)],
    1005,
  ),
  answered("twice", "the server ignores a second Close frame", [close(1001), close(4000)], 1001),
  answered(
    "data-behind",
    "the server ignores a message after a Close frame",
    [close(1000), whole(text("late"))],
    1000,
  ),
  answered(
    "garbage-behind",
    "the server ignores bytes after a Close frame that form no frame",
    [close(1000), Buffer.alloc(64, 0xff)],
    1000,
  ),
  answered(
    "within-message",
    "a Close frame ends an unfinished message",
    [frame(TEXT, "a", { fin: false }), close(4000)],
    4000,
  ),
  {
    id: "closing.behind-message",
    fact: "a message right before the Close frame comes back",
    sends: [whole(text("last")), close(1000)],
    strict: { messages: [text("last")], ends: [1000] },
  },
  {
    id: "closing.behind-long-message",
    fact: "a long message right before the Close frame comes back",
    sends: [whole(text("x".repeat(300_000))), close(1000)],
    strict: { messages: [{ type: "text", bytes: utf8("x".repeat(300_000)) }], ends: [1000] },
  },
];

/** RFC 6455 §5.5.1, §7.1 and §7.4. */
export const closing: Section = {
  name: "closing",
  title: "Closing: codes, reasons, order (RFC 6455 §5.5.1, §7)",
  server: "protocol.echo",
  rows: [...codes, ...reasons, ...refused, ...behind],
};

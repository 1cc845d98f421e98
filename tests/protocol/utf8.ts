import { Buffer } from "node:buffer";
import { frame, PING, TEXT } from "../harness/clients/raw_client.ts";
import {
  binary,
  echoes,
  fails,
  fragmented,
  hex,
  type Row,
  type Section,
  text,
  utf8 as encoded,
  whole,
} from "./row.ts";

/**
 * First and last code points of each length, edges of the surrogates, and code points that decoders
 * drop or change.
 */
const VALID: readonly (readonly [name: string, words: string])[] = [
  ["null", "\0"],
  ["last-of-1", "\x7f"],
  ["first-of-2", "\x80"],
  ["last-of-2", "\u07ff"],
  ["first-of-3", "\u0800"],
  ["before-surrogates", "\ud7ff"],
  ["after-surrogates", "\ue000"],
  ["replacement", "\ufffd"],
  ["last-of-3", "\uffff"],
  ["first-of-4", "\u{10000}"],
  ["last-of-4", "\u{10ffff}"],
  ["noncharacters", "\ufdd0\ufffe\u{1fffe}\u{10fffe}"],
  ["byte-order-mark", "\ufeffmark"],
  ["byte-order-marks", "a\ufeff\ufeff"],
  ["greek", "κόσμε"],
  ["combining", "e\u0301\u0323"],
  ["emoji", "👩‍👩‍👧🏽"],
  ["line-ends", "a\r\n\u2028\u2029\x85b"],
];

const INVALID: readonly (readonly [name: string, bytes: readonly number[]])[] = [
  ["continuation", [0x80]],
  ["continuations", [0xbf, 0x80]],
  ["cut-of-2", [0xc3]],
  ["cut-of-3", [0xe2, 0x82]],
  ["cut-of-4", [0xf0, 0x9f, 0x98]],
  ["broken-of-2", [0xc3, 0x28]],
  ["broken-of-3", [0xe2, 0x28, 0xa1]],
  ["broken-end-of-3", [0xe2, 0x82, 0x28]],
  ["broken-of-4", [0xf0, 0x9f, 0x28, 0x80]],
  ["overlong-of-2", [0xc0, 0x80]],
  ["overlong-slash", [0xc1, 0xbf]],
  ["overlong-of-3", [0xe0, 0x80, 0x80]],
  ["overlong-of-3-last", [0xe0, 0x9f, 0xbf]],
  ["overlong-of-4", [0xf0, 0x80, 0x80, 0x80]],
  ["overlong-of-4-last", [0xf0, 0x8f, 0xbf, 0xbf]],
  ["first-surrogate", [0xed, 0xa0, 0x80]],
  ["last-surrogate", [0xed, 0xbf, 0xbf]],
  ["surrogate-pair", [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]],
  ["above", [0xf4, 0x90, 0x80, 0x80]],
  ["far-above", [0xf5, 0x80, 0x80, 0x80]],
  ["five-bytes", [0xf8, 0x88, 0x80, 0x80, 0x80]],
  ["six-bytes", [0xfc, 0x84, 0x80, 0x80, 0x80, 0x80]],
  ["fe", [0xfe]],
  ["ff", [0xff]],
];

/** Returns each offset between two bytes. */
function offsets(bytes: Uint8Array): number[] {
  return Array.from({ length: bytes.byteLength - 1 }, (_, i) => i + 1);
}

const valid: Row[] = VALID.flatMap(([name, words]) => {
  const message = text(words), cuts = offsets(message.bytes);
  return [
    echoes(`utf8.valid-${name}`, `${name} comes back byte for byte`, [whole(message)], [message]),
    ...cuts.length > 0
      ? [echoes(
        `utf8.valid-${name}-split`,
        `${name} split at each byte comes back`,
        [...cuts.flatMap((cut) => fragmented(message, [cut])), ...fragmented(message, cuts)],
        [...cuts.map(() => message), message],
      )]
      : [],
    echoes(
      `utf8.valid-${name}-in-long`,
      `${name} within a long text comes back`,
      [whole(text(`${"x".repeat(130)}${words}${"y".repeat(70)}`))],
      [text(`${"x".repeat(130)}${words}${"y".repeat(70)}`)],
    ),
  ];
});

/** Whether no continuation can make the bytes valid. */
function isHopeless(name: string): boolean {
  return !name.startsWith("cut");
}

const invalid: Row[] = INVALID.flatMap(([name, bytes]) => {
  const data = Uint8Array.from(bytes);
  const within = Buffer.concat([encoded("κό"), data, encoded("x".repeat(40))]);
  const all = [
    fails(
      `utf8.invalid-${name}`,
      `text of the bytes ${hex(data)} is refused`,
      [frame(TEXT, data)],
      1007,
    ),
    fails(
      `utf8.invalid-${name}-within`,
      `the bytes ${hex(data)} between other letters are refused`,
      [frame(TEXT, within)],
      1007,
    ),
    fails(
      `utf8.invalid-${name}-at-end`,
      `the bytes ${hex(data)} at the end of a text are refused`,
      [frame(TEXT, Buffer.concat([encoded("x".repeat(130)), data]))],
      1007,
    ),
    fails(
      `utf8.invalid-${name}-split`,
      `the bytes ${hex(data)} in fragments of a byte are refused`,
      fragmented(text(within), offsets(within)),
      1007,
    ),
  ];
  if (!isHopeless(name)) return all;
  return [
    ...all,
    fails(
      `utf8.invalid-${name}-fail-fast`,
      `the bytes ${hex(data)} are refused before the message is complete`,
      [frame(TEXT, within, { fin: false })],
      1007,
      { rest: [frame(0, "end")] },
    ),
  ];
});

const between: Row[] = [
  echoes(
    "utf8.ping-within-letter",
    "the server answers a ping within the bytes of a letter",
    fragmented(text("é"), [1]).toSpliced(1, 0, frame(PING, "p")),
    [text("é")],
    { pongs: [encoded("p")] },
  ),
  ...INVALID.map(([name, bytes]) =>
    echoes(
      `utf8.binary-${name}`,
      `the bytes ${hex(bytes)} in a binary message come back`,
      [whole(binary(bytes)), ...fragmented(binary(bytes), [1])],
      [binary(bytes), binary(bytes)],
    )
  ),
];

/** RFC 6455 §5.6 and §8.1. */
export const utf8: Section = {
  name: "utf8",
  title: "Text is UTF-8, bytes are bytes (RFC 6455 §5.6, §8.1)",
  server: "protocol.echo",
  rows: [...valid, ...invalid, ...between],
};

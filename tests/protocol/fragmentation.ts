import type { Buffer } from "node:buffer";
import { BINARY, frame, PING, PONG, TEXT } from "../harness/clients/raw_client.ts";
import {
  binary,
  close,
  DROPPED,
  echoes,
  fails,
  fragmented,
  type Row,
  type Section,
  text,
  utf8,
  whole,
  type WireMessage,
} from "./row.ts";

const WORDS = "fragmented";
const MESSAGES: readonly WireMessage[] = [text(WORDS), binary([0, 255, 128, 1, 2, 3, 4, 5, 6, 7])];

/** Ways to cut ten bytes, and the offsets. */
const CUTS: readonly (readonly [name: string, fact: string, offsets: readonly number[]])[] = [
  ["in-two", "two fragments", [5]],
  ["in-three", "three fragments", [3, 6]],
  ["in-bytes", "a fragment for each byte", [1, 2, 3, 4, 5, 6, 7, 8, 9]],
  ["first-empty", "fragments of which the first is empty", [0]],
  ["middle-empty", "fragments of which the middle one is empty", [5, 5]],
  ["last-empty", "fragments of which the last is empty", [10]],
  ["every-second-empty", "fragments of which every second is empty", [
    0,
    2,
    2,
    4,
    4,
    6,
    6,
    8,
    8,
    10,
    10,
  ]],
];

const cuts: Row[] = MESSAGES.flatMap((message) =>
  CUTS.map(([name, fact, offsets]) =>
    echoes(
      `fragmentation.${name}-${message.type}`,
      `a ${message.type} message in ${fact} comes back`,
      fragmented(message, offsets),
      [message],
    )
  )
);

function zeros(length: number): Uint8Array {
  return new Uint8Array(length);
}

const many: Row[] = [
  echoes(
    "fragmentation.all-empty",
    "a message of empty fragments alone comes back empty",
    fragmented(text(""), [0, 0, 0]),
    [text("")],
  ),
  echoes(
    "fragmentation.thousand",
    "a message in a thousand fragments of a byte comes back",
    fragmented(text("x".repeat(1000)), Array.from({ length: 999 }, (_, i) => i + 1)),
    [text("x".repeat(1000))],
  ),
  echoes(
    "fragmentation.thousand-empty",
    "a message with a thousand empty fragments before the last comes back",
    fragmented(text("x"), Array(1000).fill(0)),
    [text("x")],
  ),
  echoes(
    "fragmentation.each-length",
    "a message whose fragments have each form of the length comes back",
    fragmented(binary(zeros(131_200)), [125, 251, 65_786]),
    [binary(zeros(131_200))],
  ),
  echoes(
    "fragmentation.in-a-row",
    "fragmented messages of both types in a row come back",
    [...fragmented(MESSAGES[0]!, [4]), ...fragmented(MESSAGES[1]!, [7]), whole(text("end"))],
    [...MESSAGES, text("end")],
  ),
];

/** A control frame before, between and after three fragments. */
const interleaved: Row[] = [0, 1, 2, 3].flatMap((place) => {
  const fragments = fragmented(text(WORDS), [3, 6]);
  const at = (inserted: readonly Buffer[]) => fragments.toSpliced(place, 0, ...inserted);
  const before = place === 0 ? "before" : `after ${place} of`;
  return [
    echoes(
      `fragmentation.ping-at-${place}`,
      `the server answers a ping ${before} three fragments`,
      at([frame(PING, "between")]),
      [text(WORDS)],
      { pongs: [utf8("between")] },
    ),
    echoes(
      `fragmentation.pings-at-${place}`,
      `the server answers both pings around a pong ${before} three fragments`,
      at([frame(PING), frame(PONG, "unasked"), frame(PING, "2")]),
      [text(WORDS)],
      { pongs: [utf8(""), utf8("2")] },
    ),
    {
      id: `fragmentation.close-at-${place}`,
      fact: `the server answers a Close frame ${before} three fragments`,
      sends: at([close(1001)]),
      strict: { messages: place === 3 ? [text(WORDS)] : [], ends: [1001] },
    },
  ];
});

const start = frame(TEXT, "a", { fin: false });
const broken: Row[] = [
  fails(
    "fragmentation.stray",
    "a continuation without a message is refused",
    [frame(0, "x")],
    1002,
  ),
  fails("fragmentation.stray-empty", "an empty continuation without a message is refused", [
    frame(0),
  ], 1002),
  fails(
    "fragmentation.stray-unfinished",
    "a continuation without FIN and without a message is refused",
    [frame(0, "x", { fin: false })],
    1002,
  ),
  ...[["text", TEXT], ["binary", BINARY]].flatMap(([type, opcode]) => [
    fails(
      `fragmentation.${type}-within`,
      `a new ${type} message within a fragmented one is refused`,
      [start, frame(opcode as number, "b")],
      1002,
    ),
    fails(
      `fragmentation.${type}-start-within`,
      `the first fragment of a ${type} message within another is refused`,
      [start, frame(opcode as number, "b", { fin: false })],
      1002,
    ),
    fails(
      `fragmentation.${type}-after-ping`,
      `a new ${type} message after a fragment and a ping is refused`,
      [start, frame(PING), frame(opcode as number, "b")],
      1002,
    ),
  ]).map((row) =>
    row.id.endsWith("after-ping")
      ? {
        ...row,
        strict: { ...row.strict, pongs: [utf8("")] },
        nonStrict: [...row.nonStrict!, { ...DROPPED, pongs: [utf8("")] }],
      }
      : row
  ),
];

const ended: Row[] = [["one", [whole(text("a"))], [text("a")]], [
  "fragmented",
  fragmented(text("ab"), [1]),
  [text("ab")],
]].map(([name, frames, messages]) => {
  const said = messages as WireMessage[];
  return {
    id: `fragmentation.stray-after-${name}`,
    fact: `a continuation after a whole message is refused: ${name}`,
    sends: [...frames as Uint8Array[], frame(0, "x")],
    strict: { messages: said, ends: [1002] },
    nonStrict: [{ ...DROPPED, messages: said }, DROPPED],
  };
});

/** RFC 6455 §5.4. */
export const fragmentation: Section = {
  name: "fragmentation",
  title: "Fragmentation (RFC 6455 §5.4)",
  server: "protocol.echo",
  rows: [...cuts, ...many, ...interleaved, ...broken, ...ended],
};

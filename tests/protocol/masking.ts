import { CLOSE, closePayload, frame, PING } from "../harness/clients/raw_client.ts";
import {
  binary,
  close,
  DROPPED,
  echoes,
  fails,
  hex,
  type Row,
  type Section,
  text,
  utf8,
  whole,
} from "./row.ts";

const MASKS = [[0, 0, 0, 0], [255, 255, 255, 255], [0, 0, 0, 1], [1, 0, 0, 0], [
  0x61,
  0x62,
  0x63,
  0x64,
]];

function bytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => 0x80 + i * 7);
}

const masks: Row[] = MASKS.map((mask) => {
  const messages = [text("abcdabcd-abc"), binary(bytes(37)), text("")];
  return {
    id: `masking.key-${hex(mask)}`,
    fact: `the server unmasks each kind of frame with the key ${hex(mask)}`,
    sends: [
      ...messages.map((message) => whole(message, { mask })),
      frame(PING, "ping", { mask }),
      frame(CLOSE, closePayload(1000), { mask }),
    ],
    strict: { messages, pongs: [utf8("ping")], ends: [1000] },
  };
});

// Implementations unmask in words, so these rows have each remainder at each alignment.
const LENGTHS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]
  .concat([511, 512, 513, 514, 515, 516, 517, 518, 519, 520]);
const alignments: Row[] = LENGTHS.map((length) => {
  const messages = [0, 1, 2, 3, 4, 5, 6, 7].flatMap((shift) => [
    text("s".repeat(shift)),
    binary(bytes(length)),
  ]);
  return echoes(
    `masking.length-${length}`,
    `the server unmasks a payload of ${length} bytes at each alignment`,
    messages.map((message, i) => whole(message, { mask: [i + 1, 0x90 + i, 0x33, 0xfe - i] })),
    messages,
  );
});

const long: Row[] = [255, 256, 257, 4093, 65531].map((length) => {
  const message = binary(bytes(length));
  return echoes(`masking.length-${length}`, `the server unmasks a payload of ${length} bytes`, [
    whole(message, { mask: [0xde, 0xad, 0xbe, 0xef] }),
  ], [message]);
});

const bare = { masked: false };
const unmasked: Row[] = [
  ["text", [whole(text("hello"), bare)]],
  ["empty", [whole(text(""), bare)]],
  ["binary", [whole(binary([1, 2, 3]), bare)]],
  ["long", [whole(binary(bytes(1000)), bare)]],
  ["ping", [frame(PING, "ping", bare)]],
  ["close", [frame(CLOSE, closePayload(1000), bare)]],
  ["continuation", [whole(text("a"), { fin: false }), frame(0, "b", bare)]],
  ["second", [whole(text("a")), whole(text("b"), bare)]],
].map(([name, frames]) =>
  fails(
    `masking.unmasked-${name}`,
    `an unmasked frame is refused: ${name}`,
    [...frames as Uint8Array[], close(1000)],
    1002,
  )
).map((row) =>
  row.id.endsWith("second")
    ? {
      ...row,
      strict: { ...row.strict, messages: [text("a")] },
      nonStrict: [{ ...DROPPED, messages: [text("a")] }, ...row.nonStrict!],
    }
    : row
);

/** RFC 6455 §5.1 and §5.3. */
export const masking: Section = {
  name: "masking",
  title: "Masking (RFC 6455 §5.1, §5.3)",
  server: "protocol.echo",
  rows: [...masks, ...alignments, ...long, ...unmasked],
};

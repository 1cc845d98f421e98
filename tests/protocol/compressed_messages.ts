import type { Buffer } from "node:buffer";
import { constants, deflateRawSync } from "node:zlib";
import {
  BINARY,
  CLOSE,
  closePayload,
  frame,
  PING,
  PONG,
  TEXT,
} from "../harness/clients/raw_client.ts";
import {
  binary,
  close,
  echoes,
  type Expected,
  fails,
  hex,
  type Row,
  type Section,
  text,
  utf8,
  whole,
  type WireMessage,
} from "./row.ts";

const MIB = 1024 * 1024;
const RSV1 = 4;
const OFFER = {
  headers: { "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits" },
};

/** Compresses as in RFC 7692 §7.2.1: flushed, and without the last four bytes. */
function deflated(bytes: Uint8Array, options: object = {}): Buffer {
  return deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH, ...options }).subarray(0, -4);
}

function opcodeOf({ type }: WireMessage): number {
  return type === "text" ? TEXT : BINARY;
}

/** Returns a compressed message in one frame. */
function packed(message: WireMessage, options?: object): Buffer {
  return frame(opcodeOf(message), deflated(message.bytes, options), { rsv: RSV1 });
}

/** Cuts a compressed payload at the offsets, and sets RSV1 on the first fragment alone. */
function pieces(opcode: number, payload: Uint8Array, offsets: readonly number[]): Buffer[] {
  const ends = [...offsets, payload.byteLength];
  return ends.map((end, i) =>
    frame(i > 0 ? 0 : opcode, payload.subarray(ends[i - 1] ?? 0, end), {
      fin: i === ends.length - 1,
      rsv: i > 0 ? 0 : RSV1,
    })
  );
}

function compressed(row: Row): Row {
  return { ...row, id: `compressed.${row.id}`, handshake: OFFER, needsCompression: true };
}

function noise(length: number): Uint8Array {
  let seed = 1;
  return Uint8Array.from({ length }, () => (seed = (seed * 48271) % 2147483647) & 255);
}

const hello = text("Hello"), long = text("compress me ".repeat(300));

const lengths: Row[] = [0, 1, 2, 125, 126, 127, 128, 1023, 1024, 1025, 65535, 65536, 65537, MIB]
  .flatMap((length) => {
    const messages = [text("abcdefgh".repeat(MIB / 8).slice(0, length)), binary(noise(length))];
    // Compression makes a MiB of noise longer than the limit for a frame.
    return messages.slice(0, length === MIB ? 1 : 2).map((message) =>
      echoes(
        `length-${length}-${message.type}`,
        `a compressed ${message.type} message of ${length} bytes comes back`,
        [packed(message)],
        [message],
      )
    );
  });

/** Examples of RFC 7692 §7.2.3, and other output that a compressor may emit. */
const BLOCKS: readonly (readonly [name: string, fact: string, payload: number[], said: string])[] =
  [
    ["fixed", "one block (§7.2.3.1)", [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], "Hello"],
    ["shared", "a block that ends in another (§7.2.3.2)", [0xf2, 0x00, 0x11, 0x00, 0x00], "Hello"],
    [
      "stored",
      "a stored block (§7.2.3.3)",
      [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
      "Hello",
    ],
    [
      "final",
      "a block with BFINAL (§7.2.3.4)",
      [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
      "Hello",
    ],
    [
      "two",
      "two blocks (§7.2.3.5)",
      [0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
      "Hello",
    ],
    ["empty", "an empty message (§7.2.3.6)", [0x00], ""],
    ["empty-fixed", "an empty fixed block", [0x02, 0x00], ""],
  ];
const blocks: Row[] = BLOCKS.filter(([name]) => name !== "shared").map((
  [name, fact, payload, said],
) =>
  echoes(
    `block-${name}`,
    `the server inflates ${fact}`,
    [frame(TEXT, Uint8Array.from(payload), { rsv: RSV1 }), packed(hello)],
    [text(said), hello],
  )
);

const takeover: Row = {
  id: "takeover",
  fact:
    "a message may refer to the previous one, unless the answer forbids context takeover (§7.2.3.2)",
  sends: (agreed) => [
    frame(TEXT, Uint8Array.of(0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00), { rsv: RSV1 }),
    agreed?.client_no_context_takeover
      ? packed(hello)
      : frame(TEXT, Uint8Array.of(0xf2, 0x00, 0x11, 0x00, 0x00), { rsv: RSV1 }),
    close(1000),
  ],
  strict: { messages: [hello, hello], ends: [1000] },
};

const mixed: Row[] = [
  echoes("plain", "uncompressed messages between compressed ones come back", [
    whole(hello),
    packed(hello),
    whole(long),
  ], [
    hello,
    hello,
    long,
  ]),
  echoes(
    "levels",
    "messages compressed with each level of zlib come back",
    [1, 6, 9].map((level) => packed(long, { level })),
    [
      long,
      long,
      long,
    ],
  ),
  echoes("stored-long", "a message of several stored blocks comes back", [
    packed(binary(noise(70_000)), { level: 0 }),
  ], [
    binary(noise(70_000)),
  ]),
  echoes(
    "many",
    "a hundred compressed messages in a row come back",
    Array(100).fill(packed(hello)),
    Array(100).fill(hello),
  ),
  echoes("ping", "the server answers a ping between compressed messages", [
    packed(hello),
    frame(PING, "p"),
    packed(hello),
  ], [
    hello,
    hello,
  ], { pongs: [utf8("p")] }),
  ...["κόσμε", "\ufeff", "👋".repeat(50)].map((words, i) =>
    echoes(`utf8-${i}`, "compressed letters of more than a byte come back", [packed(text(words))], [
      text(words),
    ])
  ),
];

const payload = deflated(long.bytes);
const fragments: Row[] = [
  ["two", [9]],
  ["bytes", Array.from({ length: payload.byteLength - 1 }, (_, i) => i + 1)],
  ["first-empty", [0]],
  ["last-empty", [payload.byteLength]],
  ["middle-empty", [5, 5, 5]],
].map(([name, offsets]) =>
  echoes(
    `fragments-${name}`,
    `a compressed message in fragments comes back: ${name}`,
    pieces(TEXT, payload, offsets as number[]),
    [long],
  )
);
fragments.push(
  echoes(
    "fragments-ping",
    "the server answers a ping between compressed fragments",
    pieces(TEXT, payload, [5]).toSpliced(1, 0, frame(PING, "p")),
    [long],
    { pongs: [utf8("p")] },
  ),
);

/** Messages whose frame heads arrive in parts, or apart from their payloads. */
const cuts: Row[] = [
  [
    "head-apart",
    "a message comes back if its head arrives alone and its payload with the next frame",
    hello,
    [5, 6],
  ],
  [
    "long-head",
    "a message comes back if its head of eight bytes arrives in three parts",
    binary(noise(300)),
    [6, 7],
  ],
  ["payload", "a message comes back if its payload arrives in three parts", long, [10, 20]],
].map(([name, fact, message, offsets]) => ({
  ...echoes(`cut-${name}`, fact as string, [packed(message as WireMessage)], [
    message as WireMessage,
  ]),
  cuts: offsets as number[],
}));

const start = frame(TEXT, payload.subarray(0, 5), { fin: false, rsv: RSV1 });
const bits: Row[] = [
  fails("rsv1-continuation", "RSV1 on a continuation is refused (§6)", [
    start,
    frame(0, payload.subarray(5), { rsv: RSV1 }),
  ], 1002),
  fails(
    "rsv1-continuation-of-plain",
    "RSV1 on a continuation of an uncompressed message is refused",
    [
      frame(TEXT, "a", { fin: false }),
      frame(0, "b", { rsv: RSV1 }),
    ],
    1002,
  ),
  fails("rsv1-ping", "RSV1 on a ping is refused", [frame(PING, "p", { rsv: RSV1 })], 1002),
  fails("rsv1-pong", "RSV1 on a pong is refused", [frame(PONG, "p", { rsv: RSV1 })], 1002),
  fails(
    "rsv1-close",
    "RSV1 on a Close frame is refused",
    [frame(CLOSE, closePayload(1000), { rsv: RSV1 })],
    1002,
  ),
  ...[1, 2, 3, 5, 6, 7].map((rsv) =>
    fails(`rsv-${rsv}`, `reserved bits ${rsv} on a compressed text frame are refused`, [
      frame(TEXT, deflated(utf8("a")), { rsv }),
    ], 1002)
  ),
];

/** Row that accepts several close codes, as RFC 7692 names none for broken streams. */
function unreadable(id: string, fact: string, sends: readonly Uint8Array[]): Row {
  const refused: Expected = { ends: [1007, 1002, 1003, 1008, 1011] };
  return { ...fails(id, fact, sends, 1007), strict: refused };
}

const BROKEN: readonly (readonly [name: string, bytes: number[]])[] = [
  ["reserved-block", [0x06, 0x00]],
  ["all-ones", Array(32).fill(0xff)],
  ["bad-stored-length", [0x00, 0x05, 0x00, 0x00, 0x00, 0x48, 0x65]],
  ["reference-before-start", [0x02, 0x13, 0x00, 0x00]],
  ["bad-code-lengths", [0x04, 0xfe, 0xff, 0xff, 0xff, 0xff]],
  ["random", [...noise(64)]],
];
const broken: Row[] = [
  ...BROKEN.map(([name, bytes]) =>
    unreadable(
      `broken-${name}`,
      `a payload that does not inflate is refused: ${hex(bytes.slice(0, 6))}`,
      [
        frame(BINARY, Uint8Array.from(bytes), { rsv: RSV1 }),
      ],
    )
  ),
  {
    ...unreadable("truncated-stored", "a truncated stored block is refused", [
      frame(BINARY, deflated(noise(1000), { level: 0 }).subarray(0, 500), { rsv: RSV1 }),
      close(1000),
    ]),
    // zlib returns the part that arrived, and reads the tail of RFC 7692 §7.2.2 as data.
    nonStrict: [{
      messages: [binary([...noise(495), 0, 0, 255, 255])],
      ends: [1000],
      why: "A truncated stream counts as complete: RFC 7692 has no rule for truncated streams",
    }],
  },
  unreadable("truncated", "a payload that ends within a block is refused", [
    frame(BINARY, deflated(noise(1000).map((it) => it & 15)).subarray(0, 300), { rsv: RSV1 }),
    close(1000),
  ]),
  fails("not-utf8", "text that is not UTF-8 after inflation is refused", [
    frame(TEXT, deflated(Uint8Array.of(97, 0xc3, 40)), { rsv: RSV1 }),
  ], 1007),
];

const zeros = new Uint8Array(MIB + 1);
const bombs: Row[] = [
  echoes("full", "a message of 1 MiB after inflation comes back", [
    packed(binary(zeros.subarray(1))),
  ], [
    binary(zeros.subarray(1)),
  ]),
  fails("bomb-1", "a message of 1 MiB and a byte after inflation is refused", [
    packed(binary(zeros)),
  ], 1009),
  fails("bomb-64", "a message of 64 MiB after inflation is refused", [
    packed(binary(new Uint8Array(64 * MIB))),
  ], 1009),
  fails(
    "bomb-fragments",
    "a fragmented message of 8 MiB after inflation is refused",
    pieces(BINARY, deflated(new Uint8Array(8 * MIB)), [100, 1000, 4000]),
    1009,
  ),
];

/** RFC 7692 §6, §7.2 and §8. */
export const compressedMessages: Section = {
  name: "compressed",
  title: "Compression: messages, broken streams, bombs (RFC 7692 §6, §7.2, §8)",
  server: "protocol.compressed",
  rows: [
    ...lengths,
    ...blocks,
    takeover,
    ...mixed,
    ...fragments,
    ...cuts,
    ...bits,
    ...broken,
    ...bombs,
  ].map(compressed),
};

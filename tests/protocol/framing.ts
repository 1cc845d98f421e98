import { BINARY, CLOSE, frame, PING, TEXT } from "../harness/clients/raw_client.ts";
import {
  binary,
  close,
  DROPPED,
  echoes,
  fails,
  fragmented,
  LONG_WINDED,
  otherCode,
  type Row,
  type Section,
  text,
  whole,
} from "./row.ts";

/** Default of the server's `limits.maxPayload`. */
const MAX_PAYLOAD = 1024 * 1024;
const LENGTHS = [0, 1, 125, 126, 127, 128, 65535, 65536, 65537, MAX_PAYLOAD];
const TOO_LONG = [MAX_PAYLOAD + 1, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 62];

function bytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i * 31);
}

function letters(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => 97 + i % 26);
}

const lengths: Row[] = LENGTHS.flatMap((length) => {
  const messages = [text(letters(length)), binary(bytes(length))];
  return messages.map((message) =>
    echoes(
      `framing.length-${length}-${message.type}`,
      `a ${message.type} message of ${length} bytes comes back`,
      [whole(message)],
      [message],
    )
  );
});

const tooLong: Row[] = [
  ...TOO_LONG.map((length) =>
    fails(
      `framing.too-long-${length}`,
      `a frame of ${length} bytes is refused once its head arrives`,
      [frame(BINARY, "x", { length: BigInt(length), lengthBytes: 8 })],
      1009,
      { nonStrict: [otherCode(1002)] },
    )
  ),
  fails(
    "framing.too-long-fragments",
    "a fragmented message of 1 MiB and a byte is refused",
    fragmented(binary(bytes(MAX_PAYLOAD + 1)), [MAX_PAYLOAD / 2]),
    1009,
  ),
  echoes(
    "framing.full-fragments",
    "a fragmented message of 1 MiB comes back",
    fragmented(binary(bytes(MAX_PAYLOAD)), [MAX_PAYLOAD / 2]),
    [binary(bytes(MAX_PAYLOAD))],
  ),
  ...[0x80, 0xff].map((first) =>
    fails(
      `framing.top-bit-${first}`,
      "a length with the top bit set is refused",
      [frame(BINARY, "x", { length: (BigInt(first) << 56n) + 1n, lengthBytes: 8 })],
      1002,
    )
  ).map((row) => ({ ...row, strict: { ends: [1002, 1009] } })),
];

// The sender "MUST" use the fewest bytes; the RFC does not tell the receiver to check.
const longWinded: Row[] = ([[0, 2], [5, 2], [125, 2], [0, 8], [5, 8], [125, 8], [126, 8], [
  65535,
  8,
]] as const).map(([length, lengthBytes]) => {
  const message = text(letters(length));
  return {
    ...fails(
      `framing.long-winded-${length}-in-${lengthBytes}`,
      `a length of ${length} in ${lengthBytes} bytes is refused`,
      [whole(message, { lengthBytes }), close(1000)],
      1002,
    ),
    nonStrict: [DROPPED, { messages: [message], ends: [1000], why: LONG_WINDED }],
  };
});

const KINDS = [["text", TEXT], ["binary", BINARY], ["ping", PING], ["close", CLOSE]] as const;

const reserved: Row[] = [
  ...KINDS.flatMap(([kind, opcode]) =>
    [1, 2, 3, 4, 5, 6, 7].map((rsv) =>
      fails(
        `framing.reserved-bits-${rsv}-${kind}`,
        `reserved bits ${rsv} on a ${kind} frame are refused`,
        [frame(opcode, opcode === CLOSE ? "\x03\xe8" : "x", { rsv })],
        1002,
      )
    )
  ),
  ...[1, 2, 4].flatMap((rsv) => [
    fails(
      `framing.reserved-bits-${rsv}-empty`,
      `reserved bits ${rsv} on an empty frame are refused`,
      [frame(TEXT, "", { rsv })],
      1002,
    ),
    fails(
      `framing.reserved-bits-${rsv}-continuation`,
      `reserved bits ${rsv} on a continuation are refused`,
      [frame(TEXT, "a", { fin: false }), frame(0, "b", { rsv })],
      1002,
    ),
  ]),
];

const opcodes: Row[] = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((opcode) => [
  fails(`framing.opcode-${opcode}`, `opcode ${opcode} is refused`, [frame(opcode, "x")], 1002),
  fails(
    `framing.opcode-${opcode}-empty`,
    `opcode ${opcode} without a payload is refused`,
    [frame(opcode)],
    1002,
  ),
  fails(
    `framing.opcode-${opcode}-unfinished`,
    `opcode ${opcode} without FIN is refused`,
    [frame(opcode, "x", { fin: false })],
    1002,
  ),
  fails(
    `framing.opcode-${opcode}-within`,
    `opcode ${opcode} within a fragmented message is refused`,
    [frame(TEXT, "a", { fin: false }), frame(opcode, "x")],
    1002,
  ),
]);

/** RFC 6455 §5.2: lengths, reserved bits and opcodes. */
export const framing: Section = {
  name: "framing",
  title: "Framing: lengths, reserved bits, opcodes (RFC 6455 §5.2)",
  server: "protocol.echo",
  rows: [...lengths, ...tooLong, ...longWinded, ...reserved, ...opcodes],
};

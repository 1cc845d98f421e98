import { Buffer } from "node:buffer";
import { deflateRawSync } from "node:zlib";
import { closePayload } from "../harness/clients/raw_client.ts";
import type { Random } from "./random.ts";

const CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10;
const FIN = 0x80, RSV1 = 0x40, MASKED = 0x80;

/** Fields of a frame before a mutation. */
export interface FrameParts {
  readonly first: number;
  readonly payload: Uint8Array;
  readonly isMasked?: boolean;
  /** Length that the header declares. */
  readonly claimed?: number;
  /** Number of bytes of the length: 0, 2 or 8. Default: the fewest possible. */
  readonly lengthBytes?: 0 | 2 | 8;
}

/** Returns the bytes of a frame. */
export function frameBytes(random: Random, parts: FrameParts): Buffer {
  const { first, payload, isMasked = true, claimed = payload.length } = parts;
  const lengthBytes = parts.lengthBytes ?? (claimed < 126 ? 0 : claimed < 65536 ? 2 : 8);
  const head = Buffer.alloc(2 + lengthBytes + (isMasked ? 4 : 0));
  head[0] = first;
  head[1] = (isMasked ? MASKED : 0) |
    (lengthBytes === 0 ? claimed & 0x7f : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) head.writeUInt16BE(claimed & 0xffff, 2);
  if (lengthBytes === 8) head.writeBigUInt64BE(BigInt.asUintN(64, BigInt(claimed)), 2);
  if (!isMasked) return Buffer.concat([head, payload]);
  const masked = Buffer.from(payload), mask = random.uint32();
  head.writeUInt32BE(mask, head.length - 4);
  for (let i = 0; i < masked.length; i++) masked[i]! ^= mask >>> (24 - 8 * (i & 3));
  return Buffer.concat([head, masked]);
}

/** Constraints for the frames of one history. */
export interface FrameChoices {
  readonly maxPayload: number;
  readonly isCompressed: boolean;
  /** Whether messages may be large. */
  readonly isLarge: boolean;
}

const LETTERS = [
  "a",
  "Z",
  "0",
  " ",
  "\n",
  "\u0000",
  "é",
  "߿",
  "€",
  "\ud7ff",
  "￿",
  "😀",
  "\u{10ffff}",
];

function textBytes(random: Random, length: number): Buffer {
  let text = "";
  for (let rest = Math.min(length, 64); rest > 0; rest--) text += random.pick(LETTERS);
  const bytes = Buffer.from(text);
  if (bytes.length === 0) return bytes;
  // Complete repetitions, so that no letter is cut.
  return Buffer.from(text.repeat(Math.max(1, Math.floor(length / bytes.length))));
}

function lengthOf(random: Random, { maxPayload, isLarge }: FrameChoices): number {
  const kind = random.weighted({ tiny: 60, small: 20, medium: 8, edge: 3, large: isLarge ? 1 : 0 });
  const length = kind === "tiny"
    ? random.below(17)
    : kind === "small"
    ? random.below(126)
    : kind === "medium"
    ? random.below(2000)
    : kind === "edge"
    ? random.pick([125, 126, 127, 1023, 1024, 4096, ...(isLarge ? [65535, 65536] : [])])
    : random.below(150_000);
  return Math.min(length, maxPayload);
}

/** Returns a valid control frame, or the frames of a valid message. */
export function validFrames(random: Random, choices: FrameChoices): Buffer[] {
  const kind = random.weighted({ text: 45, binary: 35, fragmented: 8, ping: 8, pong: 4 });
  if (kind === "ping" || kind === "pong") {
    return [control(random, kind === "ping" ? PING : PONG, random.bytes(random.below(126)))];
  }
  const isText = kind === "text" || (kind === "fragmented" && random.chance(0.5));
  const length = lengthOf(random, choices);
  let payload: Uint8Array = isText ? textBytes(random, length) : random.bytes(length);
  if (payload.length > choices.maxPayload) payload = textBytes(random, 0);
  const opcode = isText ? TEXT : BINARY;
  const isDeflated = choices.isCompressed && random.chance(0.6);
  if (isDeflated) payload = deflated(payload);
  const first = opcode | (isDeflated ? RSV1 : 0);
  return kind === "fragmented"
    ? fragments(random, first, payload)
    : [frameBytes(random, { first: FIN | first, payload })];
}

function control(random: Random, opcode: number, payload: Uint8Array): Buffer {
  return frameBytes(random, { first: FIN | opcode, payload });
}

function fragments(random: Random, first: number, payload: Uint8Array): Buffer[] {
  const count = random.between(2, 5), frames: Buffer[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    const isLast = i === count - 1;
    const end = isLast ? payload.length : random.between(at, payload.length);
    const opcode = (i === 0 ? first : CONTINUATION) | (isLast ? FIN : 0);
    frames.push(frameBytes(random, { first: opcode, payload: payload.subarray(at, end) }));
    if (!isLast && random.chance(0.2)) frames.push(control(random, PING, random.bytes(3)));
    at = end;
  }
  return frames;
}

/** Compresses one message by permessage-deflate, without context takeover (RFC 7692 §7.2.1). */
function deflated(payload: Uint8Array): Buffer {
  if (payload.length === 0) return Buffer.from([0]);
  const bytes = deflateRawSync(payload, { level: 1, finishFlush: 2 });
  return bytes.subarray(0, bytes.length - 4);
}

/** Returns a legal close frame. */
export function closeFrame(random: Random): Buffer {
  const code = random.pick([0, 1000, 1000, 1001, 1003, 1007, 1011, 1014, 3000, 3999, 4000, 4999]);
  const reason = random.pick(["", "", "bye", "ü".repeat(61)]);
  return control(random, CLOSE, code === 0 ? new Uint8Array() : closePayload(code, reason));
}

/** Ways to break the stream of frames. */
type Mutation = (random: Random, valid: Buffer, choices: FrameChoices) => Buffer;

const ILL_FORMED = [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [
  0xe2,
  0x82,
]];

const MUTATIONS: Readonly<Record<string, Mutation>> = {
  "flip header bits": (random, valid) => flip(random, valid, 2),
  "flip any bits": (random, valid) => flip(random, valid, valid.length),
  "cut": (random, valid) => valid.subarray(0, random.below(valid.length)),
  "garbage": (random) => Buffer.from(random.bytes(random.between(1, 60))),
  "unmasked": (random) =>
    frameBytes(random, { first: FIN | TEXT, payload: Buffer.from("bare"), isMasked: false }),
  "longer than told": (random) => lie(random, (length) => Math.max(0, length - 3)),
  "shorter than told": (random) => lie(random, (length) => length + random.between(1, 300)),
  "much shorter than told": (random) => lie(random, () => random.pick([2 ** 31, 2 ** 32, 2 ** 53])),
  "negative length": (random) => lie(random, () => -1 - random.below(1000)),
  "length in too many bytes": (random) =>
    frameBytes(random, {
      first: FIN | BINARY,
      payload: random.bytes(random.below(100)),
      lengthBytes: random.pick([2, 8]),
    }),
  "over maxPayload": (random, _valid, { maxPayload, isLarge }) =>
    maxPayload > 70_000 && !isLarge
      ? lie(random, () => maxPayload + 1)
      : frameBytes(random, { first: FIN | BINARY, payload: new Uint8Array(maxPayload + 1) }),
  "ill-formed text": (random) =>
    frameBytes(random, {
      first: FIN | TEXT,
      payload: Buffer.concat([textBytes(random, 9), Buffer.from(random.pick(ILL_FORMED))]),
    }),
  "ill-formed text in fragments": (random) =>
    Buffer.concat(
      fragments(
        random,
        TEXT,
        Buffer.concat([
          textBytes(random, 9),
          Buffer.from(random.pick(ILL_FORMED)),
          textBytes(random, 3),
        ]),
      ),
    ),
  "reserved opcode": (random) =>
    frameBytes(random, {
      first: FIN | random.pick([3, 4, 5, 6, 7, 11, 12, 13, 14, 15]),
      payload: random.bytes(random.below(20)),
    }),
  "reserved bits": (random) =>
    frameBytes(random, {
      first: FIN | random.pick([0x10, 0x20, 0x30, 0x40, 0x70]) | random.pick([TEXT, BINARY]),
      payload: random.bytes(random.below(20)),
    }),
  "fragmented control": (random) =>
    frameBytes(random, { first: random.pick([CLOSE, PING, PONG]), payload: random.bytes(2) }),
  "long control": (random) => control(random, random.pick([PING, PONG, CLOSE]), random.bytes(126)),
  "stray continuation": (random) =>
    frameBytes(random, { first: random.pick([0, FIN]), payload: random.bytes(5) }),
  "message within a message": (random) =>
    Buffer.concat([
      frameBytes(random, { first: TEXT, payload: Buffer.from("begun") }),
      frameBytes(random, { first: FIN | TEXT, payload: Buffer.from("another") }),
    ]),
  "illegal close code": (random) => {
    const code = random.pick([0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535]);
    return control(random, CLOSE, closePayload(code));
  },
  "close code of one byte": (random) => control(random, CLOSE, random.bytes(1)),
  "ill-formed close reason": (random) =>
    control(random, CLOSE, Buffer.concat([closePayload(1000), Buffer.from([0xff, 0xfe])])),
  "compressed garbage": (random) =>
    frameBytes(random, {
      first: FIN | RSV1 | random.pick([TEXT, BINARY]),
      payload: random.bytes(random.between(1, 50)),
    }),
  "compressed bomb": (random, _valid, { maxPayload, isCompressed }) =>
    frameBytes(random, {
      first: FIN | (isCompressed ? RSV1 : 0) | BINARY,
      payload: isCompressed ? deflated(new Uint8Array(maxPayload * 2)) : random.bytes(3),
    }),
};

/** Breaks the stream of frames at one place. Returns the name of the mutation. */
export function mutated(
  random: Random,
  valid: Buffer,
  choices: FrameChoices,
): { readonly bytes: Buffer; readonly how: string } {
  const how = random.pick(Object.keys(MUTATIONS));
  return { how, bytes: MUTATIONS[how]!(random, valid, choices) };
}

function flip(random: Random, valid: Buffer, within: number): Buffer {
  const bytes = Buffer.from(valid);
  for (let count = random.between(1, 3); count > 0; count--) {
    bytes[random.below(within)]! ^= 1 << random.below(8);
  }
  return bytes;
}

function lie(random: Random, claim: (length: number) => number): Buffer {
  const payload = random.bytes(random.below(100));
  const claimed = claim(payload.length);
  const lengthBytes = claimed < 0 || claimed > 65535 ? 8 : claimed > 125 ? 2 : 0;
  return frameBytes(random, { first: FIN | BINARY, payload, claimed, lengthBytes });
}

import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";

/**
 * Messages with a topic, a sender, a number and a checksum of the body. The first character is the
 * topic. A binary message holds the bytes of the same text.
 */
export interface Numbered {
  readonly topic: string;
  readonly from: string;
  readonly seq: number;
  readonly isWhole: boolean;
}

/**
 * Length of the longest head: a topic, a name of 20 characters, a number, a checksum, and spaces.
 */
const MAX_HEAD = 50;
const BODY = Array.from({ length: 1 << 20 }, (_, index) => {
  const noise = Math.imul(index + 1, 0x9e3779b1) >>> 20;
  return noise < 64 ? String.fromCharCode(0xc0 + noise) : String.fromCharCode(97 + noise % 26);
}).join("");

/** Returns a message with a body of `length` characters, some of them not ASCII. */
export function numbered(topic: string, from: string, seq: number, length: number): string {
  const start = seq % (BODY.length - length);
  const body = BODY.slice(start, start + length);
  return `${topic} ${from} ${seq} ${crc32(body).toString(36)} ${body}`;
}

/** Reads a message; `undefined` if it is not numbered. */
export function readNumbered(message: string | Uint8Array): Numbered | undefined {
  const head = typeof message === "string"
    ? message.slice(0, MAX_HEAD)
    : Buffer.from(message.buffer, message.byteOffset, Math.min(MAX_HEAD, message.length))
      .toString("latin1");
  const [topic, from, seq, sum] = head.split(" ", 4);
  if (sum === undefined) return undefined;
  const at = topic!.length + from!.length + seq!.length + sum.length + 4;
  const body = typeof message === "string" ? message.slice(at) : message.subarray(at);
  return {
    topic: topic!,
    from: from!,
    seq: Number(seq),
    isWhole: crc32(body).toString(36) === sum,
  };
}

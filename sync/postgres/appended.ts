import { Buffer } from "node:buffer";
import type { Position } from "../../pubsub/history/position.ts";

/** Frames that were added to a history. */
export interface Appended {
  readonly first: Position;
  readonly frames: readonly Uint8Array[];
}

/** First letter of a payload. The name of a sender, with which other payloads begin, has no `+`. */
const MARK = "+";
const PAYLOAD = /^\+(\d{1,16})-([1-9]\d{0,14}):(\d{1,7}):(\d{1,7})\./;
/** Length before each frame, in bytes: the highest first. */
const LENGTH_BYTES = 4;
/** Most bytes of the frames of one append: those of a turn, and a last one of 1 MiB. */
const MAX_BYTES = 2 * 1024 * 1024;

/** Whether a payload is a part of frames that were added to a history. */
export function isAppended(payload: string): boolean {
  return payload.startsWith(MARK);
}

/** Frames as one value for the server, with the place of each: from 1 on, as SQL counts. */
export function pack(
  frames: readonly Uint8Array<ArrayBuffer>[],
): { readonly packed: Buffer; readonly starts: readonly number[] } {
  const starts: number[] = [], parts: Uint8Array[] = [];
  let start = 1;
  for (const frame of frames) {
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32BE(frame.byteLength);
    parts.push(length, frame);
    starts.push(start + LENGTH_BYTES);
    start += LENGTH_BYTES + frame.byteLength;
  }
  return { packed: Buffer.concat(parts), starts };
}

/** Returns the frames of {@linkcode pack}; `undefined` for other bytes. */
function unpack(packed: Buffer): readonly Uint8Array[] | undefined {
  const frames: Uint8Array[] = [];
  for (let at = 0; at < packed.byteLength;) {
    if (at + LENGTH_BYTES > packed.byteLength) return undefined;
    const length = packed.readUInt32BE(at);
    at += LENGTH_BYTES;
    if (length > packed.byteLength - at) return undefined;
    frames.push(packed.subarray(at, at += length));
  }
  return frames;
}

/** An append of which some parts have arrived. */
interface Unfinished {
  readonly id: string;
  readonly parts: Buffer[];
  received: number;
}

/**
 * Joins the notifications of appends:
 *
 * ```text
 * payload  "+" | epoch | "-" | offset | ":" | bytes of the whole | ":" | start of the part | "." | base64
 * whole    (length of a frame, 4 bytes, the highest first | frame)*
 * ```
 *
 * PostgreSQL sends the notifications of a transaction one after another, so at most one append is
 * unfinished. If a part is missing, the append is dropped: the topic finds the gap.
 */
export class AppendedJoiner {
  #unfinished: Unfinished | undefined;

  /** Takes a payload. Returns the frames with the last part, and `undefined` for any other payload. */
  join(name: string, payload: string): Appended | undefined {
    const [head = "", epoch, offset, total, start] = PAYLOAD.exec(payload) ?? [];
    const bytes = Number(total), from = Number(start);
    const id = `${name}:${epoch}:${offset}:${total}`;
    if (from === 0) this.#unfinished = { id, parts: [], received: 0 };
    const unfinished = this.#unfinished;
    const part = Buffer.from(payload.slice(head.length), "base64");
    if (
      !unfinished || unfinished.id !== id || unfinished.received !== from || !(bytes <= MAX_BYTES)
    ) {
      this.#unfinished = undefined;
      return undefined;
    }
    unfinished.parts.push(part);
    unfinished.received += part.byteLength;
    if (unfinished.received < bytes && part.byteLength > 0) return undefined;
    this.#unfinished = undefined;
    const frames = unfinished.received === bytes
      ? unpack(Buffer.concat(unfinished.parts))
      : undefined;
    return frames && { first: { epoch: Number(epoch), offset: Number(offset) }, frames };
  }
}

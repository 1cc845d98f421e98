import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

/** First byte of a chunk. */
const MARK = 0xff;
const HASH_BYTES = 16;
const TOTAL_AT = 1 + HASH_BYTES, OFFSET_AT = TOTAL_AT + 4;
/** Length of a chunk's header. */
const HEADER_BYTES: number = OFFSET_AT + 4;
/** Most bytes of unfinished frames that a {@linkcode ChunkJoiner} holds. */
const MAX_UNFINISHED_BYTES: number = 64 * 1024 * 1024;
/**
 * Largest frame: the messages of one turn, of which the last may have 16 MiB, with long topics. A
 * larger length is forged: one short chunk must not push out the frames of all nodes.
 */
const MAX_FRAME_BYTES: number = 20 * 1024 * 1024;

/**
 * Returns what to send for a frame: the frame itself if it fits, otherwise chunks. Send them in this
 * order on the frame's channel.
 *
 * ```text
 * chunk    0xff | hash of the frame (16 bytes) | length of the frame | offset of the part | part
 * hash     the first half of SHA-256
 * length, offset   4 bytes, the highest first
 * ```
 *
 * The hash names the frame, so the chunks of two senders never mix. A frame that begins with 0xff
 * is always sent as chunks, so that no receiver takes the frame itself for a chunk.
 *
 * @param maxBytes most bytes that the broker carries at once; at least 26.
 * @throws {RangeError} for a frame over 20 MiB, and if a chunk has no room for a part.
 */
export function splitFrame(
  frame: Uint8Array<ArrayBuffer>,
  maxBytes: number,
): readonly Uint8Array<ArrayBuffer>[] {
  const total = frame.byteLength;
  if (total <= maxBytes && frame[0] !== MARK) return [frame];
  const maxPart = maxBytes - HEADER_BYTES;
  if (!(maxPart >= 1)) {
    throw new RangeError(
      `Cannot split a frame as the broker must carry at least ${HEADER_BYTES + 1} bytes: ` +
        `current value is ${maxBytes}`,
    );
  }
  if (total > MAX_FRAME_BYTES) {
    throw new RangeError(
      `Cannot split a frame as it must have at most ${MAX_FRAME_BYTES} bytes: ` +
        `current value is ${total}`,
    );
  }
  const hash = hashOf(frame), chunks: Uint8Array<ArrayBuffer>[] = [];
  for (let offset = 0; offset < total; offset += maxPart) {
    const part = frame.subarray(offset, offset + maxPart);
    const chunk = new Uint8Array(HEADER_BYTES + part.byteLength), view = new DataView(chunk.buffer);
    chunk[0] = MARK;
    chunk.set(hash, 1);
    view.setUint32(TOTAL_AT, total);
    view.setUint32(OFFSET_AT, offset);
    chunk.set(part, HEADER_BYTES);
    chunks.push(chunk);
  }
  return chunks;
}

/** A frame of which some parts have arrived. */
interface Unfinished {
  /** Length of the frame, as its chunks tell. */
  readonly total: number;
  /** The parts. Grows with them, as the length may be forged. */
  bytes: Uint8Array<ArrayBuffer>;
  received: number;
}

/** First length of {@linkcode Unfinished.bytes}, if the frame is not shorter. */
const MIN_CAPACITY = 4096;

/**
 * Joins the chunks of {@linkcode splitFrame}. Returns only whole frames, as the hash covers the
 * whole frame. If a chunk is missing, or arrives in another order, the frame is dropped.
 */
export class ChunkJoiner {
  readonly #maxBytes: number;
  /** By channel and hash; the oldest first. */
  readonly #unfinished = new Map<string, Unfinished>();
  #bytes = 0;

  /** @param maxBytes most bytes of unfinished frames; beyond, the oldest frame is dropped. */
  constructor(maxBytes: number = MAX_UNFINISHED_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** Number of bytes that unfinished frames occupy. */
  get byteLength(): number {
    return this.#bytes;
  }

  /**
   * Takes bytes that have arrived on a channel. Returns a whole frame, or `undefined` while parts
   * are missing. Returns the bytes of a malformed chunk, and of the first chunk in a wrong place,
   * unchanged: the node counts these as invalid, since no frame of a node begins with 0xff.
   */
  join(channel: string, bytes: Uint8Array): Uint8Array | undefined {
    if (bytes[0] !== MARK) return bytes;
    if (bytes.byteLength <= HEADER_BYTES) return bytes;
    const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
    const total = view.getUint32(TOTAL_AT), offset = view.getUint32(OFFSET_AT);
    const part = bytes.subarray(HEADER_BYTES), hash = bytes.subarray(1, TOTAL_AT);
    if (total > Math.min(this.#maxBytes, MAX_FRAME_BYTES) || offset + part.byteLength > total) {
      return bytes;
    }
    const key = `${channel}\n${Buffer.from(hash).toString("latin1")}`;
    if (offset === 0) {
      this.#drop(key);
      this.#unfinished.set(key, { total, bytes: new Uint8Array(), received: 0 });
    }
    const frame = this.#unfinished.get(key);
    // This node subscribed after the first chunk, or an earlier chunk was lost or dropped.
    if (!frame) return undefined;
    if (offset !== frame.received || total !== frame.total) {
      this.#drop(key);
      return bytes;
    }
    this.#grow(frame, offset + part.byteLength);
    frame.bytes.set(part, offset);
    frame.received += part.byteLength;
    if (frame.received < total) return undefined;
    this.#drop(key);
    return hashOf(frame.bytes).equals(hash) ? frame.bytes : bytes;
  }

  /** Makes room for the parts that have arrived. Drops the oldest frames beyond the limit. */
  #grow(frame: Unfinished, needed: number): void {
    const { bytes, total } = frame;
    if (bytes.byteLength >= needed) return;
    const capacity = Math.min(total, Math.max(2 * needed, MIN_CAPACITY));
    for (const [key, oldest] of this.#unfinished) {
      if (this.#bytes - bytes.byteLength + capacity <= this.#maxBytes) break;
      if (oldest !== frame) this.#drop(key);
    }
    frame.bytes = new Uint8Array(capacity);
    frame.bytes.set(bytes);
    this.#bytes += capacity - bytes.byteLength;
  }

  #drop(key: string): void {
    const frame = this.#unfinished.get(key);
    if (!frame) return;
    this.#unfinished.delete(key);
    this.#bytes -= frame.bytes.byteLength;
  }
}

/** Returns a hash that no other frame has. Not by Web Crypto, which is asynchronous. */
function hashOf(frame: Uint8Array): Buffer {
  return createHash("sha256").update(frame).digest().subarray(0, HASH_BYTES);
}

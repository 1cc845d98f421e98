import { Frame } from "../socket/frame.ts";
import { escapeName, unescapeName } from "./channel.ts";
import type { OutgoingFrame, Payload } from "../socket/socket.ts";

/** One message between nodes. */
export interface NodeMessage {
  /** Topic, if the channel does not tell it: a message to all namespaces. */
  readonly topic?: string | undefined;
  readonly frame: OutgoingFrame;
  readonly compress: boolean;
  /** Whether the message is from node to node, so that no client gets it. */
  readonly isControl?: boolean | undefined;
}

/** Version of the format: the first byte of each frame. */
const VERSION = 2;
/** Length of a node's id, and of an epoch. */
const ID_BYTES = 8, EPOCH_BYTES = 4;
const ID_AT = 1, EPOCH_AT = ID_AT + ID_BYTES, HEADER_BYTES = EPOCH_AT + EPOCH_BYTES;
/** Flags of a message. 4 is reserved. */
const TEXT = 1, NO_COMPRESSION = 2, CONTROL = 8, NAMED = 16, LAST = 32;
/** The only byte after the header of a frame without messages. */
const EMPTY = 64;
const KNOWN_FLAGS = TEXT | NO_COMPRESSION | CONTROL | NAMED | LAST;
/** Most bytes of a message on the wire besides topic and payload: flags and two lengths. */
const OVERHEAD_BYTES = 11;

const utf8 = new TextEncoder();
// Without `ignoreBOM`, a byte order mark at the start of a message would be lost.
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Returns the bytes by which a node's frames begin, after the version: the id of the node, which has
 * 16 hexadecimal digits, and epoch 0.
 */
export function nodeBytes(id: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(ID_BYTES + EPOCH_BYTES);
  for (let i = 0; i < ID_BYTES; i++) bytes[i] = parseInt(id.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** Writes the epoch of all later frames into the bytes of {@linkcode nodeBytes}. */
export function setEpoch(node: Uint8Array, epoch: number): void {
  viewOf(node).setUint32(ID_BYTES, epoch);
}

/** Origin of a frame. */
export interface Sender {
  /** Id of the node. */
  readonly node: bigint;
  /** Number of the node's connection to the broker, from 0 to 2^32 - 1. Then 0 follows. */
  readonly epoch: number;
}

/** Reads the origin of a frame that {@linkcode decodeFrame} has taken. */
export function senderOf(frame: Uint8Array): Sender {
  const view = viewOf(frame);
  return { node: view.getBigUint64(ID_AT), epoch: view.getUint32(EPOCH_AT) };
}

/** Whether an epoch comes before another one. After 2^32 - 1 comes 0: half of all are older. */
export function isOlder(epoch: number, than: number): boolean {
  return (epoch - than | 0) < 0;
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/**
 * Writes the messages of one node for one channel:
 *
 * ```text
 * frame    version (1 byte, 2) | id of the node (8 bytes) | epoch (4 bytes) | message+ or 64
 * message  flags (1 byte) | [length, escaped topic] | length | payload
 * flags    1 text · 2 do not compress · 8 from node to node · 16 the topic comes first · 32 last message of the frame
 * length   LEB128: 7 bits a byte, the lowest first; at most 5 bytes
 * ```
 *
 * The epoch, with its highest byte first, is one more at each connection of the node. A frame
 * without messages only tells the epoch.
 *
 * @param node bytes of {@linkcode nodeBytes}.
 */
export function encodeFrame(
  node: Uint8Array,
  messages: readonly NodeMessage[],
): Uint8Array<ArrayBuffer> {
  const topics = messages.map(({ topic }) => topic === undefined ? undefined : escapeName(topic));
  let size = HEADER_BYTES + 1;
  for (let i = 0; i < messages.length; i++) {
    size += OVERHEAD_BYTES + messages[i]!.frame.byteLength + (topics[i]?.length ?? 0);
  }
  const bytes = new Uint8Array(size);
  bytes[0] = VERSION;
  bytes.set(node, ID_AT);
  let at = HEADER_BYTES;
  if (messages.length === 0) bytes[at++] = EMPTY;
  for (let i = 0; i < messages.length; i++) {
    const { frame, compress, isControl } = messages[i]!, topic = topics[i];
    bytes[at++] = (typeof frame.payload === "string" ? TEXT : 0) |
      (compress ? 0 : NO_COMPRESSION) | (isControl ? CONTROL : 0) |
      (topic === undefined ? 0 : NAMED) |
      (i === messages.length - 1 ? LAST : 0);
    if (topic !== undefined) at = writePart(bytes, at, topic, topic.length);
    at = writePart(bytes, at, frame.payload, frame.byteLength);
  }
  return bytes.subarray(0, at);
}

/** Writes text into the frame itself: as bytes of its own, each text would be garbage a turn later. */
function writePart(bytes: Uint8Array, at: number, part: Payload, length: number): number {
  at = writeLength(bytes, at, length);
  if (typeof part === "string") utf8.encodeInto(part, bytes.subarray(at));
  else bytes.set(part, at);
  return at + length;
}

function writeLength(bytes: Uint8Array, at: number, length: number): number {
  while (length > 127) {
    bytes[at++] = (length & 127) | 128;
    length >>>= 7;
  }
  bytes[at++] = length;
  return at;
}

/**
 * Reads a frame. Returns its messages, `"own"` if the frame comes from this node, and `undefined` if
 * any part of the frame breaks the format: then no message of it counts.
 */
export function decodeFrame(
  bytes: Uint8Array,
  node: Uint8Array,
): readonly NodeMessage[] | "own" | undefined {
  if (bytes.byteLength < HEADER_BYTES || bytes[0] !== VERSION) return undefined;
  if (isFrom(node, bytes)) return "own";
  if (bytes.byteLength === HEADER_BYTES + 1 && bytes[HEADER_BYTES] === EMPTY) return [];
  const messages: NodeMessage[] = [], reader = new Reader(bytes, HEADER_BYTES);
  try {
    while (!reader.isComplete) messages.push(reader.message());
    const isControl = messages[0]?.isControl;
    if (messages.some((message) => message.isControl !== isControl)) return undefined;
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return undefined;
    throw error;
  }
  return messages;
}

/** Whether a frame that {@linkcode encodeFrame} has written is for nodes alone, and no client gets it. */
export function isControlFrame(frame: Uint8Array): boolean {
  return (frame[HEADER_BYTES]! & CONTROL) !== 0;
}

function isFrom(node: Uint8Array, frame: Uint8Array): boolean {
  for (let i = 0; i < ID_BYTES; i++) if (node[i] !== frame[ID_AT + i]) return false;
  return true;
}

/** Reads messages. Throws a `RangeError` at a wrong length, and a `TypeError` for invalid UTF-8. */
class Reader {
  readonly #bytes: Uint8Array;
  #at: number;
  #hasLast = false;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** Whether the last message is read, and the frame ends there. */
  get isComplete(): boolean {
    return this.#hasLast && this.#at === this.#bytes.byteLength;
  }

  message(): NodeMessage {
    const flags = this.#byte();
    if (flags & ~KNOWN_FLAGS) throw new RangeError("unknown flags");
    if (this.#hasLast) throw new RangeError("the frame goes on after its last message");
    this.#hasLast = (flags & LAST) !== 0;
    const topic = flags & NAMED ? unescapeName(strict.decode(this.#part())) : undefined;
    // Copied: the broker may use the memory of its frame again, and a peer may keep the message.
    const payload = new Uint8Array(this.#part());
    return {
      topic,
      isControl: (flags & CONTROL) !== 0,
      compress: !(flags & NO_COMPRESSION),
      frame: new Frame(flags & TEXT ? strict.decode(payload) : payload, payload),
    };
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new RangeError("the frame ends too early");
    return byte;
  }

  #part(): Uint8Array {
    const length = this.#length(), start = this.#at;
    if (length > this.#bytes.byteLength - start) throw new RangeError("the frame ends too early");
    this.#at += length;
    return this.#bytes.subarray(start, this.#at);
  }

  #length(): number {
    let length = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#byte();
      length += (byte & 127) * 2 ** shift;
      if (byte < 128) return length;
    }
    throw new RangeError("a length has more than five bytes");
  }
}

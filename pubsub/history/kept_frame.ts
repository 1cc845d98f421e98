import { Frame } from "../../socket/frame.ts";
import type { OutgoingFrame } from "../../socket/socket.ts";

/** Version of the format: the first byte of each frame. */
const VERSION = 1;
const TEXT = 1, NO_COMPRESSION = 2, EXCLUDES = 4;
const KNOWN_FLAGS = TEXT | NO_COMPRESSION | EXCLUDES;
const ID_BYTES = 8, TOKEN_BYTES = 4;
const ID_AT = 2, TOKEN_AT = ID_AT + ID_BYTES, LONG_HEADER = TOKEN_AT + TOKEN_BYTES;

// Without `ignoreBOM`, a byte order mark at the start of a message would be lost.
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A message of a topic with history, between nodes. */
export interface KeptMessage {
  readonly frame: OutgoingFrame;
  readonly compress: boolean;
  /** Number by which its node knows the member that does not get the message. */
  readonly token?: number | undefined;
}

/**
 * Writes a message as the broker keeps it:
 *
 * ```text
 * frame    version (1 byte, 1) | flags (1 byte) | [node (8 bytes) | token (4 bytes)] | payload
 * flags    1 text · 2 do not compress · 4 node and token come first
 * ```
 *
 * @param node id of this node, in 8 bytes or more.
 */
export function encodeKept(
  node: Uint8Array,
  { frame, compress, token }: KeptMessage,
): Uint8Array<ArrayBuffer> {
  const header = token === undefined ? ID_AT : LONG_HEADER;
  const bytes = new Uint8Array(header + frame.byteLength);
  bytes[0] = VERSION;
  bytes[1] = (typeof frame.payload === "string" ? TEXT : 0) | (compress ? 0 : NO_COMPRESSION) |
    (token === undefined ? 0 : EXCLUDES);
  if (token !== undefined) {
    bytes.set(node.subarray(0, ID_BYTES), ID_AT);
    new DataView(bytes.buffer).setUint32(TOKEN_AT, token);
  }
  bytes.set(frame.bytes, header);
  return bytes;
}

/**
 * Reads a message; `undefined` if any part breaks the format. `token` is present only in messages of
 * this node.
 */
export function decodeKept(bytes: Uint8Array, node: Uint8Array): KeptMessage | undefined {
  const flags = bytes[1] ?? -1, header = flags & EXCLUDES ? LONG_HEADER : ID_AT;
  if (bytes[0] !== VERSION || flags & ~KNOWN_FLAGS || bytes.byteLength < header) return undefined;
  // Copied: the broker may use the memory of its frame again, and a peer may keep the message.
  const payload = new Uint8Array(bytes.subarray(header));
  const message = { frame: frameOf(payload, flags), compress: !(flags & NO_COMPRESSION) };
  if (!message.frame) return undefined;
  const isOwn = header === LONG_HEADER && isFrom(node, bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return { ...message, frame: message.frame, ...(isOwn && { token: view.getUint32(TOKEN_AT) }) };
}

function frameOf(payload: Uint8Array<ArrayBuffer>, flags: number): Frame | undefined {
  if (!(flags & TEXT)) return new Frame(payload);
  try {
    return new Frame(strict.decode(payload), payload);
  } catch {
    return undefined; // not UTF-8
  }
}

function isFrom(node: Uint8Array, frame: Uint8Array): boolean {
  for (let i = 0; i < ID_BYTES; i++) if (node[i] !== frame[ID_AT + i]) return false;
  return true;
}

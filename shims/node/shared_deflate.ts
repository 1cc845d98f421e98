import { constants, deflateRawSync } from "node:zlib";
import type { OutgoingFrame } from "../../socket/socket.ts";

/** Options of permessage-deflate that concern the sender. */
export interface DeflateOptions {
  readonly threshold?: number | undefined;
  readonly zlibDeflateOptions?: object | undefined;
}

/** Least message size to compress, in bytes, as in `ws`. */
const DEFAULT_THRESHOLD = 1024;
/** Largest message to compress here. A larger one would block the event loop for a millisecond. */
const MAX_LENGTH = 64 * 1024;
/** Bytes of the empty block at the end of each message. The block is not sent (RFC 7692 §7.2.1). */
const TAIL_LENGTH = 4;

/**
 * Compresses a message once for all its recipients. Works for clients with
 * `server_no_context_takeover` (RFC 7692 §7.1.1.1), for which each message is compressed by itself.
 */
export class SharedDeflate {
  readonly #threshold: number;
  readonly #options: object;
  /** Latest frame and its compressed form. A publish passes the same frame for each recipient. */
  #last: { readonly frame: OutgoingFrame; readonly deflated: Uint8Array | undefined } | undefined;

  constructor({ threshold = DEFAULT_THRESHOLD, zlibDeflateOptions }: DeflateOptions) {
    this.#threshold = threshold;
    this.#options = { ...zlibDeflateOptions, finishFlush: constants.Z_SYNC_FLUSH };
  }

  /** Whether the message is small enough to be compressed without a wait. */
  takes({ byteLength }: OutgoingFrame): boolean {
    return byteLength <= MAX_LENGTH;
  }

  /** Returns the compressed payload; `undefined` if it is not smaller, or under the threshold. */
  deflate(frame: OutgoingFrame): Uint8Array | undefined {
    if (frame.byteLength < this.#threshold) return undefined;
    if (this.#last?.frame === frame) return this.#last.deflated;
    const bytes = deflateRawSync(frame.bytes, this.#options);
    const length = bytes.byteLength - TAIL_LENGTH;
    const deflated = length < frame.byteLength ? bytes.subarray(0, length) : undefined;
    this.#last = { frame, deflated };
    return deflated;
  }
}

/**
 * Whether the negotiated extension compresses each message by itself, in the default window.
 *
 * @param extensions the value of `Sec-WebSocket-Extensions` in the response.
 */
export function isShareable(extensions: string): boolean {
  return /;\s*server_no_context_takeover/i.test(extensions) &&
    !/;\s*server_max_window_bits/i.test(extensions);
}

import { constants, deflateRawSync } from "node:zlib";
import type { OutgoingFrame } from "../../socket/socket.ts";

/** The options of permessage-deflate that matter to who compresses. */
export interface DeflateOptions {
  readonly threshold?: number | undefined;
  readonly zlibDeflateOptions?: object | undefined;
}

/** Under this many bytes nothing is gained; what `ws` takes, too. */
const DEFAULT_THRESHOLD = 1024;
/** More than this takes over a millisecond, and is not for the event loop. */
const MAX_LENGTH = 64 * 1024;
/** An empty block, which every message ends with and which is not sent (RFC 7692 §7.2.1). */
const TAIL_LENGTH = 4;

/**
 * Compresses a message once for all its recipients, where each message is compressed by itself
 * (`server_no_context_takeover`, RFC 7692 §7.1.1.1).
 */
export class SharedDeflate {
  readonly #threshold: number;
  readonly #options: object;
  /** A publish hands over the same frame again and again: remembering one is enough. */
  #last: { readonly frame: OutgoingFrame; readonly deflated: Uint8Array | undefined } | undefined;

  constructor({ threshold = DEFAULT_THRESHOLD, zlibDeflateOptions }: DeflateOptions) {
    this.#threshold = threshold;
    this.#options = { ...zlibDeflateOptions, finishFlush: constants.Z_SYNC_FLUSH };
  }

  /** Whether the message is small enough for being compressed at once. */
  takes({ byteLength }: OutgoingFrame): boolean {
    return byteLength <= MAX_LENGTH;
  }

  /** What stands for the message on the wire; `undefined` where it is smaller as it is. */
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
 * Whether an agreed extension lets every message be compressed by itself, in the usual window.
 *
 * @param extensions the value of `Sec-WebSocket-Extensions` in the response.
 */
export function isShareable(extensions: string): boolean {
  return /;\s*server_no_context_takeover/i.test(extensions) &&
    !/;\s*server_max_window_bits/i.test(extensions);
}

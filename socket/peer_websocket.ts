import { BINARY_TYPES, type BinaryType } from "./message.ts";
import { invalidOption } from "../common/errors.ts";
import { checkCallOptions } from "../common/option_names.ts";
import type { SendQueue } from "./send_queue.ts";

/** Options of `peer.send`. */
export interface SendOptions {
  /**
   * Whether to compress this message if permessage-deflate (RFC 7692) was negotiated.
   *
   * @default true
   */
  readonly compress?: boolean;
}

const SEND_OPTIONS: readonly (keyof SendOptions)[] = ["compress"];

/**
 * Returns whether to compress a message, by the options of `peer.send`.
 *
 * @throws {TypeError} for an option that does not exist, and for a value that is not an object.
 */
export function compressOf(options: SendOptions | undefined): boolean {
  checkCallOptions(options, SEND_OPTIONS);
  return options?.compress ?? true;
}

/** The part of a peer that {@linkcode PeerWebSocket} calls. */
interface Sender {
  send(data: unknown, options?: SendOptions): number;
  close(code?: number, reason?: string): void;
}

/** Connection of a peer, with the members of a WHATWG `WebSocket`. */
export class PeerWebSocket {
  readonly #peer: Sender;
  readonly #sendQueue: SendQueue;
  readonly #url: () => string;
  #binaryType: BinaryType = "uint8array";

  /** @internal Called by the peer. */
  constructor(peer: Sender, sendQueue: SendQueue, url: () => string) {
    this.#peer = peer;
    this.#sendQueue = sendQueue;
    this.#url = url;
  }

  /** URL that the client opened, with `ws:` or `wss:`. */
  get url(): string {
    return this.#url();
  }

  /** Negotiated subprotocol, or `""`. */
  get protocol(): string {
    return this.#sendQueue.socket.protocol;
  }

  /** Negotiated extensions, or `""`. */
  get extensions(): string {
    return this.#sendQueue.socket.extensions;
  }

  /** State: 0 connecting, 1 open, 2 closing, 3 closed. */
  get readyState(): number {
    return this.#sendQueue.readyState;
  }

  /** Number of bytes that are queued for this client. */
  get bufferedAmount(): number {
    return this.#sendQueue.bufferedAmount;
  }

  /**
   * Type of `message.data` for binary messages of this peer.
   *
   * @default "uint8array"
   */
  get binaryType(): BinaryType {
    return this.#binaryType;
  }

  /** @throws {TypeError} for an unknown type. */
  set binaryType(type: BinaryType) {
    if (!BINARY_TYPES.includes(type)) {
      throw new TypeError(invalidOption("binaryType", BINARY_TYPES.join(" or "), type));
    }
    this.#binaryType = type;
  }

  /** Socket of the runtime. The contract does not cover its use. */
  get raw(): unknown {
    return this.#sendQueue.socket.raw;
  }

  /** Same as `peer.send`. */
  send(data: unknown, options?: SendOptions): number {
    return this.#peer.send(data, options);
  }

  /** Same as `peer.close`. */
  close(code?: number, reason?: string): void {
    this.#peer.close(code, reason);
  }
}

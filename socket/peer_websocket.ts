import { BINARY_TYPES, type BinaryType } from "./message.ts";
import type { SendQueue } from "./send_queue.ts";

/** Options of `peer.send`. */
export interface SendOptions {
  /**
   * Whether to compress this message where permessage-deflate (RFC 7692) was negotiated.
   *
   * @default true
   */
  readonly compress?: boolean;
}

/** The peer whose own `send` and `close` these are. */
interface Sender {
  send(data: unknown, options?: SendOptions): number;
  close(code?: number, reason?: string): void;
}

/** A peer's connection in the terms of the WHATWG `WebSocket`; `send` and `close` are the peer's own. */
export class PeerWebSocket {
  readonly #peer: Sender;
  readonly #outbox: SendQueue;
  readonly #url: () => string;
  #binaryType: BinaryType = "uint8array";

  /** @internal Made by the peer. */
  constructor(peer: Sender, outbox: SendQueue, url: () => string) {
    this.#peer = peer;
    this.#outbox = outbox;
    this.#url = url;
  }

  /** The URL that the client opened, `ws:` or `wss:`. */
  get url(): string {
    return this.#url();
  }

  /** The subprotocol that was negotiated, not the ones offered; `""` for none. */
  get protocol(): string {
    return this.#outbox.socket.protocol;
  }

  /** The extensions that were negotiated; `""` for none. */
  get extensions(): string {
    return this.#outbox.socket.extensions;
  }

  /** 0 connecting, 1 open, 2 closing, 3 closed. */
  get readyState(): number {
    return this.#outbox.readyState;
  }

  /** Bytes that wait for this client. */
  get bufferedAmount(): number {
    return this.#outbox.bufferedAmount;
  }

  /**
   * What `message.data` is for binary messages of this peer.
   *
   * @default "uint8array"
   */
  get binaryType(): BinaryType {
    return this.#binaryType;
  }

  /** @throws {TypeError} for an unknown type. */
  set binaryType(type: BinaryType) {
    if (!BINARY_TYPES.includes(type)) {
      throw new TypeError(
        `Cannot set binaryType as it must be one of ${BINARY_TYPES.join(", ")}: current value is ${
          String(type)
        }`,
      );
    }
    this.#binaryType = type;
  }

  /** The runtime's own socket. What you do to it, no contract covers. */
  get raw(): unknown {
    return this.#outbox.socket.raw;
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

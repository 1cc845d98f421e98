import { inspectAs } from "../common/inspect.ts";
import type { Payload } from "./socket.ts";

/** Type of `message.data` for a binary message. */
export type BinaryType = "uint8array" | "arraybuffer" | "blob" | "nodebuffer";

/** Names accepted for {@linkcode BinaryType}. */
export const BINARY_TYPES: readonly string[] = ["uint8array", "arraybuffer", "blob", "nodebuffer"];

/** The part of a peer that its messages use. */
export interface MessageSource {
  /** Id for error messages and inspection. */
  readonly id: string;
  /** Holds the type of `message.data` for binary messages. */
  readonly websocket: { readonly binaryType: BinaryType };
}

/** Use of the bytes so far: none, sent without a copy, or read by a hook. */
const UNSEEN = 0, SENT_ON = 1, SEEN = 2;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** The part of Node's `Buffer` that this module uses. */
interface BufferConstructor {
  from(bytes: ArrayBuffer): Uint8Array<ArrayBuffer>;
}

/**
 * One message from a client. The payload is converted only when a method or property needs it. A
 * hook may keep the message: its bytes are not part of a shared pool.
 *
 * @example
 * ```ts
 * import { defineHooks } from "@onepeer/onepeer";
 *
 * defineHooks({
 *   message(peer, message) {
 *     if (message.type === "text") peer.send(`you said ${message}`);
 *     else peer.send(message.rawData); // bytes stay bytes
 *   },
 * });
 * ```
 */
export class Message<Source extends MessageSource = MessageSource> {
  /** Peer that sent the message. */
  readonly peer: Source;
  /** Payload. Bytes that no caller has read may be a view of a larger buffer. */
  #payload: Payload;
  #bytes: typeof UNSEEN | typeof SENT_ON | typeof SEEN = UNSEEN;
  /** Never set. crossws declares this property. */
  declare readonly event?: unknown;
  declare private _id?: string;

  static {
    inspectAs(this.prototype, (message) => {
      const { byteLength } = message.uint8Array();
      const size = `${byteLength} ${byteLength === 1 ? "byte" : "bytes"}`;
      return `Message(${message.type}, ${size}, from ${message.peer.id})`;
    });
  }

  /** @internal Called by the library. */
  constructor(peer: Source, rawData: Payload) {
    this.peer = peer;
    this.#payload = rawData;
  }

  /** Payload as received: a string for text, bytes for binary. `peer.send` keeps the type. */
  get rawData(): Payload {
    const payload = this.#payload;
    if (typeof payload === "string" || this.#bytes === SEEN) return payload;
    const isOwn = this.#bytes === UNSEEN && payload.byteLength === payload.buffer.byteLength;
    this.#bytes = SEEN;
    return isOwn ? payload : this.#payload = new Uint8Array(payload);
  }

  /** @internal Copies the bytes out of a larger buffer, as the message will wait for a hook. */
  static settle(message: Message): void {
    const payload = message.#payload;
    if (typeof payload === "string" || payload.byteLength === payload.buffer.byteLength) return;
    message.#payload = new Uint8Array(payload);
  }

  /**
   * @internal Returns the payload for a send without a copy, or `undefined` if a caller has read the
   * bytes and could change them. A caller that reads the bytes later gets a copy.
   */
  static sendOn(message: Message): Payload | undefined {
    if (typeof message.#payload === "string") return message.#payload;
    if (message.#bytes === SEEN) return undefined;
    message.#bytes = SENT_ON;
    return message.#payload;
  }

  /** Random UUID v4, made at the first use. */
  get id(): string {
    return this._id ??= crypto.randomUUID();
  }

  /** Whether the client sent a text or a binary frame (RFC 6455 §5.6). */
  get type(): "text" | "binary" {
    return typeof this.#payload === "string" ? "text" : "binary";
  }

  /** A string for text. For binary, the type that `peer.websocket.binaryType` names. */
  get data(): string | Uint8Array<ArrayBuffer> | ArrayBuffer | Blob {
    const { rawData } = this;
    if (typeof rawData === "string") return rawData;
    switch (this.peer.websocket.binaryType) {
      case "arraybuffer":
        return this.arrayBuffer();
      case "blob":
        return this.blob();
      case "nodebuffer":
        return nodeBuffer(this.arrayBuffer());
      default:
        return rawData;
    }
  }

  /** Payload as text. Binary is decoded as UTF-8, with U+FFFD for invalid bytes. */
  text(): string {
    const payload = this.#payload;
    return typeof payload === "string" ? payload : decoder.decode(payload);
  }

  /**
   * Payload parsed as JSON.
   *
   * @throws {SyntaxError} if the payload is not JSON. The error names peer and size, never the content.
   */
  json<T = unknown>(): T {
    try {
      return JSON.parse(this.text());
    } catch {
      throw new SyntaxError(
        `Cannot parse the message of peer ${this.peer.id} as JSON: it has ${this.uint8Array().byteLength} bytes`,
      );
    }
  }

  /** Bytes of the payload. Text is encoded as UTF-8. */
  uint8Array(): Uint8Array<ArrayBuffer> {
    const { rawData } = this;
    return typeof rawData === "string" ? encoder.encode(rawData) : rawData;
  }

  /** Buffer with the bytes of the payload, and no others. */
  arrayBuffer(): ArrayBuffer {
    const bytes = this.uint8Array();
    if (bytes.byteLength === bytes.buffer.byteLength) return bytes.buffer;
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  }

  /** Payload as a `Blob`. */
  blob(): Blob {
    return new Blob([this.uint8Array()]);
  }

  /** Same as {@linkcode text}. */
  toString(): string {
    return this.text();
  }
}

function nodeBuffer(bytes: ArrayBuffer): Uint8Array<ArrayBuffer> {
  const { Buffer } = globalThis as { Buffer?: BufferConstructor };
  return Buffer ? Buffer.from(bytes) : new Uint8Array(bytes);
}

import { inspectAs } from "../common/inspect.ts";
import type { Payload } from "./socket.ts";

/** What `message.data` is for a binary message. */
export type BinaryType = "uint8array" | "arraybuffer" | "blob" | "nodebuffer";

/** Names accepted for {@linkcode BinaryType}. */
export const BINARY_TYPES: readonly string[] = ["uint8array", "arraybuffer", "blob", "nodebuffer"];

/** What a message needs to know of the peer that sent it. */
export interface MessageSource {
  /** For error messages and inspection. */
  readonly id: string;
  /** How `message.data` shows binary. */
  readonly websocket: { readonly binaryType: BinaryType };
}

/** Who has the bytes of a message: nobody yet, something that is being sent, the user. */
const UNSEEN = 0, SENT_ON = 1, SEEN = 2;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Node's `Buffer`, where the runtime has one; typed by the one thing that is used. */
interface BufferConstructor {
  from(bytes: ArrayBuffer): Uint8Array<ArrayBuffer>;
}

/**
 * One message from a client, with lazy views of its payload. It may be kept: the
 * bytes are its own, never a part of a shared pool.
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
  /** Who sent it. */
  readonly peer: Source;
  /** Bytes that nobody has seen yet may be a view of more than them. */
  #payload: Payload;
  #bytes: typeof UNSEEN | typeof SENT_ON | typeof SEEN = UNSEEN;
  /** The runtime's own event, where it dispatches one. */
  declare readonly event?: unknown;
  declare private _id?: string;

  static {
    inspectAs(this.prototype, (message) => {
      const { byteLength } = message.uint8Array();
      const size = `${byteLength} ${byteLength === 1 ? "byte" : "bytes"}`;
      return `Message(${message.type}, ${size}, from ${message.peer.id})`;
    });
  }

  /** @internal Made by the library. */
  constructor(peer: Source, rawData: Payload) {
    this.peer = peer;
    this.#payload = rawData;
  }

  /** The payload as it came: a string for text, bytes for binary. Sending it keeps the type. */
  get rawData(): Payload {
    const payload = this.#payload;
    if (typeof payload === "string" || this.#bytes === SEEN) return payload;
    const isOwn = this.#bytes === UNSEEN && payload.byteLength === payload.buffer.byteLength;
    this.#bytes = SEEN;
    return isOwn ? payload : this.#payload = new Uint8Array(payload);
  }

  /** @internal It will wait, and must not keep more alive than its own bytes. */
  static settle(message: Message): void {
    const payload = message.#payload;
    if (typeof payload === "string" || payload.byteLength === payload.buffer.byteLength) return;
    message.#payload = new Uint8Array(payload);
  }

  /**
   * @internal What can be sent on without a copy, as long as no caller has it in hand, to change
   * it; who asks for it later gets a copy.
   */
  static sendOn(message: Message): Payload | undefined {
    if (typeof message.#payload === "string") return message.#payload;
    if (message.#bytes === SEEN) return undefined;
    message.#bytes = SENT_ON;
    return message.#payload;
  }

  /** A random UUID v4, made on first use. */
  get id(): string {
    return this._id ??= crypto.randomUUID();
  }

  /** Whether the client sent a text or a binary frame (RFC 6455 §5.6). */
  get type(): "text" | "binary" {
    return typeof this.#payload === "string" ? "text" : "binary";
  }

  /** A string for text; for binary, what `peer.websocket.binaryType` says. */
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

  /** The payload as text; binary is decoded as UTF-8, invalid bytes as U+FFFD. */
  text(): string {
    const payload = this.#payload;
    return typeof payload === "string" ? payload : decoder.decode(payload);
  }

  /**
   * The payload parsed as JSON.
   *
   * @throws {SyntaxError} for anything else. It names peer and size, never the content.
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

  /** The payload's bytes; text as UTF-8. */
  uint8Array(): Uint8Array<ArrayBuffer> {
    const { rawData } = this;
    return typeof rawData === "string" ? encoder.encode(rawData) : rawData;
  }

  /** A buffer with exactly the payload's bytes. */
  arrayBuffer(): ArrayBuffer {
    const bytes = this.uint8Array();
    if (bytes.byteLength === bytes.buffer.byteLength) return bytes.buffer;
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  }

  /** The payload as a `Blob`. */
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

import type { EventStream } from "./event_stream.ts";
import type { EventBody } from "./server_sent_event.ts";

/** Largest event that is copied. Above this size a copy costs more than a further chunk. */
const MAX_COPY = 16_384;
/** Bytes at which a chunk is full: runtimes write this many bytes at a time. */
const FULL = 65_536;

/** Events that are written together, each with its own `id` line. */
export class EventChunk {
  readonly #token: string;
  readonly #pieces: (string | EventBody)[] = [];
  #length = 0;

  constructor(token: string) {
    this.#token = token;
  }

  /** Whether further events belong in another chunk. */
  get isFull(): boolean {
    return this.#length >= FULL;
  }

  /** Whether the chunk has no event. */
  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** Adds an event. */
  add(sequence: number | string, body: EventBody): void {
    const id = `id: ${this.#token}.${sequence}\n`;
    this.#pieces.push(id, body);
    this.#length += id.length + body.bytes.byteLength;
  }

  /** Writes all events to a stream: small events as one chunk, large events without a copy. */
  writeTo(stream: EventStream): void {
    let from = 0, length = 0, size = 0;
    for (const [i, piece] of this.#pieces.entries()) {
      if (typeof piece === "string") length += piece.length;
      else if (piece.bytes.byteLength <= MAX_COPY) {
        length += piece.bytes.byteLength;
        size += piece.size;
      } else {
        stream.write(this.#copy(from, i, length), size);
        stream.write(piece.bytes, piece.size);
        from = i + 1;
        length = size = 0;
      }
    }
    if (length > 0) stream.write(this.#copy(from, this.#pieces.length, length), size);
  }

  #copy(from: number, to: number, length: number): Uint8Array<ArrayBuffer> {
    const chunk = new Uint8Array(length);
    let at = 0;
    for (let i = from; i < to; i++) {
      const piece = this.#pieces[i]!;
      if (typeof piece === "string") {
        for (let j = 0; j < piece.length; j++) chunk[at++] = piece.charCodeAt(j); // ids are ASCII
      } else {
        chunk.set(piece.bytes, at);
        at += piece.bytes.byteLength;
      }
    }
    return chunk;
  }
}

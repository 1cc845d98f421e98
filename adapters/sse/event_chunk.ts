import type { EventStream } from "./event_stream.ts";
import type { EventBody } from "./server_sent_event.ts";

/** From this size on a copy costs more than one more chunk does. */
const MAX_COPY = 16_384;
/** As much as a server writes at a time. */
const FULL = 65_536;

/** Events that leave together, each with its own `id`. */
export class EventChunk {
  readonly #token: string;
  readonly #pieces: (string | EventBody)[] = [];
  #length = 0;

  constructor(token: string) {
    this.#token = token;
  }

  /** Whether more should go into another. */
  get isFull(): boolean {
    return this.#length >= FULL;
  }

  /** Whether there is nothing to write. */
  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** Adds an event. */
  add(sequence: number | string, body: EventBody): void {
    const id = `id: ${this.#token}.${sequence}\n`;
    this.#pieces.push(id, body);
    this.#length += id.length + body.bytes.byteLength;
  }

  /** Writes all of them to a line: small ones as one chunk, large ones without a copy. */
  writeTo(line: EventStream): void {
    let from = 0, length = 0, size = 0;
    for (const [i, piece] of this.#pieces.entries()) {
      if (typeof piece === "string") length += piece.length;
      else if (piece.bytes.byteLength <= MAX_COPY) {
        length += piece.bytes.byteLength;
        size += piece.size;
      } else {
        line.write(this.#copy(from, i, length), size);
        line.write(piece.bytes, piece.size);
        from = i + 1;
        length = size = 0;
      }
    }
    if (length > 0) line.write(this.#copy(from, this.#pieces.length, length), size);
  }

  #copy(from: number, to: number, length: number): Uint8Array<ArrayBuffer> {
    const chunk = new Uint8Array(length);
    let at = 0;
    for (let i = from; i < to; i++) {
      const piece = this.#pieces[i]!;
      if (typeof piece === "string") {
        for (let j = 0; j < piece.length; j++) chunk[at++] = piece.charCodeAt(j); // it is ASCII
      } else {
        chunk.set(piece.bytes, at);
        at += piece.bytes.byteLength;
      }
    }
    return chunk;
  }
}

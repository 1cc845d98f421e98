import { Buffer } from "node:buffer";

/** Joins bytes that arrive in pieces. The cost grows with the number of bytes, not of pieces. */
export class GrowingBuffer {
  #memory: Buffer;
  #length: number;

  /** Takes over the first piece without a copy. */
  constructor(first: Buffer) {
    this.#memory = first;
    this.#length = first.byteLength;
  }

  get byteLength(): number {
    return this.#length;
  }

  /** View of all bytes. */
  get bytes(): Buffer {
    return this.#memory.subarray(0, this.#length);
  }

  /** Appends a copy of a piece. */
  append(piece: Uint8Array): void {
    const length = this.#length + piece.byteLength;
    if (length > this.#memory.byteLength) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#length));
      larger.set(this.bytes);
      this.#memory = larger;
    }
    this.#memory.set(piece, this.#length);
    this.#length = length;
  }
}

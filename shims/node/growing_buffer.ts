import { Buffer } from "node:buffer";

/** Bytes that come in pieces, put together at a cost that grows with their number alone. */
export class GrowingBuffer {
  #memory: Buffer;
  #length: number;

  /** Takes the first piece over as it is. */
  constructor(first: Buffer) {
    this.#memory = first;
    this.#length = first.byteLength;
  }

  get byteLength(): number {
    return this.#length;
  }

  /** All of it, as a view. */
  get bytes(): Buffer {
    return this.#memory.subarray(0, this.#length);
  }

  /** Copies one more piece to the end. */
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

import { Buffer } from "node:buffer";
import type { OutgoingFrame } from "../../socket/socket.ts";
import { BINARY, FIN, RSV1, TEXT } from "./frame_bits.ts";

/**
 * Frames that leave in one write: one frame, and the batch before it. Clients that receive the same
 * frames share the same batches, so the bytes are joined once for all clients.
 */
export class FrameBatch {
  /** Bytes of all frames, headers included. */
  readonly byteLength: number;
  readonly #before: FrameBatch | undefined;
  readonly #frame: OutgoingFrame | undefined;
  /** Compressed payload, sent instead of the frame's own bytes. */
  readonly #deflated: Uint8Array | undefined;
  /** Latest batch that continues this one. */
  #next: FrameBatch | undefined;
  #bytes: Uint8Array | undefined;

  /** Makes an empty batch if called without arguments. */
  constructor(before?: FrameBatch, frame?: OutgoingFrame, deflated?: Uint8Array) {
    this.#before = before;
    this.#frame = frame;
    this.#deflated = deflated;
    this.byteLength = before && frame ? before.byteLength + frameLength(this.#bodyLength) : 0;
  }

  /** Returns the batch with one more frame. */
  with(frame: OutgoingFrame, deflated: Uint8Array | undefined): FrameBatch {
    const next = this.#next;
    if (next && next.#frame === frame && next.#deflated === deflated) return next;
    return this.#next = new FrameBatch(this, frame, deflated);
  }

  /** Bytes of all frames, encoded once. */
  get bytes(): Uint8Array {
    return this.#bytes ??= FrameBatch.#encode(this);
  }

  get #bodyLength(): number {
    return this.#deflated?.byteLength ?? this.#frame!.byteLength;
  }

  static #encode(newest: FrameBatch): Uint8Array {
    const target = Buffer.allocUnsafe(newest.byteLength);
    for (let batch = newest; batch.#before; batch = batch.#before) batch.#write(target);
    return target;
  }

  #write(target: Buffer): void {
    const start = this.#before!.byteLength, end = this.byteLength;
    const { payload } = this.#frame!;
    const length = this.#bodyLength;
    const kind = FIN | (typeof payload === "string" ? TEXT : BINARY);
    target[start] = this.#deflated ? kind | RSV1 : kind;
    if (length < 126) target[start + 1] = length;
    else if (length < 65536) {
      target[start + 1] = 126;
      target.writeUInt16BE(length, start + 2);
    } else {
      target[start + 1] = 127;
      target.writeUInt32BE(0, start + 2); // no payload reaches 4 GiB
      target.writeUInt32BE(length, start + 6);
    }
    const body = this.#deflated ?? payload;
    if (typeof body === "string") target.write(body, end - length, length);
    else target.set(body, end - length);
  }
}

/** Length of an unmasked frame (RFC 6455 §5.2). */
function frameLength(bodyLength: number): number {
  return bodyLength + (bodyLength < 126 ? 2 : bodyLength < 65536 ? 4 : 10);
}

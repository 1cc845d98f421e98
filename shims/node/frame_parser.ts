import { Buffer, constants, isUtf8 } from "node:buffer";
import { isSendableCloseCode } from "../../socket/close_code.ts";
import type { Payload, SocketFailure } from "../../socket/socket.ts";
import {
  BINARY,
  CLOSE,
  CONTINUATION,
  CONTROL,
  FIN,
  MASKED,
  PONG,
  RSV,
  TEXT,
} from "./frame_bits.ts";
import { GrowingBuffer } from "./growing_buffer.ts";
import { unmask } from "./masking.ts";

const MASK_LENGTH = 4;
/** Code that stands for a close frame without a code (RFC 6455 §7.1.5); never sent. */
const NO_STATUS = 1005;

/** Receiver of messages, control frames and violations. */
export interface FrameListener {
  /** Called for each whole message. A binary payload in one frame is a view of the chunk. */
  onMessage(payload: Payload, byteLength: number): void;
  /** Called for each ping or pong. The listener owns the bytes. */
  onControl(opcode: number, data: Uint8Array<ArrayBuffer>): void;
  /** Called for a legal close frame, as the last call. `code` is 1005 for an empty frame. */
  onClose(code: number, reason: string): void;
  /** Called when the client breaks the protocol or a limit, as the last call. */
  onViolation(failure: SocketFailure): void;
}

/**
 * Parses the frames of a client chunk by chunk (RFC 6455 §5). Supports no extensions.
 */
export class FrameParser {
  readonly #listener: FrameListener;
  readonly #maxPayload: number;
  /** Bytes of an incomplete frame. */
  #pending: GrowingBuffer | undefined;
  /** Length that {@linkcode #pending} must reach before parsing can go on. */
  #needed = 0;
  /** Opcode and fragments of a fragmented message that is not complete. */
  #opcode = 0;
  #fragments: GrowingBuffer | undefined;
  #isDone = false;

  constructor(listener: FrameListener, maxPayload: number) {
    this.#listener = listener;
    this.#maxPayload = Math.min(maxPayload, constants.MAX_STRING_LENGTH);
  }

  /** Parses one chunk. The parser owns the chunk from then on. */
  read(chunk: Buffer): void {
    if (this.#isDone) return;
    const pending = this.#pending;
    if (!pending) return this.#readAll(chunk);
    pending.append(chunk);
    if (pending.byteLength < this.#needed) return;
    this.#pending = undefined;
    this.#readAll(pending.bytes);
  }

  /** Stops parsing. */
  stop(): void {
    this.#isDone = true;
    this.#pending = this.#fragments = undefined;
  }

  #readAll(data: Buffer): void {
    let at = 0;
    while (at < data.byteLength && !this.#isDone) {
      const end = this.#readFrame(data, at);
      if (end < 0) return this.#keep(data, at, -end);
      at = end;
    }
  }

  #keep(data: Buffer, at: number, needed: number): void {
    if (this.#isDone) return;
    this.#pending = new GrowingBuffer(data.subarray(at));
    this.#needed = needed;
  }

  /**
   * Parses the frame at an offset, and returns the offset of its end. If the frame is incomplete,
   * returns its least length as a negative number.
   */
  #readFrame(data: Buffer, at: number): number {
    const left = data.byteLength - at;
    if (left < 2) return -2;
    const first = data[at]!, second = data[at + 1]!;
    let length = second & 0x7f, header = 2 + MASK_LENGTH;
    const violation = this.#violation(first, second);
    if (violation) return this.#fail(1002, violation);
    if (length === 126) {
      header += 2;
      if (left < header) return -header;
      length = data.readUInt16BE(at + 2);
    } else if (length === 127) {
      header += 8;
      if (left < header) return -header;
      length = data.readUInt32BE(at + 2) * 2 ** 32 + data.readUInt32BE(at + 6);
    }
    const isControl = (first & CONTROL) !== 0;
    if (!isControl && (this.#fragments?.byteLength ?? 0) + length > this.#maxPayload) {
      return this.#fail(1009, `A message has more than ${this.#maxPayload} bytes`);
    }
    if (left < header + length) return -(header + length);
    const start = at + header, end = start + length;
    this.#take(first, data, start, end);
    return end;
  }

  /** Returns the violation in the first two bytes of a frame, or `undefined`. */
  #violation(first: number, second: number): string | undefined {
    const opcode = first & 0xf, isFinal = (first & FIN) !== 0;
    if (first & RSV) return "A reserved bit is set";
    if (!(second & MASKED)) return "A frame of a client must be masked";
    if (opcode & CONTROL) {
      if (opcode > PONG) return `Unknown opcode ${opcode}`;
      if (!isFinal) return "A control frame must not be fragmented";
      if ((second & 0x7f) > 125) return "A control frame must not be over 125 bytes";
      if (opcode === CLOSE && (second & 0x7f) === 1) return "A close code has two bytes";
      return undefined;
    }
    if (opcode > BINARY) return `Unknown opcode ${opcode}`;
    if (opcode === CONTINUATION) {
      return this.#opcode === 0 ? "A continuation without a beginning" : undefined;
    }
    return this.#opcode === 0 ? undefined : "A new message within a fragmented one";
  }

  #take(first: number, data: Buffer, start: number, end: number): void {
    unmask(data, start - MASK_LENGTH, start, end);
    const opcode = first & 0xf;
    if (opcode === TEXT && first & FIN) return this.#takeText(data, start, end);
    const buffer = data.buffer as ArrayBuffer; // streams of Node never read into shared memory
    const view = new Uint8Array(buffer, data.byteOffset + start, end - start);
    if (opcode === BINARY && first & FIN) return this.#listener.onMessage(view, end - start);
    // Copied, as a view of a few bytes would keep the whole chunk in memory.
    const bytes = new Uint8Array(view);
    if (opcode === CLOSE) this.#takeClose(bytes);
    else if (opcode & CONTROL) this.#listener.onControl(opcode, bytes);
    else this.#takeFragment(opcode, bytes, (first & FIN) !== 0);
  }

  #takeText(data: Buffer, start: number, end: number): void {
    const text = data.toString("utf8", start, end);
    // Invalid UTF-8 is decoded to U+FFFD, so only a text with U+FFFD needs a check of its bytes.
    if (text.includes("\ufffd") && !isUtf8(data.subarray(start, end))) {
      this.#fail(1007, "A text is not UTF-8");
    } else this.#listener.onMessage(text, end - start);
  }

  #takeFragment(opcode: number, bytes: Uint8Array, isFinal: boolean): void {
    if (opcode !== CONTINUATION) this.#opcode = opcode;
    const fragments = this.#fragments;
    if (fragments) fragments.append(bytes);
    else this.#fragments = new GrowingBuffer(Buffer.from(bytes.buffer));
    if (!isFinal) return;
    const whole = this.#fragments!.bytes, kind = this.#opcode;
    this.#fragments = undefined;
    this.#opcode = 0;
    if (kind === TEXT) this.#takeText(whole, 0, whole.byteLength);
    else this.#listener.onMessage(new Uint8Array(whole), whole.byteLength);
  }

  #takeClose(bytes: Uint8Array): void {
    const data = Buffer.from(bytes.buffer);
    const code = data.byteLength === 0 ? NO_STATUS : data.readUInt16BE(0);
    const reason = data.subarray(2);
    if (data.byteLength > 0 && !isSendableCloseCode(code)) {
      this.#fail(1002, `Invalid close code ${code}`);
    } else if (!isUtf8(reason)) this.#fail(1007, "A close reason is not UTF-8");
    else {
      this.stop();
      this.#listener.onClose(code, reason.toString());
    }
  }

  #fail(code: number, message: string): -1 {
    this.stop();
    this.#listener.onViolation({ code, message });
    return -1;
  }
}

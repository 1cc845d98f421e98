import type { OutgoingFrame } from "./socket.ts";

/** Most bytes in a control frame (RFC 6455 §5.5). */
const MAX_CONTROL_BYTES = 125;

/**
 * Returns the bytes of a ping frame.
 *
 * @throws {RangeError} for more than 125 bytes.
 */
export function checkPing({ bytes, byteLength }: OutgoingFrame): Uint8Array<ArrayBuffer> {
  if (byteLength <= MAX_CONTROL_BYTES) return bytes;
  throw new RangeError(
    `Cannot ping with more than ${MAX_CONTROL_BYTES} bytes: current length is ${byteLength}`,
  );
}

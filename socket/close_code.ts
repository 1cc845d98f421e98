import { invalidOption, shown } from "../common/errors.ts";

/** Code that is reported if no close frame arrived (RFC 6455 §7.1.5). */
export const ABNORMAL_CLOSURE = 1006;

const MAX_REASON_BYTES = 123;

const utf8 = new TextEncoder();

/** Whether an endpoint may put `code` into a close frame (RFC 6455 §7.4.2 and the IANA registry). */
export function isSendableCloseCode(code: number): boolean {
  return Number.isInteger(code) &&
    ((code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
      (code >= 3000 && code <= 4999));
}

/** Whether a close frame has room for `reason` (RFC 6455 §5.5). */
export function isSendableReason(reason: string): boolean {
  return reason.length * 3 <= MAX_REASON_BYTES ||
    utf8.encode(reason).byteLength <= MAX_REASON_BYTES;
}

/**
 * Checks the code and the reason for a close frame.
 *
 * @throws {TypeError} for a reason that is not a string.
 * @throws {RangeError} for a code or a reason that RFC 6455 does not allow.
 */
export function checkClose(code: number, reason: string): void {
  if (!isSendableCloseCode(code)) {
    throw new RangeError(
      `Cannot close the peer as the code must be 1000-1003, 1007-1014 or 3000-4999: current value is ${
        shown(code)
      }`,
    );
  }
  if (typeof reason !== "string") {
    throw new TypeError(invalidOption("the reason", "a string", reason));
  }
  if (isSendableReason(reason)) return;
  const { byteLength } = utf8.encode(reason);
  throw new RangeError(
    `Cannot close the peer as the reason must be at most ${MAX_REASON_BYTES} bytes of UTF-8: current length is ${byteLength}`,
  );
}

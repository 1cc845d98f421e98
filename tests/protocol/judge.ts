import { Buffer } from "node:buffer";
import type { Exchange } from "./exchange.ts";
import type { Expected, Row, WireMessage } from "./row.ts";

/** Verdict on an exchange. */
export interface Verdict {
  readonly status: "ok" | "non-strict" | "failed";
  /** Wanted and found result, if the status is not `"ok"`. */
  readonly detail?: string;
  /** Why a non-strict result is harmless. */
  readonly why?: string;
}

const AT_END =
  "The server refuses invalid UTF-8 at the end of the message (RFC 6455 §8.1 asks for no more)";

/** Compares an exchange with its row. */
export function judge(row: Row, found: Exchange): Verdict {
  const fault = found.faults[0] ?? (found.status === 101 ? row.offer?.(found.agreed) : undefined);
  if (fault) return { status: "failed", detail: fault };
  const detail = `wanted ${describe(row.strict)}, got ${describeFound(found)}`;
  if (isAs(found, row.strict)) {
    return found.neededRest ? { status: "non-strict", detail, why: AT_END } : { status: "ok" };
  }
  const why = row.nonStrict?.find((expected) => isAs(found, expected))?.why;
  if (!why) return { status: "failed", detail };
  return { status: "non-strict", detail, why: found.neededRest ? AT_END : why };
}

function isAs(found: Exchange, expected: Expected): boolean {
  const { status = [101], messages = [], pongs = [], ends = [] } = expected;
  if (!status.includes(found.status)) return false;
  if (found.status !== 101) return true;
  return found.end !== "open" && ends.includes(found.end) &&
    isSame(found.messages, messages, (a, b) => a.type === b.type && equals(a.bytes, b.bytes)) &&
    isSame(found.pongs, pongs, equals);
}

function isSame<T>(a: readonly T[], b: readonly T[], equal: (a: T, b: T) => boolean): boolean {
  return a.length === b.length && a.every((it, i) => equal(it, b[i]!));
}

function equals(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function describe({ status = [101], messages = [], pongs = [], ends = [] }: Expected): string {
  if (!status.includes(101)) return `status ${status.join(" or ")}`;
  return said(messages, pongs, ends.join(" or "));
}

function describeFound({ status, messages, pongs, end }: Exchange): string {
  if (status !== 101) return status === 0 ? "an end without a response" : `status ${status}`;
  return said(messages, pongs, end);
}

function said(
  messages: readonly WireMessage[],
  pongs: readonly Uint8Array[],
  end: number | string,
): string {
  const parts = [
    ...messages.slice(0, 3).map(({ type, bytes }) => `${type} ${show(bytes)}`),
    ...messages.length > 3 ? [`${messages.length - 3} more`] : [],
    ...pongs.length > 0 ? [`${pongs.length} pongs`] : [],
    typeof end === "number" || /^\d/.test(end) ? `close ${end}` : `connection ${end}`,
  ];
  return parts.join(", ");
}

function show(bytes: Uint8Array): string {
  return bytes.byteLength > 12
    ? `of ${bytes.byteLength} bytes`
    : JSON.stringify(Buffer.from(bytes).toString("latin1"));
}

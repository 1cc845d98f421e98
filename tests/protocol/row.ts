import type { Buffer } from "node:buffer";
import {
  BINARY,
  CLOSE,
  closePayload,
  frame,
  type FrameOptions,
  TEXT,
} from "../harness/clients/raw_client.ts";

/** A message without its frames. */
export interface WireMessage {
  readonly type: "text" | "binary";
  readonly bytes: Uint8Array;
}

/**
 * End of a connection: the code of the server's Close frame (1005 for an empty one), or
 * `"dropped"`.
 */
export type End = number | "dropped";

/** An answer that a server may give. */
export interface Expected {
  /** Statuses of the handshake; 0 is an end without a response. Default: 101. */
  readonly status?: readonly number[];
  /** Echoed messages, in order. */
  readonly messages?: readonly WireMessage[];
  /** Payloads of pongs, in order. */
  readonly pongs?: readonly Uint8Array[];
  /** Ends of the connection after a 101. */
  readonly ends?: readonly End[];
}

/** An answer that falls short of the strict one, but is harmless or allowed by the RFC. */
export interface Alternative extends Expected {
  /** Reason, printed in `docs/compatibility.md`. */
  readonly why: string;
}

/** The server ends the connection after a violation, without a Close frame. */
export const DROPPED: Alternative = {
  ends: ["dropped"],
  why:
    "The server ends the connection without a Close frame, which is only a SHOULD (RFC 6455 §7.1.7)",
};

/** The server closes with another code than RFC 6455 names. */
export function otherCode(...ends: readonly End[]): Alternative {
  return {
    ends,
    why:
      "The Close frame has another code, or none (RFC 6455 §7.4.1 defines codes, but requires none)",
  };
}

/** Reason for reading overlong lengths: RFC 6455 §5.2 does not tell the receiver to check. */
export const LONG_WINDED =
  "The server reads lengths in more bytes than needed: the MUST of RFC 6455 §5.2 binds the sender";

/** A handshake: changed parts of the usual one, or all of its bytes. */
export interface RowHandshake {
  readonly method?: string;
  readonly target?: string;
  readonly version?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[] | null>>;
  /** Bytes of the head, with `{host}` for the host and port. */
  readonly raw?: string;
}

/** Agreed parameters of compression (RFC 7692 §7.1); `undefined` without compression. */
export type Agreed = Readonly<Record<string, string | true>> | undefined;

/** One exchange: the client's bytes, and the answers that a server may give. */
export interface Row {
  /** Name of the section, a dot, words for this row. */
  readonly id: string;
  readonly fact: string;
  readonly handshake?: RowHandshake;
  /** Frames after the 101. */
  readonly sends: readonly Uint8Array[] | ((agreed: Agreed) => readonly Uint8Array[]);
  /**
   * Frames for a server that has not ended the connection at {@linkcode sends}: the result is
   * non-strict.
   */
  readonly rest?: readonly Uint8Array[];
  /** Offsets at which the bytes are cut and written with pauses, instead of the usual ways. */
  readonly cuts?: readonly number[];
  readonly strict: Expected;
  readonly nonStrict?: readonly Alternative[];
  /** Checks the agreed compression, and returns the fault. */
  readonly offer?: (agreed: Agreed) => string | undefined;
  /** Whether runtimes without compression skip the row. */
  readonly needsCompression?: boolean;
}

/** Rows about one group of sections. */
export interface Section {
  readonly name: string;
  /** Title of the row in the table. */
  readonly title: string;
  /** Server half of the section, with or without `perMessageDeflate`. */
  readonly server: "protocol.echo" | "protocol.compressed";
  readonly rows: readonly Row[];
}

/** Returns a text message of these words or bytes. */
export function text(data: string | Uint8Array): WireMessage {
  return { type: "text", bytes: typeof data === "string" ? encoder.encode(data) : data };
}

/** Returns a binary message. */
export function binary(bytes: Uint8Array | readonly number[]): WireMessage {
  return { type: "binary", bytes: Uint8Array.from(bytes) };
}

/** Returns a message in one frame. */
export function whole({ type, bytes }: WireMessage, options?: FrameOptions): Buffer {
  return frame(type === "text" ? TEXT : BINARY, bytes, options);
}

/** Returns a message in frames that end at the offsets. */
export function fragmented({ type, bytes }: WireMessage, offsets: readonly number[]): Buffer[] {
  const ends = [...offsets, bytes.byteLength];
  return ends.map((end, index) =>
    frame(
      index > 0 ? 0 : type === "text" ? TEXT : BINARY,
      bytes.subarray(ends[index - 1] ?? 0, end),
      {
        fin: index === ends.length - 1,
      },
    )
  );
}

/** Returns a Close frame. */
export function close(code: number, reason?: string): Buffer {
  return frame(CLOSE, closePayload(code, reason));
}

/** Row of legal frames: the messages come back, then a Close frame of 1000. */
export function echoes(
  id: string,
  fact: string,
  sends: readonly Uint8Array[],
  messages: readonly WireMessage[],
  more: { pongs?: readonly Uint8Array[]; nonStrict?: readonly Alternative[] } = {},
): Row {
  const { pongs = [], nonStrict = [] } = more;
  return {
    id,
    fact,
    sends: [...sends, close(1000)],
    strict: { messages, pongs, ends: [1000] },
    nonStrict,
  };
}

/** Row that breaks a rule. RFC 6455 §7.1.7 also allows an end without a Close frame. */
export function fails(
  id: string,
  fact: string,
  sends: readonly Uint8Array[],
  code: number,
  more: { rest?: readonly Uint8Array[]; nonStrict?: readonly Alternative[] } = {},
): Row {
  const { nonStrict = [], ...rest } = more;
  return {
    id,
    fact,
    sends,
    ...rest,
    strict: { ends: [code] },
    nonStrict: [DROPPED, ...nonStrict],
  };
}

/** Returns the rows with the name of their section before each id. */
export function prefixed(section: string, rows: readonly Row[]): Row[] {
  return rows.map((row) => ({ ...row, id: `${section}.${row.id}` }));
}

/** Returns the bytes of a text. */
export function utf8(words: string): Uint8Array {
  return encoder.encode(words);
}

/** Returns bytes as hexadecimal digits, for names. */
export function hex(bytes: Uint8Array | readonly number[]): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const encoder = new TextEncoder();

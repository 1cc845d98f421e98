import type { Buffer } from "node:buffer";
import {
  BINARY,
  CLOSE,
  closePayload,
  frame,
  type FrameOptions,
  TEXT,
} from "../harness/clients/raw_client.ts";

/** A whole message, whichever way it went over the wire. */
export interface WireMessage {
  readonly type: "text" | "binary";
  readonly bytes: Uint8Array;
}

/** How the server ends the line: the code of its Close frame, 1005 for an empty one, or no Close frame at all. */
export type End = number | "dropped";

/** What a server may answer. */
export interface Expected {
  /** Of the handshake; 0 stands for a line that ends without a response. 101 if left out. */
  readonly status?: readonly number[];
  /** Echoes, in order. */
  readonly messages?: readonly WireMessage[];
  /** Payloads of pongs, in order. */
  readonly pongs?: readonly Uint8Array[];
  /** How the line ends after a 101. */
  readonly ends?: readonly End[];
}

/** Less than what is wanted, but allowed by the letter of an RFC, or of no harm. */
export interface Alternative extends Expected {
  /** Why it is; what users of the table read. */
  readonly why: string;
}

/** The end of the line alone tells that a rule was broken. */
export const DROPPED: Alternative = {
  ends: ["dropped"],
  why: "The line ends without a Close frame, which only SHOULD come (RFC 6455 §7.1.7)",
};

/** Another code than the one that is meant for it. */
export function otherCode(...ends: readonly End[]): Alternative {
  return {
    ends,
    why: "The Close frame has another code, or none (RFC 6455 §7.4.1 only names them)",
  };
}

/** RFC 6455 §5.2 does not tell who receives to look. */
export const LONG_WINDED =
  "Lengths in more bytes than needed are read: the MUST of RFC 6455 §5.2 is the sender's";

/** A handshake: parts of the usual one, or all of its bytes. */
export interface RowHandshake {
  readonly method?: string;
  readonly target?: string;
  readonly version?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[] | null>>;
  /** The head as it stands on the wire, `{host}` for the host and port. */
  readonly raw?: string;
}

/** What the server accepted of compression (RFC 7692 §7.1), by parameter; `undefined` for none. */
export type Agreed = Readonly<Record<string, string | true>> | undefined;

/** One exchange: what a client writes, and what a server may answer. */
export interface Row {
  /** Section, dot, words for this row. */
  readonly id: string;
  readonly fact: string;
  readonly handshake?: RowHandshake;
  /** Frames behind the 101. */
  readonly sends: readonly Uint8Array[] | ((agreed: Agreed) => readonly Uint8Array[]);
  /** What is sent only where the server has not ended the line at {@linkcode sends}: non-strict then. */
  readonly rest?: readonly Uint8Array[];
  /** Offsets where the bytes are cut, and written with pauses, in place of the usual ways. */
  readonly cuts?: readonly number[];
  readonly strict: Expected;
  readonly nonStrict?: readonly Alternative[];
  /** What must be true of the agreed compression beside; returns what is wrong. */
  readonly offer?: (agreed: Agreed) => string | undefined;
  /** Needs compression: left out where a runtime has none. */
  readonly needsCompression?: boolean;
}

/** Rows about one group of sections. */
export interface Section {
  readonly name: string;
  /** Row of the table. */
  readonly title: string;
  /** Server half of the section: one with `perMessageDeflate`, or one without. */
  readonly server: "protocol.echo" | "protocol.compressed";
  readonly rows: readonly Row[];
}

/** A text of these words or bytes. */
export function text(data: string | Uint8Array): WireMessage {
  return { type: "text", bytes: typeof data === "string" ? encoder.encode(data) : data };
}

/** A binary message. */
export function binary(bytes: Uint8Array | readonly number[]): WireMessage {
  return { type: "binary", bytes: Uint8Array.from(bytes) };
}

/** A message in one frame. */
export function whole({ type, bytes }: WireMessage, options?: FrameOptions): Buffer {
  return frame(type === "text" ? TEXT : BINARY, bytes, options);
}

/** A message in frames of these parts of it, which end at the offsets. */
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

/** A Close frame. */
export function close(code: number, reason?: string): Buffer {
  return frame(CLOSE, closePayload(code, reason));
}

/** A row whose frames are legal: the messages come back, and so does a Close frame of 1000. */
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

/** A row that breaks a rule: a Close frame tells so; or the line just ends, which RFC 6455 §7.1.7 allows. */
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

/** Rows whose ids begin with the name of their section. */
export function prefixed(section: string, rows: readonly Row[]): Row[] {
  return rows.map((row) => ({ ...row, id: `${section}.${row.id}` }));
}

/** Bytes of a text. */
export function utf8(words: string): Uint8Array {
  return encoder.encode(words);
}

/** Bytes as hexadecimal digits, for names. */
export function hex(bytes: Uint8Array | readonly number[]): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const encoder = new TextEncoder();

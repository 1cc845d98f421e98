import { Buffer, isUtf8 } from "node:buffer";
import { constants, inflateRawSync } from "node:zlib";
import { isSendableCloseCode } from "../../socket/close_code.ts";

/** A complete message. */
export interface ReadMessage {
  readonly isText: boolean;
  readonly bytes: Uint8Array;
}

/** A ping or a pong. */
export interface ReadControl {
  readonly opcode: number;
  readonly bytes: Uint8Array;
  /** Number of messages before the frame. */
  readonly behind: number;
}

/**
 * End of the stream: a legal close frame, a violation of RFC 6455, or bytes that a runtime reads in
 * its own way, after which the rest is unpredictable.
 */
export type ReadEnd =
  | { readonly kind: "unspecified" }
  | { readonly kind: "close"; readonly code: number; readonly reason: string }
  | {
    readonly kind: "violation";
    readonly what: string;
    /** Close codes that fit the violation. */
    readonly codes: readonly number[];
    /** Whether all bytes of the frame arrived. Otherwise a reader may not notice the violation. */
    readonly isCertain: boolean;
  };

/** Contents of a stream of frames. */
export interface Reading {
  readonly messages: readonly ReadMessage[];
  readonly controls: readonly ReadControl[];
  readonly end: ReadEnd | undefined;
  /** Number of bytes after the last complete frame, or after the end. */
  readonly rest: number;
  readonly frames: number;
}

/** Writer of the stream, and its agreed options. */
export interface ReadingRules {
  /** Whether frames must be masked: clients always mask, servers never. */
  readonly masked: boolean;
  /** Rules that the runtime does not enforce, from `allowances.ts`. */
  readonly leniency?: Leniency;
  readonly isDeflated: boolean;
  /** Whether each message is compressed alone. */
  readonly noContextTakeover?: boolean;
  readonly maxPayload: number;
}

/** Rules of RFC 6455 that a runtime's own reader does not enforce. */
export interface Leniency {
  /**
   * `either`: the reader obeys the mask bit in both values; `assumed`: the reader ignores the bit.
   */
  readonly mask?: "either" | "assumed";
  /** Whether pongs and close frames may be over 125 bytes. */
  readonly takesLongControls?: boolean;
  /** Messages that may begin within a fragmented one and mix with it: fragmented or binary. */
  readonly interruption?: "fragment" | "binary";
  /** Whether the result after a compressed frame is unpredictable. */
  readonly tripsOverCompression?: boolean;
  /** Whether a close frame with one byte counts as one without a code. */
  readonly takesShortClose?: boolean;
  /** Whether the code 1014 counts as illegal, as it was registered later than the others. */
  readonly refuses1014?: boolean;
  /** Whether the codes 3000 to 3999, which RFC 6455 §7.4.2 gives to libraries, count as illegal. */
  readonly refusesLibraryCodes?: boolean;
}

const CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10;
const WINDOW = 32_768;

interface Header {
  readonly fin: boolean;
  readonly rsv: number;
  readonly opcode: number;
  readonly masked: boolean;
  readonly length: number;
  /** Length of the header in bytes; `undefined` while it is incomplete. */
  readonly size: number | undefined;
}

/** Reads a stream of frames strictly by RFC 6455 and RFC 7692, slowly and simply. */
export function readFrames(stream: Uint8Array, rules: ReadingRules): Reading {
  return new Reader(stream, rules).read();
}

class Reader {
  readonly #stream: Buffer;
  readonly #rules: ReadingRules;
  readonly #messages: ReadMessage[] = [];
  readonly #controls: ReadControl[] = [];
  #end: ReadEnd | undefined;
  #at = 0;
  #frames = 0;
  #opcode = 0;
  #isCompressed = false;
  #fragments: Buffer[] = [];
  #window: Buffer = Buffer.alloc(0);

  get #leniency(): Leniency {
    return this.#rules.leniency ?? {};
  }

  constructor(stream: Uint8Array, rules: ReadingRules) {
    this.#stream = Buffer.from(stream.buffer, stream.byteOffset, stream.byteLength);
    this.#rules = rules;
  }

  read(): Reading {
    while (!this.#end && this.#readFrame());
    if (!this.#end && this.#opcode === TEXT && !this.#isCompressed && this.#hasIllFormedText) {
      this.#fail("begun text is not UTF-8", [1007], false);
    }
    // A reader that inflates each fragment at once may have found an error.
    if (!this.#end && this.#opcode !== 0 && this.#isCompressed) this.#end = { kind: "unspecified" };
    return {
      messages: this.#messages,
      controls: this.#controls,
      end: this.#end,
      rest: this.#stream.length - this.#at,
      frames: this.#frames,
    };
  }

  #readFrame(): boolean {
    if (this.#stream.length - this.#at < 2) return false;
    const header = readHeader(this.#stream.subarray(this.#at), this.#leniency.mask === "assumed");
    const { size, length } = header;
    const isWhole = size !== undefined && this.#stream.length - this.#at >= size + length;
    const violation = this.#violation(header);
    if (this.#isMixed(header)) {
      this.#end = { kind: "unspecified" };
      return false;
    }
    if (violation) {
      this.#fail(violation.what, violation.codes, isWhole);
      return false;
    }
    if (!isWhole) return false;
    const start = this.#at + size;
    const payload = Buffer.from(this.#stream.subarray(start, start + length));
    if (header.masked) {
      for (let i = 0; i < length; i++) payload[i]! ^= this.#stream[start - 4 + (i & 3)]!;
    }
    this.#at = start + length;
    this.#frames++;
    this.#take(header, payload);
    return true;
  }

  /** Whether this runtime lets a message begin here, within another. */
  #isMixed({ fin, opcode }: Header): boolean {
    const { interruption } = this.#leniency;
    if (!interruption || this.#opcode === 0) return false;
    return interruption === "binary" ? opcode === BINARY : opcode > 0 && opcode <= BINARY && !fin;
  }

  /** Returns the violation of a header, as far as it has arrived. */
  #violation(header: Header): { what: string; codes: number[] } | undefined {
    const { fin, rsv, opcode, masked, length, size } = header;
    const isControl = opcode >= CLOSE, codes: number[] = [], what: string[] = [];
    const isCompressible = this.#rules.isDeflated && (opcode === TEXT || opcode === BINARY);
    const wrong = (isWrong: boolean, name: string, code = 1002) => {
      if (!isWrong) return;
      what.push(name);
      if (!codes.includes(code)) codes.push(code);
    };
    wrong(rsv !== 0 && !(rsv === 4 && isCompressible), "reserved bits");
    wrong(this.#leniency.mask === undefined && masked !== this.#rules.masked, "mask");
    wrong(opcode > PONG || (opcode > BINARY && opcode < CLOSE), "opcode");
    wrong(isControl && !fin, "fragmented control");
    const mayBeLong = this.#leniency.takesLongControls && opcode !== PING;
    wrong(isControl && length > 125 && !mayBeLong, "long control");
    const mayBeShort = this.#leniency.takesShortClose;
    wrong(opcode === CLOSE && length === 1 && !mayBeShort, "close code of one byte");
    wrong(opcode === CONTINUATION && this.#opcode === 0, "stray continuation");
    wrong((opcode === TEXT || opcode === BINARY) && this.#opcode !== 0, "message in a message");
    if (size !== undefined && !isControl) {
      const gathered = this.#fragments.reduce((sum, { length }) => sum + length, 0);
      const isOver = gathered + length > this.#rules.maxPayload;
      wrong(isOver, "over maxPayload", 1009);
      wrong(length >= 2 ** 31, "length of 2 GiB or more");
    }
    if (codes.length === 0) return undefined;
    // A reader that checks each fragment at once has already found invalid UTF-8.
    if (this.#opcode === TEXT && this.#hasIllFormedText) codes.push(1007);
    if (this.#opcode !== 0 && this.#isCompressed) codes.push(1007, 1009);
    return { what: what.join(", "), codes };
  }

  get #hasIllFormedText(): boolean {
    return !isUtf8Prefix(Buffer.concat(this.#fragments));
  }

  #take({ fin, rsv, opcode }: Header, payload: Buffer): void {
    if (opcode === CLOSE) return this.#takeClose(payload);
    if (opcode >= CLOSE) {
      this.#controls.push({ opcode, bytes: payload, behind: this.#messages.length });
      return;
    }
    if (opcode !== CONTINUATION) {
      this.#opcode = opcode;
      this.#isCompressed = rsv === 4;
    }
    this.#fragments.push(payload);
    if (!fin) return;
    const isText = this.#opcode === TEXT, whole = Buffer.concat(this.#fragments);
    this.#fragments = [];
    this.#opcode = 0;
    if (this.#isCompressed && this.#leniency.tripsOverCompression) {
      this.#end = { kind: "unspecified" };
      return;
    }
    const bytes = this.#isCompressed ? this.#inflate(whole) : whole;
    if (bytes === undefined) return;
    // Garbage may inflate to some bytes, or to none.
    const codes = this.#isCompressed ? [1007, 1009] : [1007];
    if (isText && !isUtf8(bytes)) return this.#fail("text is not UTF-8", codes, true);
    this.#messages.push({ isText, bytes });
  }

  #inflate(data: Buffer): Buffer | undefined {
    const { maxPayload, noContextTakeover = true } = this.#rules;
    try {
      const bytes = inflateRawSync(Buffer.concat([data, Buffer.from([0, 0, 0xff, 0xff])]), {
        finishFlush: constants.Z_SYNC_FLUSH,
        maxOutputLength: maxPayload + 1,
        ...(this.#window.length > 0 ? { dictionary: this.#window } : {}),
      });
      if (bytes.length > maxPayload) throw Object.assign(new Error(), { code: TOO_LARGE });
      if (!noContextTakeover) {
        this.#window = Buffer.concat([this.#window, bytes]).subarray(-WINDOW);
      }
      return bytes;
    } catch (error) {
      const isLarge = (error as { code?: string }).code === TOO_LARGE;
      this.#fail(isLarge ? "inflates over maxPayload" : "does not inflate", [
        ...(isLarge ? [1009] : [1002, 1007, 1009]),
      ], true);
      return undefined;
    }
  }

  #takeClose(payload: Buffer): void {
    if (payload.length < 2) {
      this.#end = { kind: "close", code: 1005, reason: "" };
      return;
    }
    const code = payload.readUInt16BE(0), reason = payload.subarray(2);
    const isRefused = (code === 1014 && this.#leniency.refuses1014) ||
      (code >= 3000 && code <= 3999 && this.#leniency.refusesLibraryCodes);
    const isLegal = isSendableCloseCode(code) && !isRefused;
    const isText = isUtf8(reason);
    const codes = [...(isLegal ? [] : [1002]), ...(isText ? [] : [1007, 1002])];
    if (codes.length > 0) this.#fail(`close ${code}${isText ? "" : ", ill-formed"}`, codes, true);
    else this.#end = { kind: "close", code, reason: reason.toString() };
  }

  #fail(what: string, codes: readonly number[], isCertain: boolean): void {
    this.#end = { kind: "violation", what, codes, isCertain };
  }
}

const TOO_LARGE = "ERR_BUFFER_TOO_LARGE";

function readHeader(data: Buffer, isMaskAssumed: boolean): Header {
  const first = data[0]!, second = data[1]!;
  const masked = isMaskAssumed || (second & 0x80) !== 0, short = second & 0x7f;
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const size = 2 + lengthBytes + (masked ? 4 : 0);
  const isThere = data.length >= size;
  const length = lengthBytes === 0 || !isThere
    ? short
    : lengthBytes === 2
    ? data.readUInt16BE(2)
    : Number(data.readBigUInt64BE(2));
  return {
    fin: (first & 0x80) !== 0,
    rsv: (first >> 4) & 7,
    opcode: first & 15,
    masked,
    length,
    size: isThere ? size : undefined,
  };
}

/** Whether bytes can be the beginning of a text. */
function isUtf8Prefix(bytes: Buffer): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}

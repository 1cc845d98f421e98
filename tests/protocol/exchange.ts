import { createHash } from "node:crypto";
import { Buffer } from "node:buffer";
import { inflateRawSync } from "node:zlib";
import { isSendableCloseCode } from "../../socket/close_code.ts";
import {
  BINARY,
  CLOSE,
  handshakeText,
  PING,
  PONG,
  type RawFrame,
  TEXT,
} from "../harness/clients/raw_client.ts";
import type { MachineClock } from "../harness/machine.ts";
import { RawConnection } from "./raw_connection.ts";
import { type Agreed, close, type End, type Row, type WireMessage } from "./row.ts";

/** How the bytes of a row are written. */
export type Way = "at once" | "byte by byte" | "in pieces";

/** Answer of a server to a row. */
export interface Exchange {
  readonly status: number;
  readonly agreed: Agreed;
  readonly messages: readonly WireMessage[];
  readonly pongs: readonly Uint8Array[];
  /** End of the connection; `"open"` if it did not end. */
  readonly end: End | "open";
  /** Whether the connection was still open when `rest` was sent. */
  readonly neededRest: boolean;
  /** Violations that no row allows. */
  readonly faults: readonly string[];
}

/** Milliseconds in which a server must end the connection. */
const MAX_MS = 3000;
/** Milliseconds in which a server must refuse bytes that cannot become legal. */
const FAIL_FAST_MS = 600;
const MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Runs a row against a server. The clock measures how long the server may take. */
export async function exchange(
  row: Row,
  port: number,
  path: string,
  way: Way,
  clock?: MachineClock,
): Promise<Exchange> {
  using connection = await RawConnection.connect(port, clock);
  const write = (data: Uint8Array) =>
    way === "in pieces" && row.cuts
      ? connection.writePieces(data, row.cuts)
      : connection.write(data, way === "byte by byte");
  const faults: string[] = [];
  const nothing = { messages: [], pongs: [], end: "open", neededRest: false, faults } as const;
  const request = requestOf(row, port, path);
  await connection.write(Buffer.from(request, "latin1"), way === "byte by byte");
  const head = await connection.head(MAX_MS);
  if (!head) {
    if (!connection.isOver) faults.push("no answer to the handshake");
    return { status: 0, agreed: undefined, ...nothing };
  }
  if (head.status !== 101) return { status: head.status, agreed: undefined, ...nothing };
  const agreed = readHead(head.headers, request, faults);
  const sends = typeof row.sends === "function" ? row.sends(agreed) : row.sends;
  await write(Buffer.concat(sends));
  const neededRest = row.rest !== undefined && !await connection.hasEnded(FAIL_FAST_MS);
  if (neededRest) await write(Buffer.concat(row.rest!));
  const isOver = await hasEnded(connection);
  const read = readFrames(connection, agreed, faults);
  return { status: 101, agreed, ...read, end: isOver ? read.end : "open", neededRest, faults };
}

/** Waits for the end of the connection, and answers a Close frame as a client does. */
async function hasEnded(connection: RawConnection): Promise<boolean> {
  if (!await connection.hasClosed(MAX_MS)) return false;
  if (!connection.isOver) await connection.write(close(1000), false);
  return await connection.hasEnded(MAX_MS);
}

function requestOf({ handshake = {} }: Row, port: number, path: string): string {
  const { raw, ...parts } = handshake;
  return raw?.replace("{host}", `127.0.0.1:${port}`) ??
    handshakeText(port, { target: path, ...parts });
}

/** Finds faults in a 101 (RFC 6455 §4.2.2), and returns the agreed compression. */
function readHead(
  lines: readonly (readonly [string, string])[],
  request: string,
  faults: string[],
): Agreed {
  const headers = new Map(lines);
  const key = /^sec-websocket-key:[ \t]*(.*?)[ \t]*\r?$/im.exec(request)?.[1] ?? "";
  const expected: [string, string][] = [
    ["upgrade", "websocket"],
    ["connection", "upgrade"],
    ["sec-websocket-accept", createHash("sha1").update(key + MAGIC).digest("base64")],
  ];
  for (const [name, value] of expected) {
    const found = headers.get(name) ?? "nothing";
    const isSame = name.endsWith("accept") ? found === value : found.toLowerCase() === value;
    if (!isSame) faults.push(`the 101 has ${name}: ${found} instead of ${value}`);
  }
  if (headers.get("sec-websocket-protocol")) faults.push("the 101 selects a subprotocol");
  const extensions = lines.filter(([name]) => name === "sec-websocket-extensions");
  if (extensions.length === 0 || extensions.every(([, value]) => value === "")) return undefined;
  return readExtensions(extensions.map(([, value]) => value).join(", "), faults);
}

function readExtensions(value: string, faults: string[]): Agreed {
  const [name, ...parameters] = value.split(";").map((part) => part.trim());
  if (name !== "permessage-deflate" || value.includes(",")) {
    faults.push(`the 101 agrees on ${value}`);
    return undefined;
  }
  const agreed: Record<string, string | true> = {};
  for (const parameter of parameters) {
    const [key = "", found] = parameter.split("=").map((part) => part.trim());
    if (key in agreed) faults.push(`the 101 has ${key} twice`);
    agreed[key] = found ?? true;
  }
  return agreed;
}

/** Reads all frames that have arrived. */
function readFrames(
  connection: RawConnection,
  agreed: Agreed,
  faults: string[],
): { messages: WireMessage[]; pongs: Uint8Array[]; end: End } {
  const messages: WireMessage[] = [], pongs: Uint8Array[] = [];
  const reader = new MessageReader(agreed, faults);
  let end: End = "dropped";
  while (connection.pending > 0) {
    const frame = connection.frame();
    if (!frame) {
      faults.push("the connection ends within a frame");
      break;
    }
    if (end !== "dropped") faults.push(`a frame of opcode ${frame.opcode} after the Close frame`);
    else if (frame.opcode === CLOSE) end = closeCode(frame, faults);
    else if (frame.opcode === PONG) pongs.push(Uint8Array.from(frame.payload));
    else if (frame.opcode === PING) faults.push("an unexpected ping");
    else messages.push(...reader.read(frame));
  }
  return { messages, pongs, end };
}

function closeCode({ payload }: RawFrame, faults: string[]): number {
  if (payload.byteLength === 0) return 1005;
  const code = payload.byteLength > 1 ? payload.readUInt16BE(0) : 0;
  if (!isSendableCloseCode(code)) faults.push(`the server closes with ${code}`);
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(payload.subarray(2));
  } catch {
    faults.push("the server's close reason is not UTF-8");
  }
  return code;
}

/** Joins the frames of messages, and inflates them. */
class MessageReader {
  readonly #agreed: Agreed;
  readonly #faults: string[];
  #first: RawFrame | undefined;
  #parts: Uint8Array[] = [];
  /** Bytes that the server's next message may refer to (RFC 7692 §7.2.3.2). */
  #window: Buffer = Buffer.alloc(0);

  constructor(agreed: Agreed, faults: string[]) {
    this.#agreed = agreed;
    this.#faults = faults;
  }

  /** Adds a frame, and returns the message that it completes. */
  read(frame: RawFrame): WireMessage[] {
    if ((frame.opcode === 0) !== (this.#first !== undefined)) this.#faults.push("a stray fragment");
    this.#first ??= frame;
    this.#parts.push(frame.payload);
    if (!frame.fin) return [];
    const { opcode, rsv1 } = this.#first, data = Buffer.concat(this.#parts);
    this.#first = undefined;
    this.#parts = [];
    if (opcode !== TEXT && opcode !== BINARY) this.#faults.push(`a frame of opcode ${opcode}`);
    const bytes = rsv1 ? this.#inflate(data) : data;
    return [{ type: opcode === TEXT ? "text" : "binary", bytes: Uint8Array.from(bytes) }];
  }

  #inflate(data: Buffer): Buffer {
    if (!this.#agreed) {
      this.#faults.push("a compressed message without an agreement on compression");
      return data;
    }
    const bits = Number(this.#agreed.server_max_window_bits ?? 15);
    try {
      const bytes = inflateRawSync(Buffer.concat([data, Buffer.of(0, 0, 255, 255)]), {
        finishFlush: 2, // Z_SYNC_FLUSH: the stream continues with the next message
        windowBits: bits,
        ...(this.#window.byteLength > 0 ? { dictionary: this.#window } : {}),
      });
      const forgets = this.#agreed.server_no_context_takeover !== undefined;
      this.#window = forgets
        ? Buffer.alloc(0)
        : Buffer.concat([this.#window, bytes]).subarray(-(2 ** bits));
      return bytes;
    } catch (error) {
      this.#faults.push(`a message that does not inflate: ${(error as Error).message}`);
      return data;
    }
  }
}

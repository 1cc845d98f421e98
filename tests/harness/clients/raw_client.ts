import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import { TimeLimit } from "../time_limit.ts";

/** Parts of a handshake to write by hand. `null` leaves a header out. */
export interface RawHandshakeOptions {
  readonly method?: string;
  readonly target?: string;
  readonly version?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[] | null>>;
  /** Bytes after the handshake in the same packet. */
  readonly behind?: Uint8Array;
}

/** Address of a server: a TCP port, or the path of a Unix socket. */
export type Address = { readonly port: number; readonly host: string } | { readonly path: string };

/** Returns the text of a handshake; `headers` replace the usual ones. */
export function handshakeText(port: number, options: RawHandshakeOptions = {}): string {
  const { method = "GET", target = "/", version = "1.1" } = options;
  const headers: Record<string, string | readonly string[] | null> = {
    Host: `127.0.0.1:${port}`,
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    ...options.headers,
  };
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    value === null ? [] : [value].flat().map((one) => `${name}: ${one}`)
  );
  return [`${method} ${target} HTTP/${version}`, ...lines, "", ""].join("\r\n");
}

/** A frame of the server. */
export interface RawFrame {
  readonly fin: boolean;
  readonly rsv1: boolean;
  readonly opcode: number;
  readonly payload: Buffer;
}

/** Opcodes of RFC 6455 §5.2. */
export const TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10;

/** Parts of a frame to write by hand. */
export interface FrameOptions {
  readonly fin?: boolean;
  readonly rsv?: number;
  readonly masked?: boolean;
  readonly mask?: readonly number[];
  /** Number of bytes for the length: 0, 2 or 8. Default: the fewest possible. */
  readonly lengthBytes?: 0 | 2 | 8;
  /** Length that the head declares, independent of the payload. */
  readonly length?: number | bigint;
}

/** Returns a frame; the caller controls every bit. */
export function frame(
  opcode: number,
  payload: string | Uint8Array = "",
  { fin = true, rsv = 0, masked = true, mask = [0x12, 0x34, 0x56, 0x78], ...size }: FrameOptions =
    {},
): Buffer {
  const data = Buffer.from(payload as Uint8Array), length = BigInt(size.length ?? data.length);
  const { lengthBytes = length < 126n ? 0 : length < 65536n ? 2 : 8 } = size;
  const head = [(fin ? 0x80 : 0) | (rsv << 4) | opcode];
  const maskBit = masked ? 0x80 : 0;
  if (lengthBytes === 0) head.push(maskBit | Number(length));
  else {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(length);
    head.push(maskBit | (lengthBytes === 2 ? 126 : 127), ...bytes.subarray(8 - lengthBytes));
  }
  if (!masked) return Buffer.concat([Buffer.from(head), data]);
  for (let i = 0; i < data.length; i++) data[i]! ^= mask[i & 3]!;
  return Buffer.concat([Buffer.from(head), Buffer.from(mask), data]);
}

/** Returns the payload of a close frame. */
export function closePayload(code: number, reason = ""): Buffer {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(code);
  return Buffer.concat([head, Buffer.from(reason)]);
}

/** A TCP client that can follow, break or omit any part of the protocol. */
export class RawClient {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #wake: PromiseWithResolvers<void> = Promise.withResolvers();
  #ended = false;
  #closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (data) => {
      this.#received = Buffer.concat([this.#received, data as Buffer]);
      this.#notify();
    });
    socket.on("end", () => {
      this.#ended = true;
      this.#notify();
    });
    socket.on("close", () => {
      this.#ended = this.#closed = true;
      this.#notify();
    });
    socket.on("error", () => {});
  }

  static connect(to: Address): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ ...to, allowHalfOpen: true, noDelay: true });
      socket.once("connect", () => resolve(new RawClient(socket)));
      socket.once("error", reject);
    });
  }

  write(data: string | Uint8Array): void {
    this.#socket.write(data);
  }

  /**
   * Writes. Resolves to `true` once the system has accepted the bytes, to `false` if the connection
   * ended.
   */
  written(data: string | Uint8Array): Promise<boolean> {
    return new Promise((resolve) => this.#socket.write(data, (error) => resolve(!error)));
  }

  /** Writes a handshake; `headers` replace the usual ones. */
  handshake(options: RawHandshakeOptions = {}): void {
    const head = Buffer.from(handshakeText(this.#socket.remotePort ?? 80, options));
    this.write(Buffer.concat([head, options.behind ?? new Uint8Array()]));
  }

  /**
   * Waits for the response head. {@linkcode frame} and {@linkcode body} read the bytes after it.
   */
  async head(): Promise<{ status: number; headers: [string, string][] }> {
    await this.#until(() => this.#received.includes("\r\n\r\n"), "a response head");
    const end = this.#received.indexOf("\r\n\r\n");
    const [line = "", ...rest] = this.#received.subarray(0, end).toString("latin1").split("\r\n");
    this.#received = this.#received.subarray(end + 4);
    const headers = rest.map((header): [string, string] => {
      const colon = header.indexOf(":");
      return [header.slice(0, colon).toLowerCase(), header.slice(colon + 1).trim()];
    });
    return { status: Number(line.split(" ")[1]), headers };
  }

  /** Waits until the server ends the connection, and returns the remaining bytes. */
  async body(): Promise<string> {
    await this.#until(() => this.#ended, "the end of the body");
    return this.#received.toString();
  }

  /** Waits for the next complete frame. */
  async frame(): Promise<RawFrame> {
    let parsed: { frame: RawFrame; length: number } | undefined;
    await this.#until(() => (parsed = parseFrame(this.#received)) !== undefined, "a frame");
    this.#received = this.#received.subarray(parsed!.length);
    return parsed!.frame;
  }

  /** Reads a close frame, which must come next, and answers it. */
  async closing(): Promise<{ code: number; reason: string }> {
    const { opcode, payload } = await this.frame();
    if (opcode !== CLOSE) throw new Error(`expected a close frame, got opcode ${opcode}`);
    this.write(frame(CLOSE, payload));
    const code = payload.length < 2 ? 1005 : payload.readUInt16BE(0);
    return { code, reason: payload.subarray(2).toString() };
  }

  /** Number of received bytes that are not yet taken. */
  get pending(): number {
    return this.#received.length;
  }

  /** Waits until the server has ended its half, or reset the connection. */
  ended(ms = 2000): Promise<void> {
    return this.#until(() => this.#ended, "the end of the connection", ms);
  }

  get isEnded(): boolean {
    return this.#ended;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Stops reading, so that the server's writes pile up. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Reads this many bytes while paused. */
  sip(bytes: number): void {
    this.#socket.read(bytes);
  }

  /** Ends the client's half of the connection. */
  fin(): void {
    this.#socket.end();
  }

  /** Resets the connection. */
  rst(): void {
    this.#socket.resetAndDestroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #notify(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }

  async #until(isThere: () => boolean, what: string, ms = 2000): Promise<void> {
    if (isThere()) return;
    const limit = new TimeLimit(ms);
    while (!isThere()) {
      if (limit.isOver || (this.#ended && what === "a frame")) {
        throw new Error(`expected ${what}, got ${this.#received.length} bytes`);
      }
      await limit.pause(this.#wake.promise);
    }
  }
}

/**
 * Reads the first frame in `data`, and its length on the wire; `undefined` while it is incomplete.
 */
export function parseFrame(data: Buffer): { frame: RawFrame; length: number } | undefined {
  if (data.length < 2) return undefined;
  let length = data[1]! & 0x7f, offset = 2;
  if (length === 126) {
    if (data.length < 4) return undefined;
    length = data.readUInt16BE(2);
    offset = 4;
  } else if (length === 127) {
    if (data.length < 10) return undefined;
    length = Number(data.readBigUInt64BE(2));
    offset = 10;
  }
  if (data.length < offset + length) return undefined;
  return {
    length: offset + length,
    frame: {
      fin: (data[0]! & 0x80) !== 0,
      rsv1: (data[0]! & 0x40) !== 0,
      opcode: data[0]! & 0x0f,
      payload: data.subarray(offset, offset + length),
    },
  };
}

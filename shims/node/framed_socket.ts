import { Buffer } from "node:buffer";
import * as crypto from "node:crypto";
import type { Duplex } from "node:stream";
import type { Handshake } from "../../handshake/handshake.ts";
import { encode } from "../../socket/frame.ts";
import type { Payload, SocketFailure } from "../../socket/socket.ts";
import { CallbackSocket, type Wire } from "../../socket/callback_socket.ts";
import { CLOSE, FIN, PING, PONG } from "./frame_bits.ts";
import { type FrameListener, FrameParser } from "./frame_parser.ts";
import { BatchedWriter } from "./batched_writer.ts";

/** Where a stream keeps what frames it, so that its handlers need no closure. */
const FRAMED = Symbol("onepeer.framed");

type Stream = Duplex & {
  [FRAMED]?: FramedSocket;
  readonly bytesRead?: number;
  setTimeout?(ms: number): void;
  setNoDelay?(): void;
};

/** What a socket goes by. */
export interface FramingLimits {
  readonly maxPayload: number;
  readonly closeTimeout: number;
}

/** What stands in the answer to a handshake. */
export interface FramedAnswer {
  readonly protocol: string;
  readonly headers: readonly (readonly [string, string])[];
}

/**
 * Answers a handshake that was found good (RFC 6455 §4.2.2), and hands over the socket before it
 * opens; false where the line is dead.
 */
export function upgradeLine(
  handshake: Handshake,
  stream: Duplex,
  head: Uint8Array,
  { protocol, headers }: FramedAnswer,
  limits: FramingLimits,
  use: (socket: CallbackSocket<FramedSocket>) => void,
): boolean {
  if (!stream.readable || !stream.writable) {
    stream.destroy();
    return false;
  }
  const lines = [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${acceptKey(handshake.header("sec-websocket-key")!)}`,
  ];
  if (protocol) lines.push(`Sec-WebSocket-Protocol: ${protocol}`);
  for (const [name, value] of headers) lines.push(`${name}: ${value}`);
  stream.write(`${lines.join("\r\n")}\r\n\r\n`);
  (stream as Stream).setTimeout?.(0);
  (stream as Stream).setNoDelay?.();
  if (head.byteLength > 0) stream.unshift(head);
  use(new FramedSocket(stream, protocol, limits).socket);
  return true;
}

const { createHash } = crypto;
const { hash } = crypto as Partial<Pick<typeof crypto, "hash">>;

/** RFC 6455 §1.3. */
const KEY_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

function acceptKey(key: string): string {
  // Node 20.12 and later have a function for it that makes no object.
  return hash
    ? hash("sha1", key + KEY_SUFFIX, "base64")
    : createHash("sha1").update(key + KEY_SUFFIX).digest("base64");
}

const wire: Wire<FramedSocket> = {
  isOpen: (native) => native.isOpen,
  send: (native, frame) => native.line.write(frame),
  close: (native, code, reason) => native.close(code, reason),
  terminate: (native) => native.terminate(),
  flush: ({ line }) => line.flush(),
  bufferedAmount: ({ line }) => line.stream.writableLength + line.gathered,
  flow: {
    pause: ({ line }) => void line.stream.pause(),
    resume: ({ line }) => void line.stream.resume(),
  },
  heartbeat: {
    ping: (native, data) => native.control(PING, data),
    activity: ({ line }) => (line.stream as Stream).bytesRead ?? 0,
  },
};

/**
 * The server's end of a WebSocket on a line of Node, without extensions: reads and writes the
 * frames, and does the closing handshake (RFC 6455 §7).
 */
export class FramedSocket implements FrameListener {
  readonly socket: CallbackSocket<FramedSocket>;
  readonly line: BatchedWriter<CallbackSocket<FramedSocket>>;
  /** Whether frames may be sent. */
  isOpen = true;
  readonly #parser: FrameParser;
  readonly #closeTimeout: number;
  #isCloseSent = false;
  /** The latest ping that is not answered. */
  #ping: Uint8Array<ArrayBuffer> | undefined;
  /** What the client's close frame said. */
  #close: { readonly code: number; readonly reason: string } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Takes a stream over whose handshake is written. */
  constructor(stream: Duplex, protocol: string, { maxPayload, closeTimeout }: FramingLimits) {
    this.socket = new CallbackSocket<FramedSocket>(wire, this, protocol);
    this.line = new BatchedWriter(stream, this.socket);
    this.#parser = new FrameParser(this, maxPayload);
    this.#closeTimeout = closeTimeout;
    (stream as Stream)[FRAMED] = this;
    stream.on("data", onData).on("drain", onDrain).on("end", onEnd).on("finish", onFinish)
      .on("close", onClose);
  }

  /** Reads a chunk; what the hooks send meanwhile leaves at its end. */
  read(chunk: Buffer): void {
    this.line.startReading();
    try {
      this.#parser.read(chunk);
    } finally {
      this.line.endReading();
    }
  }

  onMessage(payload: Payload, byteLength: number): void {
    this.socket.received(payload, byteLength);
  }

  onControl(opcode: number, data: Uint8Array<ArrayBuffer>): void {
    if (opcode === PING) {
      this.#ping = data;
      this.#answerPing();
    }
    this.socket.controlled(opcode === PING ? "ping" : "pong", data);
  }

  onClose(code: number, reason: string): void {
    this.#close = { code, reason };
    this.#sendClose(code, reason);
    this.#end();
  }

  onViolation(failure: SocketFailure): void {
    this.#sendClose(failure.code, "");
    this.socket.failed(failure);
    // The peer is over; only the line stays, until the client has read why.
    this.socket.closed({ code: 1006, reason: "", wasClean: false });
    this.#end();
  }

  /** Not to a client that does not read: once it does, a pong for the latest ping is enough (RFC 6455 §5.5.3). */
  #answerPing(): void {
    const ping = this.#ping;
    if (!ping || this.#isCloseSent || this.line.stream.writableNeedDrain) return;
    this.#ping = undefined;
    this.control(PONG, ping);
  }

  /** The stream has written all. */
  drained(): void {
    this.#answerPing();
    this.socket.drained();
  }

  /** Sends a control frame, behind what was sent before it. */
  control(opcode: number, data: Uint8Array): void {
    this.line.flush();
    const { stream } = this.line;
    if (!stream.writable) return;
    const frame = Buffer.allocUnsafe(2 + data.byteLength);
    frame[0] = FIN | opcode;
    frame[1] = data.byteLength;
    frame.set(data, 2);
    stream.write(frame);
  }

  /** Sends a message, past all limits. */
  send(data: string | Uint8Array): void {
    this.socket.send(encode(data), false);
  }

  /** Starts the closing handshake. */
  close(code = 1000, reason = ""): void {
    this.#sendClose(code, reason);
  }

  /** Drops the line. */
  terminate(): void {
    this.isOpen = false;
    this.#parser.stop();
    this.line.stream.destroy();
  }

  #sendClose(code: number, reason: string): void {
    if (this.#isCloseSent) return;
    this.#isCloseSent = true;
    this.isOpen = false;
    const text = Buffer.from(reason);
    const data = Buffer.allocUnsafe(code === 1005 ? 0 : 2 + text.byteLength);
    if (code !== 1005) {
      data.writeUInt16BE(code, 0);
      data.set(text, 2);
    }
    this.control(CLOSE, data);
  }

  /** Ends our half, and gives the client a while for its own. */
  #end(): void {
    const { stream } = this.line;
    this.line.flush();
    stream.end();
    stream.resume(); // what comes is not read, but would reset the line if it stayed
    this.#timer ??= setTimeout(() => stream.destroy(), this.#closeTimeout);
  }

  /** The client has ended its half. */
  ended(): void {
    this.isOpen = false;
    this.#end();
  }

  /** All that we had to say is written. */
  finished(): void {
    // Both close frames have been seen, or the client has ended its half: there is nothing to wait
    // for. After a failure there is: what the client still sends would reset the line, and our
    // close frame be lost.
    if (!this.socket.hasFailed) this.line.stream.destroy();
  }

  /** The line is gone. */
  closed(): void {
    clearTimeout(this.#timer);
    this.isOpen = false;
    this.#parser.stop();
    const { code, reason } = this.#close ?? { code: 1006, reason: "" };
    this.socket.closed({ code, reason, wasClean: this.#close !== undefined });
  }
}

function onData(this: Stream, chunk: Buffer): void {
  this[FRAMED]!.read(chunk);
}

function onDrain(this: Stream): void {
  this[FRAMED]!.drained();
}

function onEnd(this: Stream): void {
  this[FRAMED]!.ended();
}

function onFinish(this: Stream): void {
  this[FRAMED]!.finished();
}

function onClose(this: Stream): void {
  this[FRAMED]!.closed();
}

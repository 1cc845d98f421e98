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

/** Property of a stream that holds its framed socket, so that event handlers need no closure. */
const FRAMED = Symbol("onepeer.framed");

type Stream = Duplex & {
  [FRAMED]?: FramedSocket;
  readonly bytesRead?: number;
  setTimeout?(ms: number): void;
  setNoDelay?(): void;
};

/** Limits of a framed socket. */
export interface FramingLimits {
  readonly maxPayload: number;
  readonly closeTimeout: number;
}

/** Parts of the response to a handshake. */
export interface FramedAnswer {
  readonly protocol: string;
  readonly headers: readonly (readonly [string, string])[];
}

/**
 * Writes the 101 response to a valid handshake (RFC 6455 §4.2.2), and passes the socket to `use`
 * before the socket opens. Returns false if the connection has ended already.
 */
export function upgradeStream(
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
  // `hash()` of Node 20.12 and later needs no `Hash` object.
  return hash
    ? hash("sha1", key + KEY_SUFFIX, "base64")
    : createHash("sha1").update(key + KEY_SUFFIX).digest("base64");
}

const wire: Wire<FramedSocket> = {
  isOpen: (native) => native.isOpen,
  send: (native, frame) => native.writer.write(frame),
  close: (native, code, reason) => native.close(code, reason),
  terminate: (native) => native.terminate(),
  flush: ({ writer }) => writer.flush(),
  bufferedAmount: ({ writer }) => writer.stream.writableLength + writer.gathered,
  flow: {
    pause: ({ writer }) => void writer.stream.pause(),
    resume: ({ writer }) => void writer.stream.resume(),
  },
  heartbeat: {
    ping: (native, data) => native.control(PING, data),
    activity: ({ writer }) => (writer.stream as Stream).bytesRead ?? 0,
  },
};

/**
 * Server's end of a WebSocket over a stream of Node, without extensions. Reads and writes frames, and
 * performs the closing handshake (RFC 6455 §7).
 */
export class FramedSocket implements FrameListener {
  readonly socket: CallbackSocket<FramedSocket>;
  readonly writer: BatchedWriter<CallbackSocket<FramedSocket>>;
  /** Whether frames may be sent. */
  isOpen = true;
  readonly #parser: FrameParser;
  readonly #closeTimeout: number;
  #isCloseSent = false;
  /** Latest ping without an answer. */
  #ping: Uint8Array<ArrayBuffer> | undefined;
  /** Code and reason of the client's close frame. */
  #close: { readonly code: number; readonly reason: string } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Takes over a stream after the handshake response was written. */
  constructor(stream: Duplex, protocol: string, { maxPayload, closeTimeout }: FramingLimits) {
    this.socket = new CallbackSocket<FramedSocket>(wire, this, protocol);
    this.writer = new BatchedWriter(stream, this.socket);
    this.#parser = new FrameParser(this, maxPayload);
    this.#closeTimeout = closeTimeout;
    (stream as Stream)[FRAMED] = this;
    stream.on("data", onData).on("drain", onDrain).on("end", onEnd).on("finish", onFinish)
      .on("close", onClose);
  }

  /** Reads a chunk. Frames that hooks send meanwhile leave at the end of the chunk. */
  read(chunk: Buffer): void {
    this.writer.startReading();
    try {
      this.#parser.read(chunk);
    } finally {
      this.writer.endReading();
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
    // The peer is closed now. The connection stays until the client has read our close frame.
    this.socket.closed({ code: 1006, reason: "", wasClean: false });
    this.#end();
  }

  /**
   * Answers the latest ping, unless bytes wait for a slow client. Earlier pings need no answer
   * (RFC 6455 §5.5.3).
   */
  #answerPing(): void {
    const ping = this.#ping;
    if (!ping || this.#isCloseSent || this.writer.stream.writableNeedDrain) return;
    this.#ping = undefined;
    this.control(PONG, ping);
  }

  /** Called when the stream has written all frames. */
  drained(): void {
    this.#answerPing();
    this.socket.drained();
  }

  /** Sends a control frame after all earlier frames. */
  control(opcode: number, data: Uint8Array): void {
    this.writer.flush();
    const { stream } = this.writer;
    if (!stream.writable) return;
    const frame = Buffer.allocUnsafe(2 + data.byteLength);
    frame[0] = FIN | opcode;
    frame[1] = data.byteLength;
    frame.set(data, 2);
    stream.write(frame);
  }

  /** Sends a message, and ignores the limits of the queue. For users of `peer.websocket.raw`. */
  send(data: string | Uint8Array): void {
    this.socket.send(encode(data), false);
  }

  /** Starts the closing handshake. */
  close(code = 1000, reason = ""): void {
    this.#sendClose(code, reason);
  }

  /** Destroys the connection without a closing handshake. */
  terminate(): void {
    this.isOpen = false;
    this.#parser.stop();
    this.writer.stream.destroy();
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

  /** Ends our half of the connection, and waits a limited time for the client to end its half. */
  #end(): void {
    const { stream } = this.writer;
    this.writer.flush();
    stream.end();
    stream.resume(); // unread bytes would reset the connection at its end
    this.#timer ??= setTimeout(() => stream.destroy(), this.#closeTimeout);
  }

  /** Called when the client has ended its half of the connection. */
  ended(): void {
    this.isOpen = false;
    this.#end();
  }

  /** Called when our half of the connection has been written to its end. */
  finished(): void {
    // Both close frames have passed, or the client has ended its half, so the connection can end. But
    // after a protocol error the client may still send. Destroying the stream would then reset the
    // connection, and lose our close frame.
    if (!this.socket.hasFailed) this.writer.stream.destroy();
  }

  /** Called when the connection has ended. */
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

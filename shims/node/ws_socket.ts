import type { Duplex } from "node:stream";
// @ts-types="@types/ws"
import type { WebSocket } from "ws";
import { OPEN, type OutgoingFrame, type SocketFailure } from "../../socket/socket.ts";
import { CallbackSocket, type Wire } from "../../socket/callback_socket.ts";
import { BatchedWriter } from "./batched_writer.ts";
import { receiveChunk, type Receiver } from "./ws_receiver.ts";
import type { SharedDeflate } from "./shared_deflate.ts";

/** Limits of a connection that `ws` enforces. */
export interface WsLimits {
  readonly maxPayload: number;
  readonly closeTimeout: number;
}

/** Parts of the response to a handshake, and hooks that need control frames. */
export interface WsAnswer {
  readonly protocol: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly perMessageDeflate: boolean | object | undefined;
  readonly limits: WsLimits;
  /** The user's hooks for control frames, if there are any. */
  readonly wants: { readonly ping?: unknown; readonly pong?: unknown };
}

/** A socket of `ws`, with our properties. */
export type WsSocket = WebSocket & { [WRITER]?: Writer; [DEFLATE]?: SharedDeflate | undefined };
type Writer = BatchedWriter<CallbackSocket<WsSocket>>;
type Stream = Duplex & { readonly bytesRead?: number; [WRITER]?: Writer };

/** Property of a `ws` socket and of its stream that holds our writer, so that handlers need no closure. */
const WRITER: unique symbol = Symbol("onepeer.writer");

/** Property of a `ws` socket that holds a compressor, which other sockets share. */
const DEFLATE: unique symbol = Symbol("onepeer.deflate");

const SEND_OPTIONS = {
  text: [{ binary: false, compress: false }, { binary: false, compress: true }],
  binary: [{ binary: true, compress: false }, { binary: true, compress: true }],
} as const;

const wire: Wire<WsSocket> = {
  isOpen: (native) => native.readyState === OPEN,
  send(native, frame, compress) {
    const writer = native[WRITER]!;
    if (writer.socket.extensions === "") writer.write(frame);
    else sendCompressed(native, writer, frame, compress);
  },
  flush: (native) => native[WRITER]!.flush(),
  close: (native, code, reason) => native.close(code, reason),
  terminate: (native) => native.terminate(),
  bufferedAmount: (native) => native.bufferedAmount + native[WRITER]!.gathered,
  flow: {
    pause: (native) => native.pause(),
    resume: (native) => native.resume(),
  },
  heartbeat: {
    ping: (native, data) => native.ping(data),
    activity: (native) => (native[WRITER]!.stream as Stream).bytesRead ?? 0,
  },
};

function sendCompressed(native: WsSocket, writer: Writer, frame: OutgoingFrame, compress: boolean) {
  const deflate = native[DEFLATE];
  // `ws` compresses in the background, so later messages must queue behind the compressed one.
  const isBusy = native.bufferedAmount > writer.stream.writableLength;
  compress &&= frame.byteLength > 0; // `isBusy` could not see an empty message in the queue of `ws`
  if (!isBusy && !compress) return writer.write(frame);
  if (!isBusy && deflate?.takes(frame)) return writer.write(frame, deflate.deflate(frame));
  writer.flush();
  const kind = typeof frame.payload === "string" ? "text" : "binary";
  native.send(frame.bytes, SEND_OPTIONS[kind][compress ? 1 : 0]);
}

/**
 * Makes a method of `ws` that first flushes gathered frames. `ws` itself calls `close` to answer a
 * close and after an error. Messages that a user sends on the raw socket must not overtake our frames.
 */
function flushAnd(method: "send" | "ping" | "close"): (this: WsSocket, ...args: unknown[]) => void {
  return function (...args) {
    this[WRITER]!.flush();
    Reflect.apply((Object.getPrototypeOf(this) as WebSocket)[method], this, args);
  };
}

const flushAndSend = flushAnd("send"), flushAndPing = flushAnd("ping");
const flushAndClose = flushAnd("close");

/**
 * Makes our socket of a socket of `ws`, and takes over its events.
 *
 * @param wants the user's hooks for control frames, if there are any.
 * @param deflate compressor that the socket shares with others, if its extension allows one.
 */
export function adopt(
  native: WsSocket,
  stream: Stream,
  wants: WsAnswer["wants"],
  deflate: SharedDeflate | undefined,
): CallbackSocket<WsSocket> {
  const socket = new CallbackSocket(wire, native, native.protocol, native.extensions);
  native[WRITER] = stream[WRITER] = new BatchedWriter(stream, socket);
  native[DEFLATE] = deflate;
  const { _receiver: receiver } = native as { _receiver?: Receiver };
  if (receiver) receiver._write = receiveChunk;
  native.send = flushAndSend;
  native.ping = flushAndPing;
  native.close = flushAndClose;
  native.on("message", onMessage).on("close", onClose).on("error", onError);
  if (wants.ping) native.on("ping", onPing);
  if (wants.pong) native.on("pong", onPong);
  stream.on("drain", onDrain).on("finish", onFinish);
  stream.prependListener("data", startReading).on("data", endReading);
  stream.prependListener("end", flush);
  return socket;
}

function startReading(this: Stream): void {
  this[WRITER]!.startReading();
}

function endReading(this: Stream): void {
  this[WRITER]!.endReading();
}

function flush(this: Stream): void {
  this[WRITER]!.flush();
}

function onMessage(this: WsSocket, data: Buffer, isBinary: boolean): void {
  // A binary message may be a view of a chunk or a pool. A view needs no copy, as `ws` does not
  // overwrite these bytes. For an empty message, `ws` passes the same buffer each time.
  const payload = !isBinary
    ? data.toString()
    : data.byteLength === 0
    ? new Uint8Array()
    : new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
  this[WRITER]!.socket.received(payload, data.byteLength);
}

function onPing(this: WsSocket, data: Buffer): void {
  this[WRITER]!.socket.controlled("ping", new Uint8Array(data));
}

function onPong(this: WsSocket, data: Buffer): void {
  this[WRITER]!.socket.controlled("pong", new Uint8Array(data));
}

function onDrain(this: Stream): void {
  this[WRITER]!.socket.drained();
}

function onFinish(this: Stream): void {
  // Both close frames have passed, or the client has ended its half, so the connection can end. `ws`
  // alone would wait for the client. But after a protocol error the client may still send.
  // Terminating would then reset the connection, and lose our close frame.
  const { socket } = this[WRITER]!;
  if (!socket.hasFailed) socket.raw.terminate();
}

function onError(this: WsSocket, error: Error & { code?: string }): void {
  const { socket } = this[WRITER]!;
  socket.failed(failureOf(error));
  // The peer is closed now. The connection stays until the client has read our close frame.
  socket.closed({ code: 1006, reason: "", wasClean: false });
}

function onClose(this: WsSocket, code: number, reason: Buffer): void {
  this[WRITER]!.socket.closed({ code, reason: reason.toString(), wasClean: code !== 1006 });
}

const CLOSE_CODES: Readonly<Record<string, number>> = {
  WS_ERR_INVALID_UTF8: 1007,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1009,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: 1009,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 1008,
};

function failureOf(error: Error & { code?: string }): SocketFailure {
  const { code = "", message } = error;
  // Errors of zlib: `ws` closes with 1007 if a message does not inflate.
  const known = code.startsWith("Z_") ? 1007 : CLOSE_CODES[code];
  return { code: known ?? 1002, message, cause: error };
}

import { constants } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
// @ts-types="@types/ws"
import { type ServerOptions, type WebSocket, WebSocketServer } from "ws";
import { OPEN, type OutgoingFrame, type SocketFailure } from "../../socket/socket.ts";
import { CallbackSocket, type Wire } from "../../socket/callback_socket.ts";
import { BatchedWriter } from "./batched_writer.ts";
import { deflateOffers } from "../../handshake/deflate_offers.ts";
import { type DeflateOptions, isShareable, SharedDeflate } from "./shared_deflate.ts";

/** What stands in the answer to a handshake. */
export interface WsAnswer {
  readonly protocol: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly perMessageDeflate: boolean | object | undefined;
  /** Which control frames somebody wants to hear of. */
  readonly wants: { readonly ping?: unknown; readonly pong?: unknown };
}

/** What a server of `ws` goes by. */
export interface WsUpgraderOptions {
  readonly wss: object | undefined;
  readonly serverOptions: object | undefined;
  readonly perMessageDeflate: boolean | object | undefined;
  readonly maxPayload: number;
  readonly closeTimeout: number;
}

type WsSocket = WebSocket & { [LINE]?: Line; [DEFLATE]?: SharedDeflate | undefined };
type Line = BatchedWriter<CallbackSocket<WsSocket>>;
type Stream = Duplex & { readonly bytesRead?: number; [LINE]?: Line };

/** Where a `ws` socket, and the stream under it, keep our line, so that their handlers need no closure. */
const LINE: unique symbol = Symbol("onepeer.line");

/** Where a `ws` socket keeps what compresses for it and others at once. */
const DEFLATE: unique symbol = Symbol("onepeer.deflate");

/** Enough for an adapter's own options, and a few that `upgrade` returns. */
const MAX_DEFLATES = 64;

/** More than 64 KiB can hold: a client that reads never has so many pongs to come. */
const PINGS_PER_CHUNK = 16_384;

const SEND_OPTIONS = {
  text: [{ binary: false, compress: false }, { binary: false, compress: true }],
  binary: [{ binary: true, compress: false }, { binary: true, compress: true }],
} as const;

const wire: Wire<WsSocket> = {
  isOpen: (native) => native.readyState === OPEN,
  send(native, frame, compress) {
    const line = native[LINE]!;
    if (line.socket.extensions === "") line.write(frame);
    else sendCompressed(native, line, frame, compress);
  },
  flush: (native) => native[LINE]!.flush(),
  close: (native, code, reason) => native.close(code, reason),
  terminate: (native) => native.terminate(),
  bufferedAmount: (native) => native.bufferedAmount + native[LINE]!.gathered,
  flow: {
    pause: (native) => native.pause(),
    resume: (native) => native.resume(),
  },
  heartbeat: {
    ping: (native, data) => native.ping(data),
    activity: (native) => (native[LINE]!.stream as Stream).bytesRead ?? 0,
  },
};

function sendCompressed(native: WsSocket, line: Line, frame: OutgoingFrame, compress: boolean) {
  const deflate = native[DEFLATE];
  // `ws` compresses in the background: what comes next must queue behind it.
  const isBusy = native.bufferedAmount > line.stream.writableLength;
  compress &&= frame.byteLength > 0; // nothing to gain, and "busy" could not be told by it
  if (!isBusy && !compress) return line.write(frame);
  if (!isBusy && deflate?.takes(frame)) return line.write(frame, deflate.deflate(frame));
  line.flush();
  const kind = typeof frame.payload === "string" ? "text" : "binary";
  native.send(frame.bytes, SEND_OPTIONS[kind][compress ? 1 : 0]);
}

/**
 * A method of `ws` behind what was gathered. `ws` answers a close, and closes after an error, by this
 * `close`; and who sends past us, by the socket of `ws`, must not overtake.
 */
function flushAnd(method: "send" | "ping" | "close"): (this: WsSocket, ...args: unknown[]) => void {
  return function (...args) {
    this[LINE]!.flush();
    Reflect.apply((Object.getPrototypeOf(this) as WebSocket)[method], this, args);
  };
}

/** What of the `Receiver` of `ws` is needed to stop it. */
interface Receiver {
  readonly _errored?: boolean;
  _write(chunk: unknown, encoding: string, done: () => void): void;
}

/**
 * Reads no more after an error. `ws` 8.23 goes on with chunks that had to wait for one that was being
 * inflated, from the midst of a frame, and throws where nobody catches it.
 */
function writeUnlessErrored(
  this: Receiver,
  ...[chunk, encoding, done]: Parameters<Receiver["_write"]>
): void {
  if (this._errored) done();
  else (Object.getPrototypeOf(this) as Receiver)._write.call(this, chunk, encoding, done);
}

const flushAndSend = flushAnd("send"), flushAndPing = flushAnd("ping");
const flushAndClose = flushAnd("close");

/** Upgrades lines by a server of `ws`, one made here or the user's own. */
export class WsUpgrader {
  readonly #server: WebSocketServer;
  /** What {@linkcode WsUpgrader.#server} goes by while it carries out an upgrade. */
  readonly #serverOptions: ServerOptions;
  /** What `ws` is carrying out: its callbacks run inside `handleUpgrade`. */
  #current: WsAnswer | undefined;
  /** What `ws` agreed on with the client, as the header says it. */
  #extensions = "";
  /** By the options that made them. */
  readonly #deflates = new Map<string, SharedDeflate>();

  /** @throws {TypeError} for a `verifyClient` that answers by a callback. */
  constructor(options: WsUpgraderOptions) {
    const { wss, serverOptions = {}, maxPayload, closeTimeout } = options;
    const perMessageDeflate = options.perMessageDeflate ??
      (serverOptions as WsUpgraderOptions).perMessageDeflate;
    this.#server = wss as WebSocketServer | undefined ??
      new WebSocketServer({ clientTracking: false, ...noLines(serverOptions) });
    const { handleProtocols, verifyClient } = this.#server.options;
    this.#serverOptions = {
      ...this.#server.options,
      maxPayload: Math.min(maxPayload, constants.MAX_STRING_LENGTH),
      skipUTF8Validation: false,
      ...(perMessageDeflate === undefined ? {} : { perMessageDeflate: sharing(perMessageDeflate) }),
      handleProtocols: (offered, request) =>
        this.#current?.protocol || (handleProtocols?.(offered, request) ?? false),
      // Missing in @types/ws 8.18: how long `ws` waits for the client to end the line; and how many
      // pongs may be under way, which `ws` 8.23 counts within one chunk already.
      ...{ closeTimeout, maxPendingAutoPongs: PINGS_PER_CHUNK },
    };
    if (verifyClient && verifyClient.length > 1) {
      throw new TypeError(
        "Cannot use a verifyClient with a callback: refuse clients in the upgrade hook",
      );
    }
    this.#server.on("headers", (lines) => {
      this.#extensions = lines.find((line) => line.startsWith(EXTENSIONS)) ?? "";
      for (const [name, value] of this.#current?.headers ?? []) lines.push(`${name}: ${value}`);
    });
  }

  /**
   * Answers a handshake, and hands over the socket before it opens; false where there is none: `ws`
   * has refused by itself, or the line was dead.
   */
  upgrade(
    request: IncomingMessage,
    stream: Duplex,
    head: Uint8Array,
    answer: WsAnswer,
    use: (socket: CallbackSocket<WsSocket>) => void,
  ): boolean {
    let upgraded: WsSocket | undefined;
    const server = this.#server, { options } = server;
    this.#current = answer;
    // `ws` wants this one word; the handshake was found good as RFC 9110 §7.8 reads it, as a list.
    const { headers } = request;
    headers.upgrade = "websocket";
    const offers = deflateOffers(headers["sec-websocket-extensions"] ?? null);
    if (offers.length > 0) headers["sec-websocket-extensions"] = offers.join();
    else delete headers["sec-websocket-extensions"];
    const { perMessageDeflate } = answer;
    server.options = perMessageDeflate === undefined
      ? this.#serverOptions
      : { ...this.#serverOptions, perMessageDeflate: sharing(perMessageDeflate) };
    // `ws` types `head` as a Buffer, and reads it as bytes.
    try {
      server.handleUpgrade(request, stream, head as Buffer, (native: WsSocket) => {
        upgraded = native;
        use(this.#adopt(native, stream, answer));
      });
    } finally {
      server.options = options;
      this.#current = undefined;
    }
    if (upgraded) server.emit("connection", upgraded, request);
    return upgraded !== undefined;
  }

  #adopt(native: WsSocket, stream: Stream, { wants }: WsAnswer): CallbackSocket<WsSocket> {
    const socket = new CallbackSocket(wire, native, native.protocol, native.extensions);
    native[LINE] = stream[LINE] = new BatchedWriter(stream, socket);
    if (isShareable(this.#extensions)) {
      native[DEFLATE] = this.#deflateFor(this.#server.options.perMessageDeflate);
    }
    const { _receiver: receiver } = native as { _receiver?: Receiver };
    if (receiver) receiver._write = writeUnlessErrored;
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

  #deflateFor(agreed: unknown): SharedDeflate {
    const { threshold, zlibDeflateOptions } = agreed as DeflateOptions;
    const key = JSON.stringify([threshold, zlibDeflateOptions]);
    let deflate = this.#deflates.get(key);
    if (!deflate) {
      if (this.#deflates.size >= MAX_DEFLATES) this.#deflates.clear();
      this.#deflates.set(key, deflate = new SharedDeflate({ threshold, zlibDeflateOptions }));
    }
    return deflate;
  }
}

/** How `ws` writes the response header that says what was agreed. */
const EXTENSIONS = "Sec-WebSocket-Extensions:";

/** Options of compression, with each message by itself where nothing else is said. */
function sharing(perMessageDeflate: boolean | object): boolean | object {
  if (!perMessageDeflate) return false;
  return { serverNoContextTakeover: true, ...(perMessageDeflate as object) };
}

/** Options of a server of `ws` that is handed its lines. */
function noLines(
  { port: _port, host: _host, server: _server, backlog: _backlog, ...options }: ServerOptions,
): ServerOptions {
  return { ...options, noServer: true };
}

function startReading(this: Stream): void {
  this[LINE]!.startReading();
}

function endReading(this: Stream): void {
  this[LINE]!.endReading();
}

function flush(this: Stream): void {
  this[LINE]!.flush();
}

function onMessage(this: WsSocket, data: Buffer, isBinary: boolean): void {
  // A binary message may be a slice of a chunk or a pool, which is not written to again.
  // Where it is empty, it is the same buffer each time.
  const payload = !isBinary
    ? data.toString()
    : data.byteLength === 0
    ? new Uint8Array()
    : new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
  this[LINE]!.socket.received(payload, data.byteLength);
}

function onPing(this: WsSocket, data: Buffer): void {
  this[LINE]!.socket.controlled("ping", new Uint8Array(data));
}

function onPong(this: WsSocket, data: Buffer): void {
  this[LINE]!.socket.controlled("pong", new Uint8Array(data));
}

function onDrain(this: Stream): void {
  this[LINE]!.socket.drained();
}

function onFinish(this: Stream): void {
  // Both close frames have been seen, or the client has ended its half: there is nothing to wait
  // for, and `ws` would wait for the client to end the line. After a failure it must: what the
  // client still sends would reset the line, and our close frame be lost.
  const { socket } = this[LINE]!;
  if (!socket.hasFailed) socket.raw.terminate();
}

function onError(this: WsSocket, error: Error & { code?: string }): void {
  const { socket } = this[LINE]!;
  socket.failed(failureOf(error));
  // The peer is over; only the line stays, until the client has read why.
  socket.closed({ code: 1006, reason: "", wasClean: false });
}

function onClose(this: WsSocket, code: number, reason: Buffer): void {
  this[LINE]!.socket.closed({ code, reason: reason.toString(), wasClean: code !== 1006 });
}

const CLOSE_CODES: Readonly<Record<string, number>> = {
  WS_ERR_INVALID_UTF8: 1007,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1009,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: 1009,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 1008,
};

function failureOf(error: Error & { code?: string }): SocketFailure {
  const { code = "", message } = error;
  // Of zlib: what does not inflate is closed with 1007 by `ws`.
  const known = code.startsWith("Z_") ? 1007 : CLOSE_CODES[code];
  return { code: known ?? 1002, message, cause: error };
}

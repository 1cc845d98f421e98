/**
 * WebSockets on Node, over `ws` and any `http` or `https` server.
 *
 * @example
 * ```ts
 * import { createServer } from "node:http";
 * import adapter from "@onepeer/onepeer/adapters/node";
 *
 * const ws = adapter({ hooks: { message: (peer, message) => void peer.send(message) } });
 *
 * const server = createServer((_request, response) => void response.end("hello"));
 * server.on("upgrade", ws.handleUpgrade);
 * server.listen(0);
 *
 * await ws.close();
 * server.close();
 * ```
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
// @ts-types="@types/ws"
import { type ServerOptions, type WebSocket, WebSocketServer } from "ws";
import { Adapter, type AdapterOptions } from "../adapter.ts";
import type { Decision } from "../admission.ts";
import type { AnyContext } from "../handshake.ts";
import { type Hooks, isThenable } from "../hooks.ts";
import { CallbackSocket, type Wire } from "../shims/callback_socket.ts";
import { NodeLine } from "../shims/node_line.ts";
import { respond } from "../shims/node_response.ts";
import { RawHandshake } from "../shims/request.ts";
import { type DeflateOptions, isShareable, SharedDeflate } from "../shims/shared_deflate.ts";
import { OPEN, type OutgoingFrame, type SocketFailure } from "../socket.ts";

/** Options of permessage-deflate as `ws` takes them; the ones that matter. */
export interface PerMessageDeflate {
  /** Messages under this many bytes are not compressed. `ws` takes 1,024 if left out. */
  readonly threshold?: number;
  /**
   * Compresses each message by itself (RFC 7692 §7.1.1.1): it saves memory, costs ratio, and a
   * message for many is compressed once for all of them.
   *
   * @default true
   */
  readonly serverNoContextTakeover?: boolean;
  /** Asks the client to do the same (RFC 7692 §7.1.1.2). */
  readonly clientNoContextTakeover?: boolean;
  /** How many messages `ws` compresses at a time. `ws` takes 10 if left out. */
  readonly concurrencyLimit?: number;
  /** Options of Node's zlib: `level`, `memLevel`, `chunkSize`. */
  readonly zlibDeflateOptions?: {
    readonly level?: number;
    readonly memLevel?: number;
    readonly chunkSize?: number;
  };
}

/** What a `WebSocketServer` of `ws` has; its types are for those who have them. */
export interface WsServer {
  /** As given to its constructor. */
  readonly options: object;
  /** Answers one upgrade request. */
  handleUpgrade(...args: never[]): void;
}

/** Options of the adapter for Node. */
export interface NodeOptions<Context extends object = AnyContext>
  extends Omit<AdapterOptions<Context>, "perMessageDeflate"> {
  /**
   * Compression by permessage-deflate (RFC 7692): `true`, or the options of `ws`. It costs memory
   * and a share of the CPU per client that uses it.
   *
   * @default false
   */
  readonly perMessageDeflate?: boolean | PerMessageDeflate;
  /**
   * A server of `ws` that upgrades the lines instead of one made here: its `clients`, its `headers`
   * and `connection` events and its `WebSocket` class then see every peer. It must have been made
   * with `noServer: true`; `maxPayload`, UTF-8 checks and `closeTimeout` are set by `limits` as always.
   */
  readonly wss?: WsServer;
  /**
   * More options for the server of `ws` that is made here: `WebSocket`, `clientTracking`,
   * `perMessageDeflate`, … What `limits` sets, and how it gets its lines, is not among them.
   */
  readonly serverOptions?: object;
}

type WsSocket = WebSocket & { [LINE]?: Line; [DEFLATE]?: SharedDeflate | undefined };
type Line = NodeLine<CallbackSocket<WsSocket>>;
type NodeSocket = Duplex & {
  readonly encrypted?: boolean;
  readonly remoteAddress?: string;
  readonly bytesRead: number;
  /** Node's own: the response that is being written to this line. There is no public way to see it. */
  readonly _httpMessage?: unknown;
  [LINE]?: Line;
};

/** Where a `ws` socket, and the stream under it, keep our line, so that their handlers need no closure. */
const LINE = Symbol("onepeer.line");

/** Where a `ws` socket keeps what compresses for it and others at once. */
const DEFLATE = Symbol("onepeer.deflate");

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
  close: (native, code, reason) => native.close(code, reason),
  terminate: (native) => native.terminate(),
  bufferedAmount: (native) => native.bufferedAmount + native[LINE]!.gathered,
  flow: {
    pause: (native) => native.pause(),
    resume: (native) => native.resume(),
  },
  heartbeat: {
    ping: (native, data) => native.ping(data),
    activity: (native) => (native[LINE]!.stream as NodeSocket).bytesRead,
  },
};

function sendCompressed(native: WsSocket, line: Line, frame: OutgoingFrame, compress: boolean) {
  const deflate = native[DEFLATE];
  // `ws` compresses in the background: what comes next must queue behind it.
  const isBusy = native.bufferedAmount > line.stream.writableLength;
  if (!isBusy && !compress) return line.write(frame);
  if (!isBusy && deflate?.takes(frame)) return line.write(frame, deflate.deflate(frame));
  line.flush();
  const kind = typeof frame.payload === "string" ? "text" : "binary";
  native.send(frame.bytes, SEND_OPTIONS[kind][compress ? 1 : 0]);
}

/** WebSockets on Node. */
export class NodeAdapter extends Adapter {
  readonly #server: WebSocketServer;
  /** What {@linkcode NodeAdapter.#server} goes by while it carries out a decision. */
  readonly #serverOptions: ServerOptions;
  /** The decision that `ws` is carrying out: its callbacks run inside `handleUpgrade`. */
  #current: (Decision & { kind: "accept" }) | undefined;
  /** What `ws` agreed on with the client, as the header says it. */
  #extensions = "";
  /** By the options that made them. */
  readonly #deflates = new Map<string, SharedDeflate>();

  /** @internal Made by {@linkcode adapter}. */
  constructor(options: NodeOptions) {
    super(options as AdapterOptions, ["wss", "serverOptions"]);
    const { wss, serverOptions = {} } = options;
    const perMessageDeflate = options.perMessageDeflate ??
      (serverOptions as NodeOptions).perMessageDeflate;
    this.#server = wss as WebSocketServer | undefined ??
      new WebSocketServer({ clientTracking: false, ...noLines(serverOptions) });
    const { handleProtocols, verifyClient } = this.#server.options;
    const { maxPayload, closeTimeout } = this.endpoint.limits;
    this.#serverOptions = {
      ...this.#server.options,
      maxPayload: Math.min(maxPayload, 2 ** 31 - 1),
      skipUTF8Validation: false,
      ...(perMessageDeflate === undefined ? {} : { perMessageDeflate: sharing(perMessageDeflate) }),
      handleProtocols: (offered, request) =>
        this.#current?.protocol || (handleProtocols?.(offered, request) ?? false),
      // Missing in @types/ws 8.18: how long `ws` waits for the client to end the line.
      ...{ closeTimeout },
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
   * Answers an upgrade request: give it to the server's `upgrade` event as it stands. Never rejects.
   *
   * @param webRequest the framework's own `Request`, whose `context` flows into `peer.context`.
   */
  readonly handleUpgrade = async (
    request: IncomingMessage,
    socket: Duplex,
    head: Uint8Array,
    webRequest?: Request | { readonly context?: AnyContext },
  ): Promise<void> => {
    // Node has removed its own listener by now: a reset in an asynchronous hook would end the process.
    socket.on("error", ignore);
    const handshake = snapshot(request, socket as NodeSocket, head, webRequest);
    // A response to an earlier, pipelined request is still under way; ours would get into the
    // midst of it. No client that means it upgrades like this.
    if ((socket as NodeSocket)._httpMessage) {
      this.endpoint.failed(handshake);
      socket.destroy();
      return;
    }
    let decision: Decision | undefined;
    try {
      decision = await this.decide(handshake, (left) => {
        socket.once("end", left).once("close", left);
        return () => void socket.off("end", left).off("close", left);
      });
      if (decision.kind === "accept") this.#accept(request, socket, head, decision, handshake);
      else if (decision.kind === "refuse") await respond(request, socket, decision.response);
      else if (decision.kind === "gone") socket.destroy();
    } catch (error) {
      const admission = decision?.kind === "accept" ? decision.admission : undefined;
      this.endpoint.failed(handshake, error, admission);
      socket.destroy();
    }
  };

  #accept(
    request: IncomingMessage,
    stream: Duplex,
    head: Uint8Array,
    decision: Decision & { kind: "accept" },
    handshake: RawHandshake,
  ): void {
    let upgraded: WsSocket | undefined;
    const server = this.#server, { options } = server;
    this.#current = decision;
    // `ws` wants this one word; the handshake was found good as RFC 9110 §7.8 reads it, as a list.
    request.headers.upgrade = "websocket";
    const { perMessageDeflate } = decision;
    server.options = perMessageDeflate === undefined
      ? this.#serverOptions
      : { ...this.#serverOptions, perMessageDeflate: sharing(perMessageDeflate) };
    // `ws` types `head` as a Buffer, and reads it as bytes.
    try {
      server.handleUpgrade(request, stream, head as Buffer, (native: WsSocket) => {
        upgraded = native;
        handshake.settle();
        const socket = new CallbackSocket(wire, native, native.protocol, native.extensions);
        const line = new NodeLine(stream, socket);
        native[LINE] = line;
        if (isShareable(this.#extensions)) {
          native[DEFLATE] = this.#deflateFor(server.options.perMessageDeflate);
        }
        (stream as NodeSocket)[LINE] = line;
        native.close = flushAndClose;
        native.on("message", onMessage).on("close", onClose).on("error", onError);
        if (decision.admission.hooks.ping) native.on("ping", onPing);
        if (decision.admission.hooks.pong) native.on("pong", onPong);
        stream.off("error", ignore).on("drain", onDrain).on("finish", onFinish);
        stream.prependListener("data", startReading).on("data", endReading);
        stream.prependListener("end", flush);
        this.endpoint.attach(socket, decision.admission);
        socket.opened();
      });
    } finally {
      server.options = options;
      this.#current = undefined;
    }
    if (upgraded) server.emit("connection", upgraded, request);
    // Else `ws` has answered by itself, or the line was dead.
    else this.endpoint.failed(handshake, undefined, decision.admission);
  }

  #deflateFor(agreed: unknown): SharedDeflate {
    const { threshold, zlibDeflateOptions } = agreed as DeflateOptions;
    const key = JSON.stringify([threshold, zlibDeflateOptions]);
    let deflate = this.#deflates.get(key);
    if (!deflate) {
      this.#deflates.set(key, deflate = new SharedDeflate({ threshold, zlibDeflateOptions }));
    }
    return deflate;
  }
}

/** Makes the adapter for Node. */
export function adapter<Context extends object = AnyContext>(
  options: NodeOptions<Context> = {},
): NodeAdapter {
  return new NodeAdapter(options as unknown as NodeOptions);
}

export default adapter;

/** Takes a line over, as a listener of the `upgrade` event of Node's servers does. */
export type NodeUpgradeHandler = (
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
) => void | Promise<void>;

/**
 * Hooks that leave a connection to a handler which already exists, such as another WebSocket
 * library's: the line is its own from then on, and no other hook runs. For the adapter on Node alone.
 *
 * @example
 * ```ts
 * import adapter, { fromNodeUpgradeHandler } from "@onepeer/onepeer/adapters/node";
 *
 * const legacy = fromNodeUpgradeHandler((_request, socket) => void socket.end("HTTP/1.1 410 Gone\r\n\r\n"));
 * const ws = adapter({
 *   hooks: { message: (peer, message) => void peer.send(message) },
 *   resolve: (request) => request.url.endsWith("/legacy") ? legacy : undefined,
 * });
 * await ws.close();
 * ```
 */
export function fromNodeUpgradeHandler(handler: NodeUpgradeHandler): Pick<Hooks, "upgrade"> {
  return {
    upgrade({ runtime }) {
      const { node } = (runtime ?? {}) as { node?: NodeRuntime };
      if (!node?.socket) {
        throw new TypeError(
          "Cannot leave the connection to the handler: only on Node is there a line",
        );
      }
      const pending = handler(node.req, node.socket, node.head);
      // Not awaited: it may last as long as the connection.
      if (isThenable(pending)) {
        pending.then(undefined, (error) => {
          console.error("onepeer: the upgrade handler failed", error);
          node.socket.destroy();
        });
      }
      return { handled: true };
    },
  };
}

/** What hooks find as `request.runtime.node`. */
interface NodeRuntime {
  readonly req: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
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

function ignore(): void {}

function snapshot(
  request: IncomingMessage,
  socket: NodeSocket,
  head: Uint8Array,
  webRequest: object | undefined,
): RawHandshake {
  return new RawHandshake({
    method: request.method ?? "GET",
    target: request.url ?? "/",
    rawHeaders: request.rawHeaders,
    secure: socket.encrypted === true,
    remoteAddress: socket.remoteAddress,
    context: (webRequest as { context?: AnyContext } | undefined)?.context,
    runtime: { name: "node", node: { req: request, socket, head } },
  });
}

function startReading(this: NodeSocket): void {
  this[LINE]!.startReading();
}

function endReading(this: NodeSocket): void {
  this[LINE]!.endReading();
}

function flush(this: NodeSocket): void {
  this[LINE]!.flush();
}

/** `ws` answers a close, and closes after an error, by this method: what was sent before leaves first. */
function flushAndClose(this: WsSocket, code?: number, reason?: string | Buffer): void {
  this[LINE]!.flush();
  (Object.getPrototypeOf(this) as WebSocket).close.call(this, code, reason);
}

function onMessage(this: WsSocket, data: Buffer, isBinary: boolean): void {
  // A small binary message is a slice of a pool that `ws` shares among messages: copy it out.
  const payload = isBinary ? new Uint8Array(data) : data.toString();
  this[LINE]!.socket.received(payload, data.byteLength);
}

function onPing(this: WsSocket, data: Buffer): void {
  this[LINE]!.socket.controlled("ping", new Uint8Array(data));
}

function onPong(this: WsSocket, data: Buffer): void {
  this[LINE]!.socket.controlled("pong", new Uint8Array(data));
}

function onDrain(this: NodeSocket): void {
  this[LINE]!.socket.drained();
}

function onFinish(this: NodeSocket): void {
  // Both close frames have been seen, or the client has ended its half: there is nothing to wait
  // for, and `ws` would wait for the client to end the line. After a failure it must: what the
  // client still sends would reset the line, and our close frame be lost.
  const { socket } = this[LINE]!;
  if (!socket.hasFailed) socket.raw.terminate();
}

function onError(this: WsSocket, error: Error & { code?: string }): void {
  this[LINE]!.socket.failed(failureOf(error));
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
  return { code: CLOSE_CODES[error.code ?? ""] ?? 1002, message: error.message, cause: error };
}

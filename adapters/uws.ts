/**
 * WebSockets on Node over uWebSockets.js 20.
 *
 * @example
 * ```ts ignore
 * import { App } from "uWebSockets.js";
 * import adapter from "@onepeer/onepeer/adapters/uws";
 *
 * const ws = adapter({ hooks: { message: (peer, message) => void peer.send(message) } });
 *
 * const app = App();
 * ws.attach(app, "/*"); // or app.ws("/*", ws.websocket)
 * app.listen(3000, () => {});
 * ```
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { STATUS_CODES } from "node:http";
import { inspect } from "node:util";
import { Adapter, type AdapterOptions } from "../endpoint/adapter.ts";
import type { Decision } from "../endpoint/upgrader.ts";
import { NativeDomain } from "../pubsub/native_broadcast.ts";
import { type AnyContext, clientHasLeft } from "../handshake/handshake.ts";
import { isThenable } from "../endpoint/hooks.ts";
import { SocketData, topicsOf } from "../shims/uws/socket_data.ts";
import type { Wire } from "../socket/callback_socket.ts";
import { deflateOffers } from "../handshake/deflate_offers.ts";
import { RawHandshake } from "../handshake/raw_handshake.ts";
import { TopicSpace } from "../shims/uws/topic_space.ts";
import { reportClose } from "../shims/uws/uwebsockets.ts";
import type { ControlKind } from "../socket/socket.ts";

/** Options of the adapter for uWebSockets.js. */
export type UwsOptions<Context extends object = AnyContext> = AdapterOptions<Context>;

/** The part of uWebSockets.js' `HttpRequest` that is used. Valid until the handler returns. */
export interface UwsRequest {
  /** Lower case. */
  getMethod(): string;
  /** Path, without the query. */
  getUrl(): string;
  /** Query without `?`; `undefined` for none. */
  getQuery(): string | undefined;
  /** A header by its lower-case name, or `""`. */
  getHeader(name: string): string;
  /** All headers. */
  forEach(callback: (name: string, value: string) => void): void;
}

/** The part of uWebSockets.js' `HttpResponse` that is used. Valid until aborted. */
export interface UwsResponse {
  /** Tells that the client has left. */
  onAborted(callback: () => void): unknown;
  /** Gathers writes. */
  cork(callback: () => void): unknown;
  /** Writes the status line. */
  writeStatus(status: string): unknown;
  /** Writes one header. */
  writeHeader(name: string, value: string): unknown;
  /** Writes a chunk of the body. */
  write(chunk: Uint8Array): unknown;
  /** Ends the response. */
  end(body?: string, closeConnection?: boolean): unknown;
  /** Drops the line. */
  close(): unknown;
  /** The other end of the line, as text. */
  getRemoteAddressAsText(): ArrayBuffer;
  /** Answers with the 101. */
  upgrade(
    userData: { readonly onepeer: unknown },
    key: string,
    protocol: string,
    extensions: string,
    context: UwsContext,
  ): void;
}

/** uWebSockets.js' `us_socket_context_t`, handed through. */
export type UwsContext = object;

/** The part of uWebSockets.js' `WebSocket` that is used. Throws once closed. */
export interface UwsSocket {
  /** What was given to `upgrade`. */
  readonly onepeer?: unknown;
  /** Queues a message. */
  send(message: string | Uint8Array<ArrayBuffer>, isBinary?: boolean, compress?: boolean): number;
  /** Hears a topic. */
  subscribe(topic: string): unknown;
  /** Hears it no more. */
  unsubscribe(topic: string): unknown;
  /** Whether it hears a topic. */
  isSubscribed(topic: string): boolean;
  /** Queues a message for all others that hear a topic. */
  publish(
    topic: string,
    message: string | Uint8Array<ArrayBuffer>,
    isBinary?: boolean,
    compress?: boolean,
  ): boolean;
  /** Closes with a closing handshake. */
  end(code?: number, reason?: string): void;
  /** Drops the line. */
  close(): void;
  /** Sends a ping. */
  ping(data: Uint8Array<ArrayBuffer>): number;
  /** Bytes that wait. */
  getBufferedAmount(): number;
}

/** The behaviour object for `app.ws(pattern, …)`. */
export interface UwsBehavior {
  /** As in the options. */
  readonly compression: number;
  /** `limits.maxPayload`. */
  readonly maxPayloadLength: number;
  /** Off: `limits.maxBuffered` is watched by the endpoint. */
  readonly maxBackpressure: number;
  /** Off: idle lines are watched by the endpoint. */
  readonly idleTimeout: number;
  /** Off: pings are sent by the endpoint. */
  readonly sendPingsAutomatically: boolean;
  /** uWebSockets.js calls these. */
  upgrade(res: UwsResponse, req: UwsRequest, context: UwsContext): void;
  /** uWebSockets.js calls these. */
  open(ws: UwsSocket): void;
  /** uWebSockets.js calls these. */
  message(ws: UwsSocket, message: ArrayBuffer, isBinary: boolean): void;
  /** uWebSockets.js calls these. */
  drain(ws: UwsSocket): void;
  /** uWebSockets.js calls these. */
  ping(ws: UwsSocket, message: ArrayBuffer): void;
  /** uWebSockets.js calls these. */
  pong(ws: UwsSocket, message: ArrayBuffer): void;
  /** uWebSockets.js calls these. */
  close(ws: UwsSocket, code: number, message: ArrayBuffer): void;
}

/** The part of an `App` that {@linkcode UwsAdapter.attach} uses. */
export interface UwsApp {
  /** Routes WebSocket handshakes. */
  ws(pattern: string, behavior: UwsBehavior): unknown;
  /** Routes everything else. */
  any(pattern: string, handler: (res: UwsResponse, req: UwsRequest) => void): unknown;
}

const decoder = new TextDecoder();
const MAX_INT32 = 2 ** 31 - 1;
/** `SHARED_COMPRESSOR | SHARED_DECOMPRESSOR` of uWebSockets.js 20. */
const SHARED_COMPRESSION = 1 | 256;

/** What `send` returns where there is no backpressure. */
const SENT = 1;

const wire: Wire<UwsSocket> = {
  isOpen: () => true, // uWebSockets.js reports every close at once
  send: (native, { payload }, compress) =>
    native.send(payload, typeof payload !== "string", compress) === SENT,
  close: (native, code, reason) => native.end(code, reason),
  // uWebSockets.js 20 reports the close at once, and keeps the socket with what is queued.
  closeForgetsQueue: true,
  terminate: (native) => native.close(),
  bufferedAmount: (native) => native.getBufferedAmount(),
  topics: topicsOf(
    dataOf,
    (native, topic, { payload }, compress) =>
      void native.publish(topic, payload, typeof payload !== "string", compress),
  ),
  heartbeat: {
    ping: (native, data) => void native.ping(data),
    activity: (native) => dataOf(native)?.received ?? 0,
  },
};

/** WebSockets over uWebSockets.js. */
export class UwsAdapter extends Adapter {
  /** Give this to `app.ws(pattern, …)`. */
  readonly websocket: UwsBehavior;
  readonly #spaces = new Map<string, TopicSpace>();

  /** @internal Made by {@linkcode adapter}. */
  constructor(options: UwsOptions) {
    super(options);
    this.websocket = {
      compression: options.perMessageDeflate ? SHARED_COMPRESSION : 0,
      maxPayloadLength: Math.min(this.endpoint.limits.maxPayload, MAX_INT32),
      maxBackpressure: MAX_INT32,
      idleTimeout: 0,
      sendPingsAutomatically: false,
      upgrade: (res, req, context) => this.#answer(res, req, context),
      open: (native) => dataOf(native)?.open(wire, native),
      message: onMessage,
      drain: (native) => dataOf(native)?.socket.drained(),
      ping: (native, message) => onControl(native, "ping", message),
      pong: (native, message) => onControl(native, "pong", message),
      close: onClose,
    };
  }

  /**
   * Routes a pattern of an app to this adapter, bad handshakes included: with `app.ws` alone
   * uWebSockets.js ends their lines without an answer.
   */
  attach(app: UwsApp, pattern: string): void {
    app.ws(pattern, this.websocket);
    app.any(pattern, (res, req) => this.#answer(res, req, undefined));
  }

  /**
   * Native topics are the app's, but a socket knows no more than its route's context: a pointer, in
   * an object that uWebSockets.js 20 makes anew each time. Node shows the address.
   */
  readonly #spaceOf = (context: object): TopicSpace => {
    const address = inspect(context);
    let space = this.#spaces.get(address);
    if (space) return space;
    space = new TopicSpace(NativeDomain.under(this.endpoint.limits));
    // Where there is no address, each socket is by itself, and served by itself.
    if (ADDRESS.test(address)) this.#spaces.set(address, space);
    return space;
  };

  /** `req` is valid only until this returns, `res` only until aborted: both are read out first. */
  #answer(res: UwsResponse, req: UwsRequest, context: UwsContext | undefined): void {
    const line = new Line(res);
    const handshake = snapshot(res, req, context);
    line.onLeft = () => handshake.abort(clientHasLeft);
    const decision = this.upgrader.decide(handshake);
    const carryOut = (decision: Decision) => {
      line.onLeft = undefined;
      if (decision.kind === "refuse") void respond(line, decision.response);
      if (decision.kind !== "accept") return;
      try {
        this.#accept(line, handshake, context, decision);
      } catch (error) {
        this.upgrader.failed(handshake, error, decision.admission);
      }
    };
    if (isThenable(decision)) decision.then(carryOut);
    else carryOut(decision);
  }

  #accept(
    line: Line,
    handshake: RawHandshake,
    context: UwsContext | undefined,
    { admission, protocol, headers }: Decision & { kind: "accept" },
  ): void {
    // The window of uWebSockets.js 20 is what it is: who wants a smaller one gets none.
    const offer = this.websocket.compression === 0 ? undefined : deflateOffers(
      handshake.header("sec-websocket-extensions"),
    ).find((it) => !it.includes("server_max_window_bits"));
    const onepeer = new SocketData<UwsSocket>(
      (socket) => this.endpoint.attach(socket, admission),
      protocol,
      offer ? "permessage-deflate" : "",
      this.#spaceOf,
      context!,
    );
    const key = handshake.header("sec-websocket-key") ?? "";
    const isAlive = line.cork((res) => {
      res.writeStatus("101 Switching Protocols");
      for (const [name, value] of headers) res.writeHeader(name, value);
      res.upgrade({ onepeer }, key, protocol, offer ?? "", context!);
    });
    if (!isAlive) this.upgrader.failed(handshake, undefined, admission);
  }
}

/** Makes the adapter for uWebSockets.js. */
export function adapter<Context extends object = AnyContext>(
  options: UwsOptions<Context> = {},
): UwsAdapter {
  return new UwsAdapter(options as unknown as UwsOptions);
}

export default adapter;

/** How Node shows a pointer. */
const ADDRESS = /^\[External: \w+\]$/;

/** A response that may be gone: every touch of it after an abort would throw. */
class Line {
  onLeft: (() => void) | undefined;
  readonly #res: UwsResponse;
  #isGone = false;

  constructor(res: UwsResponse) {
    this.#res = res;
    res.onAborted(() => {
      this.#isGone = true;
      this.onLeft?.();
    });
  }

  /** Writes, unless the client has left; tells which. */
  cork(write: (res: UwsResponse) => void): boolean {
    if (!this.#isGone) this.#res.cork(() => write(this.#res));
    return !this.#isGone;
  }
}

function snapshot(
  res: UwsResponse,
  req: UwsRequest,
  context: UwsContext | undefined,
): RawHandshake {
  const rawHeaders: string[] = [];
  req.forEach((name, value) => rawHeaders.push(name, byteString(value)));
  const query = req.getQuery();
  return new RawHandshake({
    method: req.getMethod().toUpperCase(),
    target: req.getUrl() + (query === undefined ? "" : `?${query}`),
    rawHeaders,
    secure: false,
    remoteAddress: decoder.decode(res.getRemoteAddressAsText()),
    runtime: { name: "uws", uws: { res, req, context } },
  });
}

/** A header as Fetch and all other runtimes have it, a character per byte: uWebSockets.js 20 decodes UTF-8. */
function byteString(value: string): string {
  return /[^\0-\x7f]/.test(value) ? Buffer.from(value).toString("latin1") : value;
}

/** Ours, unless a hook of the user upgraded the socket. */
function dataOf({ onepeer }: UwsSocket): SocketData<UwsSocket> | undefined {
  return onepeer instanceof SocketData ? onepeer : undefined;
}

function onMessage(native: UwsSocket, message: ArrayBuffer, isBinary: boolean): void {
  const data = dataOf(native);
  if (!data) return;
  data.received++;
  // The buffer is detached when this returns.
  const payload = isBinary ? copyOut(message) : Buffer.from(message).toString();
  data.socket.received(payload, message.byteLength);
}

/** Small messages go into the pool of `Buffer`: memory of their own would cost 0.4 µs for 1 KiB on Node 20. */
function copyOut(message: ArrayBuffer): Uint8Array<ArrayBuffer> {
  const { byteLength } = message;
  const isSmall = byteLength > 0 && byteLength < Buffer.poolSize >>> 1;
  if (!isSmall) return new Uint8Array(message.slice(0));
  const { buffer, byteOffset } = Buffer.from(new Uint8Array(message));
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function onControl(native: UwsSocket, kind: ControlKind, message: ArrayBuffer): void {
  const data = dataOf(native);
  if (!data) return;
  data.received++;
  // The buffer is detached when this returns.
  data.socket.controlled(kind, new Uint8Array(message.slice(0)));
}

function onClose(native: UwsSocket, code: number, message: ArrayBuffer): void {
  const data = dataOf(native);
  if (data) reportClose(data.socket, code, decoder.decode(message));
}

/** Headers that uWebSockets.js writes by itself. */
const OWN_HEADERS: ReadonlySet<string> = new Set(["content-length", "transfer-encoding", "date"]);

/** Writes a web response, as long as the client is there. */
async function respond(line: Line, response: Response): Promise<void> {
  const status = response.status || 500;
  line.cork((res) => {
    res.writeStatus(`${status} ${response.statusText || STATUS_CODES[status] || ""}`.trim());
    for (const [name, value] of response.headers) {
      if (!OWN_HEADERS.has(name)) res.writeHeader(name, value);
    }
    if (!response.body) res.end("", true);
  });
  if (!response.body) return;
  const reader = response.body.getReader();
  line.onLeft = () => void reader.cancel().catch(() => {});
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      const { value } = next;
      line.cork((res) => void res.write(value));
    }
    line.cork((res) => res.end());
  } catch {
    line.cork((res) => res.close()); // the client must not take half a body for whole
  }
}

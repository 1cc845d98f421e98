/**
 * WebSockets on Deno, over `Deno.upgradeWebSocket`.
 *
 * @example
 * ```ts
 * import adapter from "@onepeer/onepeer/adapters/deno";
 *
 * const ws = adapter({ hooks: { message: (peer, message) => void peer.send(message) } });
 *
 * const server = Deno.serve({ port: 0 }, (request, info) =>
 *   request.headers.get("upgrade") === "websocket"
 *     ? ws.handleUpgrade(request, info)
 *     : new Response("hello"));
 *
 * await ws.close();
 * await server.shutdown();
 * ```
 *
 * @module
 */
import { Adapter, type AdapterOptions } from "../endpoint/adapter.ts";
import type { Decision } from "../endpoint/upgrader.ts";
import type { AnyContext, RequestRuntime } from "../handshake/handshake.ts";
import { utf8Length } from "../socket/frame.ts";
import { CallbackSocket, type Wire } from "../socket/callback_socket.ts";
import { RawHandshake } from "../handshake/raw_handshake.ts";
import { type CloseInfo, OPEN, type SocketFailure } from "../socket/socket.ts";

/** Options of the adapter for Deno. */
export type DenoOptions<Context extends object = AnyContext> = AdapterOptions<Context>;

/** The part of `Deno.ServeHandlerInfo` that the adapter uses. */
export interface DenoServeInfo {
  /** Address of the other end of the connection. Has a `hostname` if it is an IP address. */
  readonly remoteAddr: object;
}

type DenoSocket = WebSocket & {
  [SOCKET]?: CallbackSocket<DenoSocket>;
  [CLOSING]?: HeldClose;
  [TIMED_OUT]?: boolean;
  [RECEIVED]?: number;
};

/** Key of our socket on the native socket, so that handlers need no closure. */
const SOCKET = Symbol("onepeer.socket");
/** Key of a close that is held back. */
const CLOSING = Symbol("onepeer.closing");
/** Key of a flag: Deno's `idleTimeout` has passed. */
const TIMED_OUT = Symbol("onepeer.timed-out");
/** Key of the number of messages received. */
const RECEIVED = Symbol("onepeer.received");
/** Deno 2.9's error after `idleTimeout`. Deno then reports two closes, 1001 and 1005. */
const IDLE = "No response from ping frame.";
/** Errors by which Deno 2.9 reports a dropped connection. A drop is not a protocol error. */
const LINE_DROPPED = /os error|unexpected eof|connection (?:is )?closed|broken pipe|reset by peer/i;

const wire: Wire<DenoSocket> = {
  isOpen: (native) => native.readyState === OPEN,
  send: (native, frame) => native.send(frame.payload),
  close(native, code, reason) {
    native[CLOSING] = new HeldClose(native, code, reason);
  },
  // Deno 2.9 cannot reset a connection. The best substitute is a closing handshake for which the
  // server does not wait.
  terminate(native) {
    if (native.readyState === OPEN) native.close();
  },
  bufferedAmount: (native) => native.bufferedAmount,
  hidesEmpty: true, // Deno 2.9 counts the payload only
};

/**
 * Wire without pings. Deno 2.9 detects a silent client only by a ping, so the endpoint counts the
 * client's messages instead.
 */
const quietWire: Wire<DenoSocket> = {
  ...wire,
  heartbeat: { activity: (native) => native[RECEIVED] ?? 0 },
};

/**
 * A close by the server, held back while the client is still sending.
 *
 * If a data frame arrives after our close frame, Deno 2.9 resets the connection. The client then
 * sees 1006, and never learns our code.
 */
class HeldClose {
  static readonly #QUIET_MS = 50;
  /** Lateness of a timer in milliseconds that shows a busy machine, where messages may be unread. */
  static readonly #LATE_MS = 10;
  static readonly #MAX_LOOKS = 10;
  /** Number of late bytes that end the wait, since Deno 2.9 keeps late messages in memory. */
  static readonly #MAX_BYTES = 1024 * 1024;
  readonly #close: () => void;
  #isBusy = false;
  #looks = 0;
  #bytes = 0;
  #lookAt = 0;

  constructor(native: DenoSocket, code: number, reason: string) {
    this.#close = () => {
      if (native.readyState === OPEN) native.close(code, reason);
    };
    this.#lookLater();
  }

  #lookLater(): void {
    this.#lookAt = performance.now() + HeldClose.#QUIET_MS;
    setTimeout(() => this.#look(), HeldClose.#QUIET_MS);
  }

  /** Notes a message that arrived after the call of `close`. */
  heard(byteLength: number): void {
    this.#isBusy = true;
    this.#bytes += byteLength;
    if (this.#bytes > HeldClose.#MAX_BYTES) this.#close();
  }

  /** Closes if no message has arrived since the last look, or after `MAX_LOOKS` looks. */
  #look(): void {
    const isLate = performance.now() - this.#lookAt > HeldClose.#LATE_MS;
    const isQuiet = !this.#isBusy && !isLate;
    if (isQuiet || ++this.#looks === HeldClose.#MAX_LOOKS) return this.#close();
    this.#isBusy = false;
    this.#lookLater();
  }
}

/** The adapter for Deno. */
export class DenoAdapter extends Adapter {
  /**
   * Answers an upgrade request. Return the response, a 101 or a refusal, from the handler of the
   * server. Never rejects.
   */
  async handleUpgrade(request: Request, info?: DenoServeInfo): Promise<Response> {
    const handshake = snapshot(request, info);
    const answer = await this.answer(
      request,
      handshake,
      (decision) => this.#accept(request, decision),
    );
    // The client has left, or a hook has taken over the connection: no client gets this response.
    return answer ?? new Response(null, { status: 204 });
  }

  #accept(
    request: Request,
    { admission, protocol, headers }: Decision & { kind: "accept" },
  ): Response {
    // Do not use the option `protocol`: Deno 2.9 throws if the client's list has no space after the
    // comma, and the client of `ws` sends no space.
    const { pingInterval, idleTimeout } = admission.settings.limits;
    const { socket: native, response } = Deno.upgradeWebSocket(request, {
      // Deno 2.9 pings after half of this time, and ends the connection after all of it.
      idleTimeout: Math.min(2 * pingInterval, idleTimeout) / 1000,
    });
    for (const [name, value] of headers) response.headers.append(name, value);
    if (protocol) response.headers.set("sec-websocket-protocol", protocol);
    const socket = new CallbackSocket<DenoSocket>(
      pingInterval > 0 ? wire : quietWire,
      native,
      protocol,
    );
    (native as DenoSocket)[SOCKET] = socket;
    // For `onopen = …` Deno 2.9 would create a closure.
    native.addEventListener("open", onOpen, ONCE);
    native.addEventListener("message", onMessage);
    native.addEventListener("error", onError);
    native.addEventListener("close", onClose);
    this.endpoint.attach(socket, admission);
    return response;
  }
}

/** Creates the adapter for Deno. */
export function adapter<Context extends object = AnyContext>(
  options: DenoOptions<Context> = {},
): DenoAdapter {
  return new DenoAdapter(options as unknown as DenoOptions);
}

export default adapter;

/**
 * Type of `request.runtime` with this adapter. Deno 2.9 closes its request at the upgrade. In `open`,
 * `request.headers` therefore throws: read `peer.request.headers`.
 */
export interface DenoRequestRuntime extends RequestRuntime {
  /** The name of the property below. */
  readonly name: "deno";
  /** The arguments of the server's handler. */
  readonly deno: { readonly request: Request; readonly info: DenoServeInfo | undefined };
}

/** Copies the request. After the upgrade, Deno's own objects throw "Request closed". */
function snapshot(request: Request, given: DenoServeInfo | undefined): RawHandshake {
  const { url } = request, info = given && readableInfo(given);
  const runtime: DenoRequestRuntime = { name: "deno", deno: { request, info } };
  return new RawHandshake({
    method: request.method,
    target: url,
    rawHeaders: [...request.headers].flat(),
    secure: url.startsWith("https:"),
    remoteAddress: (info?.remoteAddr as { hostname?: string } | undefined)?.hostname,
    context: (request as { context?: AnyContext }).context,
    runtime,
  });
}

/** Copies the info, whose address cannot be read after the upgrade. */
function readableInfo(info: DenoServeInfo): DenoServeInfo {
  return {
    ...info,
    remoteAddr: info.remoteAddr,
    // Read on demand: this promise can reject, and then some code must handle the rejection.
    get completed() {
      return (info as { readonly completed?: Promise<void> }).completed;
    },
  } as DenoServeInfo;
}

const ONCE = { once: true };

function onOpen(this: DenoSocket): void {
  this[SOCKET]!.opened();
}

function onMessage(this: DenoSocket, { data }: MessageEvent<string | ArrayBuffer>): void {
  this[RECEIVED] = (this[RECEIVED] ?? 0) + 1;
  if (this[CLOSING]) this[CLOSING].heard(typeof data === "string" ? data.length : data.byteLength);
  else if (typeof data === "string") this[SOCKET]!.received(data, utf8Length(data));
  else this[SOCKET]!.received(new Uint8Array(data), data.byteLength);
}

function onError(this: DenoSocket, event: Event): void {
  if ((event as ErrorEvent).message === IDLE) this[TIMED_OUT] = true;
  const failure = failureOf(event as ErrorEvent);
  if (failure) this[SOCKET]!.failed(failure);
}

function onClose(this: DenoSocket, event: CloseEvent): void {
  this[SOCKET]!.closed(closeInfo(event, this));
}

function failureOf({ message, error }: ErrorEvent): SocketFailure | undefined {
  if (message === IDLE || LINE_DROPPED.test(message)) return undefined;
  const code = /utf-?8/i.test(message) ? 1007 : /^frame too large/i.test(message) ? 1009 : 1002;
  return { code, message, cause: error };
}

function closeInfo({ code, reason, wasClean }: CloseEvent, native: DenoSocket): CloseInfo {
  // A code under 1000 is not a close code. It is the opcode of the last frame, or 0 without a frame.
  if (code < 1000 || native[TIMED_OUT]) return { code: 1006, reason: "", wasClean: false };
  // If the connection drops after our close, Deno 2.9 reports 1005 and "clean". A client that answers
  // our close sends our code back. Our code is never 1005.
  return { code, reason, wasClean: wasClean && !(native[CLOSING] && code === 1005) };
}

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
import type { AnyContext } from "../handshake/handshake.ts";
import { utf8Length } from "../socket/frame.ts";
import { CallbackSocket, type Wire } from "../socket/callback_socket.ts";
import { RawHandshake } from "../handshake/raw_handshake.ts";
import { type CloseInfo, OPEN, type SocketFailure } from "../socket/socket.ts";

/** Options of the adapter for Deno. */
export type DenoOptions<Context extends object = AnyContext> = AdapterOptions<Context>;

/** The part of `Deno.ServeHandlerInfo` that is used. */
export interface DenoServeInfo {
  /** The other end of the line; has a `hostname` where that is an IP address. */
  readonly remoteAddr: object;
}

type DenoSocket = WebSocket & {
  [SOCKET]?: CallbackSocket<DenoSocket>;
  [CLOSING]?: HeldClose;
  [TIMED_OUT]?: boolean;
};

/** Where a native socket keeps ours, so that its handlers need no closure. */
const SOCKET = Symbol("onepeer.socket");
/** Where it keeps our close. */
const CLOSING = Symbol("onepeer.closing");
/** Set once Deno's `idleTimeout` has passed. */
const TIMED_OUT = Symbol("onepeer.timed-out");
/** What Deno 2.9 says when `idleTimeout` has passed; it then reports two closes, 1001 and 1005. */
const IDLE = "No response from ping frame.";
/** How Deno 2.9 words an end that is no protocol error: the line just dropped. */
const LINE_DROPPED = /os error|unexpected eof|connection (?:is )?closed|broken pipe|reset by peer/i;

const wire: Wire<DenoSocket> = {
  isOpen: (native) => native.readyState === OPEN,
  send: (native, frame) => native.send(frame.payload),
  close(native, code, reason) {
    native[CLOSING] = new HeldClose(native, code, reason);
  },
  // Deno 2.9 can't reset a line: a closing handshake nobody waits for is the best there is.
  terminate(native) {
    if (native.readyState === OPEN) native.close();
  },
  bufferedAmount: (native) => native.bufferedAmount,
};

/**
 * Our close, held back while the client is still sending: Deno 2.9 takes the first data frame that
 * comes after our close frame for the end of the line and resets it, and the client, which then
 * sees 1006, never learns our code.
 */
class HeldClose {
  static readonly #QUIET_MS = 50;
  static readonly #MAX_LOOKS = 10;
  /** Deno 2.9 collects messages that nobody reads late: a flood of them would fill the memory. */
  static readonly #MAX_BYTES = 1024 * 1024;
  readonly #close: () => void;
  #isBusy = false;
  #looks = 0;
  #bytes = 0;

  constructor(native: DenoSocket, code: number, reason: string) {
    this.#close = () => {
      if (native.readyState === OPEN) native.close(code, reason);
    };
    setTimeout(() => this.#look(), HeldClose.#QUIET_MS);
  }

  /** A frame came, too late to be a message. */
  heard(byteLength: number): void {
    this.#isBusy = true;
    this.#bytes += byteLength;
    if (this.#bytes > HeldClose.#MAX_BYTES) this.#close();
  }

  #look(): void {
    const isQuiet = !this.#isBusy || ++this.#looks === HeldClose.#MAX_LOOKS;
    if (isQuiet) return this.#close();
    this.#isBusy = false;
    setTimeout(() => this.#look(), HeldClose.#QUIET_MS);
  }
}

/** WebSockets on Deno. */
export class DenoAdapter extends Adapter {
  /**
   * Answers an upgrade request with the response to return from the server's handler: the 101, or
   * a refusal. Never rejects.
   */
  async handleUpgrade(request: Request, info?: DenoServeInfo): Promise<Response> {
    const handshake = snapshot(request, info);
    const answer = await this.answer(
      request,
      handshake,
      (decision) => this.#accept(request, decision),
    );
    // What nobody sees: the client has left, or its line is in the hook's hands.
    return answer ?? new Response(null, { status: 204 });
  }

  #accept(
    request: Request,
    { admission, protocol, headers }: Decision & { kind: "accept" },
  ): Response {
    // The `protocol` option is not used: Deno 2.9 throws where the client's list has no space
    // after the comma, as `ws` sends it.
    const { socket: native, response } = Deno.upgradeWebSocket(request, {
      idleTimeout: this.endpoint.limits.idleTimeout / 1000,
    });
    for (const [name, value] of headers) response.headers.append(name, value);
    if (protocol) response.headers.set("sec-websocket-protocol", protocol);
    const socket = new CallbackSocket<DenoSocket>(wire, native, protocol);
    (native as DenoSocket)[SOCKET] = socket;
    // Not by `onopen = …`: for each of these Deno 2.9 makes a closure.
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

/** Copies what hooks may read: after the upgrade Deno's own request throws "Request closed". */
function snapshot(request: Request, info: DenoServeInfo | undefined): RawHandshake {
  const { url } = request;
  return new RawHandshake({
    method: request.method,
    target: url,
    rawHeaders: [...request.headers].flat(),
    secure: url.startsWith("https:"),
    remoteAddress: (info?.remoteAddr as { hostname?: string } | undefined)?.hostname,
    context: (request as { context?: AnyContext }).context,
    runtime: { name: "deno", deno: { request, info } },
  });
}

const ONCE = { once: true };

function onOpen(this: DenoSocket): void {
  this[SOCKET]!.opened();
}

function onMessage(this: DenoSocket, { data }: MessageEvent<string | ArrayBuffer>): void {
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
  // Under 1000 it is no code but the kind of frame that ended the line; 0 where none was seen.
  if (code < 1000 || native[TIMED_OUT]) return { code: 1006, reason: "", wasClean: false };
  // Where the line drops after our close, Deno 2.9 says 1005 and "clean"; a client that
  // answers sends our code back.
  return { code, reason, wasClean: wasClean && !(native[CLOSING] && code === 1005) };
}

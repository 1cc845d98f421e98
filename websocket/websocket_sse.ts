import { type CloseDetails, closeDetails, parseProtocols, parseUrl } from "./rules.ts";
import { Session } from "./session.ts";
import { closeEvent, SocketTarget } from "./socket_target.ts";
import type { WebSocketSSEOptions } from "./sse_options.ts";

const TEXT = "text/plain;charset=utf-8";
const BINARY = "application/octet-stream";

const utf8 = new TextEncoder();

/**
 * A `WebSocket` over plain HTTP: the server sends server-sent events, the client sends each message by
 * POST. The server is the SSE adapter of this package.
 *
 * The socket resumes a lost connection within the server's `grace`, and loses or doubles no message.
 * After `grace`, the socket fires one `error`, and a `close` with 1006.
 *
 * @example
 * ```ts
 * import adapter from "@onepeer/onepeer/adapters/sse";
 * import { WebSocketSSE } from "@onepeer/onepeer/websocket/sse";
 *
 * const sse = adapter({ hooks: { message: (peer, message) => void peer.send(message) } });
 * const server = Deno.serve({ port: 0, onListen() {} }, (request, info) => sse.fetch(request, info));
 *
 * const socket = new WebSocketSSE(`http://localhost:${server.addr.port}/chat`);
 * socket.onopen = () => socket.send("hello");
 * socket.onmessage = ({ data }) => socket.close(1000, data); // "hello"
 * await new Promise((closed) => socket.onclose = closed);
 *
 * await sse.close();
 * await server.shutdown();
 * ```
 */
export class WebSocketSSE extends SocketTarget {
  /** URL of the connection, with `ws:` or `wss:`. */
  readonly url: string;
  /** Always `""`. */
  readonly extensions = "";
  /** Transport of the messages, as on a socket of `fallback`. */
  readonly transport = "sse";
  readonly #session: Session;
  readonly #leave = (): void => this.#abandon({ code: 1001 });
  #readyState: 0 | 1 | 2 | 3 = SocketTarget.CONNECTING;
  #binaryType: "blob" | "arraybuffer" = "blob";
  #protocol = "";
  /** Bytes that were passed to `send()` after the close. */
  #dropped = 0;

  /**
   * Opens the socket.
   *
   * @param url absolute, or relative to the page; with `ws:`, `wss:`, `http:` or `https:`.
   * @param protocols subprotocols that the server may choose from.
   * @throws {DOMException} a `SyntaxError` for an invalid URL or subprotocol.
   */
  constructor(
    url: string | URL,
    protocols: string | readonly string[] = [],
    options: WebSocketSSEOptions = {},
  ) {
    super();
    const { http, ws } = parseUrl(url);
    this.url = ws;
    this.#session = new Session(http, parseProtocols(protocols), options, {
      opened: (protocol) => this.#opened(protocol),
      message: (data) => this.#message(data),
      closing: () => void (this.#readyState = SocketTarget.CLOSING),
      ended: (code, reason, wasClean) => this.#ended(code, reason, wasClean),
    });
    globalThis.addEventListener?.("pagehide", this.#leave);
  }

  /** State of the socket: one of the constants. */
  get readyState(): 0 | 1 | 2 | 3 {
    return this.#readyState;
  }

  /** Subprotocol that the server chose; `""` before the socket is open. */
  get protocol(): string {
    return this.#protocol;
  }

  /** Bytes that were passed to `send()` and that the server has not confirmed. */
  get bufferedAmount(): number {
    return this.#session.bufferedAmount + this.#dropped;
  }

  /** Type of `data` for binary messages. Other values are ignored. */
  get binaryType(): "blob" | "arraybuffer" {
    return this.#binaryType;
  }
  set binaryType(type: "blob" | "arraybuffer") {
    if (type === "blob" || type === "arraybuffer") this.#binaryType = type;
  }

  /**
   * Sends a message: text, or exactly the given bytes, copied at the call. After the close, a
   * message is not sent, but counts in {@linkcode bufferedAmount}.
   *
   * @throws {DOMException} an `InvalidStateError` before the socket is open.
   */
  send(data: string | ArrayBufferLike | ArrayBufferView | Blob): void {
    if (this.#readyState === SocketTarget.CONNECTING) {
      throw new DOMException(
        "Cannot send as the socket must be open: it is connecting",
        "InvalidStateError",
      );
    }
    const body = data instanceof Blob ? data : bytesOf(data);
    const size = body instanceof Blob ? body.size : body.byteLength;
    if (this.#readyState !== SocketTarget.OPEN) this.#dropped += size;
    else this.#session.post(typeof data === "object" ? BINARY : TEXT, body, size);
  }

  /**
   * Closes the socket after the server has accepted all earlier messages.
   *
   * @param code 1000, or 3000 to 4999. Default: no code.
   * @param reason at most 123 bytes of UTF-8.
   * @throws {DOMException} an `InvalidAccessError` for another code, a `SyntaxError` for the reason.
   */
  close(code?: number, reason?: string): void {
    const details = closeDetails(code, reason);
    if (this.#readyState === SocketTarget.CONNECTING) this.#abandon(details);
    else if (this.#readyState === SocketTarget.OPEN) {
      this.#readyState = SocketTarget.CLOSING;
      this.#session.close(details);
    }
  }

  #opened(protocol: string): void {
    if (this.#readyState !== SocketTarget.CONNECTING) return;
    this.#protocol = protocol;
    this.#readyState = SocketTarget.OPEN;
    this.dispatchEvent(new Event("open"));
  }

  #message(message: string | Uint8Array<ArrayBuffer>): void {
    const data = typeof message === "string"
      ? message
      : this.#binaryType === "blob"
      ? new Blob([message])
      : message.buffer;
    this.dispatchEvent(new MessageEvent("message", { data, origin: new URL(this.url).origin }));
  }

  #abandon(details: CloseDetails): void {
    if (this.#readyState === SocketTarget.CLOSED) return;
    this.#readyState = SocketTarget.CLOSING;
    this.#session.abandon(details);
  }

  #ended(code: number, reason: string, wasClean: boolean): void {
    this.#readyState = SocketTarget.CLOSED;
    globalThis.removeEventListener?.("pagehide", this.#leave);
    if (!wasClean) this.dispatchEvent(new Event("error"));
    this.dispatchEvent(closeEvent(code, reason, wasClean));
  }
}

/** Copies the bytes of a message. */
function bytesOf(data: string | ArrayBufferLike | ArrayBufferView): Uint8Array<ArrayBuffer> {
  if (ArrayBuffer.isView(data)) {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  }
  return typeof data === "object" ? new Uint8Array(data).slice() : utf8.encode(data);
}

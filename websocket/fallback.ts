import { MAX_TIME } from "./backoff.ts";
import { parseUrl } from "./rules.ts";
import { closeEvent, SocketTarget } from "./socket_target.ts";
import type { WebSocketSSEOptions } from "./sse_options.ts";
import { WebSocketSSE } from "./websocket_sse.ts";

/** Options of {@linkcode fallback}. */
export interface FallbackOptions extends WebSocketSSEOptions {
  /**
   * Milliseconds that a WebSocket may take to open.
   *
   * @default 3_000
   */
  readonly timeout?: number;
}

const DEFAULT_TIMEOUT = 3_000;

/**
 * Connects by WebSocket, and by server-sent events if the WebSocket fails to open or takes too long.
 * The returned socket stays the same object, and fires the events of the chosen transport only. There
 * is no fallback after the WebSocket has opened: when the WebSocket ends, the socket fires `close`.
 *
 * @example
 * ```ts
 * import adapter from "@onepeer/onepeer/adapters/sse";
 * import { fallback } from "@onepeer/onepeer/websocket/sse";
 *
 * const sse = adapter({ hooks: { message: (peer, message) => void peer.send(message) } });
 * const server = Deno.serve({ port: 0, onListen() {} }, (request, info) => sse.fetch(request, info));
 *
 * const socket = fallback(`ws://localhost:${server.addr.port}/chat`, [], { timeout: 2_000 });
 * socket.onopen = () => socket.send(socket.transport); // "sse": this server has no WebSockets
 * socket.onmessage = ({ data }) => socket.close(1000, data);
 * await new Promise((closed) => socket.onclose = closed);
 *
 * await sse.close();
 * await server.shutdown();
 * ```
 *
 * @param url with `ws:`, `wss:`, `http:` or `https:`; both transports use the same URL.
 * @param protocols subprotocols that the server may choose from.
 * @throws {DOMException} a `SyntaxError` for an invalid URL or subprotocol.
 */
export function fallback(
  url: string | URL,
  protocols: string | readonly string[] = [],
  options: FallbackOptions = {},
): FallbackSocket {
  return new FallbackSocket(url, protocols, options);
}

/** The socket that {@linkcode fallback} returns. */
export class FallbackSocket extends SocketTarget {
  readonly #url: string;
  readonly #protocols: readonly string[];
  readonly #options: FallbackOptions;
  #socket: WebSocket;
  #binaryType: "blob" | "arraybuffer" = "blob";
  /** Timer that runs while the WebSocket is tried. */
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Called by {@linkcode fallback}. */
  constructor(
    url: string | URL,
    protocols: string | readonly string[],
    options: FallbackOptions,
  ) {
    super();
    this.#url = parseUrl(url).ws;
    this.#protocols = typeof protocols === "string" ? [protocols] : protocols;
    this.#options = options;
    this.#socket = this.#listen(this.#openWebSocket() ?? this.#openSSE());
  }

  /** Transport of the messages. While the socket connects, the transport that is being tried. */
  get transport(): "websocket" | "sse" {
    return this.#socket instanceof WebSocketSSE ? "sse" : "websocket";
  }

  /** URL of the connection, with `ws:` or `wss:`. */
  get url(): string {
    return this.#url;
  }

  /** State of the socket: one of the constants. */
  get readyState(): 0 | 1 | 2 | 3 {
    return this.#socket.readyState as 0 | 1 | 2 | 3;
  }

  /** Subprotocol that the server chose; `""` before the socket is open. */
  get protocol(): string {
    return this.#socket.protocol;
  }

  /** Extensions that the server chose; `""` for SSE. */
  get extensions(): string {
    return this.#socket.extensions;
  }

  /** Bytes that were passed to `send()` and are still queued. */
  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  /** Type of `data` for binary messages. */
  get binaryType(): "blob" | "arraybuffer" {
    return this.#binaryType;
  }
  set binaryType(type: "blob" | "arraybuffer") {
    if (type === "blob" || type === "arraybuffer") {
      this.#socket.binaryType = this.#binaryType = type;
    }
  }

  /**
   * Sends a message, as a WebSocket does.
   *
   * @throws {DOMException} an `InvalidStateError` before the socket is open.
   */
  send(data: string | ArrayBufferLike | ArrayBufferView<ArrayBuffer> | Blob): void {
    this.#socket.send(data as string);
  }

  /**
   * Closes the socket, or stops connecting, as a WebSocket does.
   *
   * @throws {DOMException} an `InvalidAccessError` for the code, a `SyntaxError` for the reason.
   */
  close(code?: number, reason?: string): void {
    this.#socket.close(code, reason);
    this.#settle();
  }

  /** Opens a WebSocket. Returns `undefined` if the runtime has none, or the page may not open one. */
  #openWebSocket(): WebSocket | undefined {
    try {
      const socket = new WebSocket(this.#url, [...this.#protocols]);
      const timeout = Math.min(this.#options.timeout ?? DEFAULT_TIMEOUT, MAX_TIME);
      this.#timer = setTimeout(() => this.#giveUp(), timeout);
      return socket;
    } catch {
      return undefined;
    }
  }

  #openSSE(): WebSocket {
    return new WebSocketSSE(this.#url, this.#protocols, this.#options);
  }

  /** Passes on the events of `socket` while it is the current socket. */
  #listen(socket: WebSocket): WebSocket {
    socket.binaryType = this.#binaryType;
    // Ignore events of a socket that was replaced.
    const pass = (event: Event) => void (socket === this.#socket && this.dispatchEvent(event));
    const passUnlessTrying = (event: Event) => this.#timer ? this.#giveUp() : pass(event);
    socket.onopen = () => {
      this.#settle();
      pass(new Event("open"));
    };
    socket.onmessage = ({ data, origin }) => pass(new MessageEvent("message", { data, origin }));
    socket.onerror = () => passUnlessTrying(new Event("error"));
    socket.onclose = ({ code, reason, wasClean }) =>
      // Deno 2.9 reports code 0 for a lost connection.
      passUnlessTrying(closeEvent(code || 1006, reason, wasClean));
    return socket;
  }

  /** Ends the trial: the current transport stays. */
  #settle(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #giveUp(): void {
    this.#settle();
    const loser = this.#socket;
    this.#socket = this.#listen(this.#openSSE());
    loser.close();
  }
}

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
 * Connects by WebSocket; where that fails before it is open, or takes too long, by Server-Sent
 * Events. What it returns is one socket throughout: only what is chosen in the end is heard. Once
 * the WebSocket is open it stays; when it closes, that is a `close`.
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
 * socket.onopen = () => socket.send(socket.transport); // "sse": this server has nothing else
 * socket.onmessage = ({ data }) => socket.close(1000, data);
 * await new Promise((closed) => socket.onclose = closed);
 *
 * await sse.close();
 * await server.shutdown();
 * ```
 *
 * @param url with `ws:`, `wss:`, `http:` or `https:`: both ways have the same.
 * @param protocols subprotocols that the server may choose from.
 * @throws {DOMException} a `SyntaxError` for a URL or a subprotocol that cannot be.
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
  /** Until it rings, or the WebSocket fails, that is tried. */
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Made by {@linkcode fallback}. */
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

  /** What carries the messages; while it connects, what is tried. */
  get transport(): "websocket" | "sse" {
    return this.#socket instanceof WebSocketSSE ? "sse" : "websocket";
  }

  /** Where it is connected to, with `ws:` or `wss:`. */
  get url(): string {
    return this.#url;
  }

  /** One of the constants: how far it is. */
  get readyState(): 0 | 1 | 2 | 3 {
    return this.#socket.readyState as 0 | 1 | 2 | 3;
  }

  /** The subprotocol that the server chose; none before it is open. */
  get protocol(): string {
    return this.#socket.protocol;
  }

  /** Extensions that the server chose; none for SSE. */
  get extensions(): string {
    return this.#socket.extensions;
  }

  /** Bytes that were sent, and are still here. */
  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  /** What binary messages are given as. */
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
   * Closes, or gives up to connect, as a WebSocket does.
   *
   * @throws {DOMException} an `InvalidAccessError` for the code, a `SyntaxError` for the reason.
   */
  close(code?: number, reason?: string): void {
    this.#socket.close(code, reason);
    this.#settle();
  }

  /** A WebSocket, where the runtime has any and the page may open one. */
  #openWebSocket(): WebSocket | undefined {
    try {
      const socket = new WebSocket(this.#url, [...this.#protocols]);
      this.#timer = setTimeout(() => this.#giveUp(), this.#options.timeout ?? DEFAULT_TIMEOUT);
      return socket;
    } catch {
      return undefined;
    }
  }

  #openSSE(): WebSocket {
    return new WebSocketSSE(this.#url, this.#protocols, this.#options);
  }

  /** Hands on what the socket says, while it is the one. */
  #listen(socket: WebSocket): WebSocket {
    socket.binaryType = this.#binaryType;
    // One that was given up says nothing any more.
    const tell = (event: Event) => void (socket === this.#socket && this.dispatchEvent(event));
    const tellUnlessTrying = (event: Event) => this.#timer ? this.#giveUp() : tell(event);
    socket.onopen = () => {
      this.#settle();
      tell(new Event("open"));
    };
    socket.onmessage = ({ data, origin }) => tell(new MessageEvent("message", { data, origin }));
    socket.onerror = () => tellUnlessTrying(new Event("error"));
    socket.onclose = ({ code, reason, wasClean }) =>
      // Deno 2.9 says 0 where a line drops.
      tellUnlessTrying(closeEvent(code || 1006, reason, wasClean));
    return socket;
  }

  /** What is tried now is the last thing tried. */
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

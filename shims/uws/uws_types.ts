/** Members of uWebSockets.js' `HttpRequest` that are used. Valid until the handler returns. */
export interface UwsRequest {
  /** Method, in lower case. */
  getMethod(): string;
  /** Method, as the client has sent it. */
  getCaseSensitiveMethod(): string;
  /** Path, without the query. */
  getUrl(): string;
  /** Query without `?`; `undefined` for none. */
  getQuery(): string | undefined;
  /** A header by its lower-case name, or `""`. */
  getHeader(name: string): string;
  /** All headers. */
  forEach(callback: (name: string, value: string) => void): void;
}

/** Members of uWebSockets.js' `HttpResponse` that are used. Valid until the client leaves. */
export interface UwsResponse {
  /** Sets the function that is called if the client leaves. */
  onAborted(callback: () => void): unknown;
  /** Combines the writes of a callback. */
  cork(callback: () => void): unknown;
  /** Writes the status line. */
  writeStatus(status: string): unknown;
  /** Writes one header. */
  writeHeader(name: string, value: string): unknown;
  /** Writes a chunk of the body. */
  write(chunk: Uint8Array): unknown;
  /** Ends the response. */
  end(body?: string | Uint8Array, closeConnection?: boolean): unknown;
  /** Ends the connection without a closing handshake. */
  close(): unknown;
  /** IP address of the client, as text. */
  getRemoteAddressAsText(): ArrayBuffer;
  /** Answers with a 101. */
  upgrade(
    userData: { readonly onepeer: unknown },
    key: string,
    protocol: string,
    extensions: string,
    context: UwsContext,
  ): void;
}

/** uWebSockets.js' `us_socket_context_t`; only passed on. */
export type UwsContext = object;

/** Members of uWebSockets.js' `WebSocket` that are used. They throw after the close. */
export interface UwsSocket {
  /** Our object that was passed to `upgrade`. */
  readonly onepeer?: unknown;
  /** Queues a message. */
  send(message: string | Uint8Array<ArrayBuffer>, isBinary?: boolean, compress?: boolean): number;
  /** Subscribes to a topic. */
  subscribe(topic: string): unknown;
  /** Unsubscribes from a topic. */
  unsubscribe(topic: string): unknown;
  /** Whether the socket is subscribed to a topic. */
  isSubscribed(topic: string): boolean;
  /** Queues a message for all other subscribers of a topic. */
  publish(
    topic: string,
    message: string | Uint8Array<ArrayBuffer>,
    isBinary?: boolean,
    compress?: boolean,
  ): boolean;
  /** Closes with a closing handshake. */
  end(code?: number, reason?: string): void;
  /** Ends the connection without a closing handshake. */
  close(): void;
  /** Sends a ping. */
  ping(data: Uint8Array<ArrayBuffer>): number;
  /** Number of queued bytes. */
  getBufferedAmount(): number;
}

/** The behaviour object for `app.ws(pattern, …)`. */
export interface UwsBehavior {
  /** Flags for compression; 0 for none. */
  readonly compression: number;
  /** `limits.maxPayload`. */
  readonly maxPayloadLength: number;
  /** Off: the endpoint enforces `limits.maxBuffered`. */
  readonly maxBackpressure: number;
  /** Off: the endpoint detects silent clients. */
  readonly idleTimeout: number;
  /** Off: the endpoint sends pings. */
  readonly sendPingsAutomatically: boolean;
  /** Event handler, called by uWebSockets.js. */
  upgrade(res: UwsResponse, req: UwsRequest, context: UwsContext): void;
  /** Event handler, called by uWebSockets.js. */
  open(ws: UwsSocket): void;
  /** Event handler, called by uWebSockets.js. */
  message(ws: UwsSocket, message: ArrayBuffer, isBinary: boolean): void;
  /** Event handler, called by uWebSockets.js. */
  drain(ws: UwsSocket): void;
  /** Event handler, called by uWebSockets.js. */
  ping(ws: UwsSocket, message: ArrayBuffer): void;
  /** Event handler, called by uWebSockets.js. */
  pong(ws: UwsSocket, message: ArrayBuffer): void;
  /** Event handler, called by uWebSockets.js. */
  close(ws: UwsSocket, code: number, message: ArrayBuffer): void;
}

/** Members of an `App` that `attach()` uses. */
export interface UwsApp {
  /** Routes WebSocket handshakes. */
  ws(pattern: string, behavior: UwsBehavior): unknown;
  /** Routes all other requests. */
  any(pattern: string, handler: (res: UwsResponse, req: UwsRequest) => void): unknown;
}

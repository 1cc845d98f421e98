/** Members of Bun's `Server` that are used. */
export interface BunServer {
  /** Answers with a 101, or returns `false`. */
  upgrade(request: Request, options: { data: unknown; headers: Headers }): boolean;
  /** Returns the address of a request's client. */
  requestIP(request: Request): { readonly address: string } | null;
}

/** Members of Bun's `ServerWebSocket` that are used. */
export interface BunSocket {
  /** Our object that was passed to `upgrade`. */
  readonly data: unknown;
  /** 1 while open. */
  readonly readyState: number;
  /** Type of received binary messages. */
  binaryType?: string;
  /** Queues a message. */
  send(data: string | Uint8Array<ArrayBuffer>, compress?: boolean): number;
  /** Subscribes to a topic. */
  subscribe(topic: string): unknown;
  /** Unsubscribes from a topic. */
  unsubscribe(topic: string): unknown;
  /** Whether the socket is subscribed to a topic. */
  isSubscribed(topic: string): boolean;
  /** Queues a message for all other subscribers of a topic. */
  publish(topic: string, data: string | Uint8Array<ArrayBuffer>, compress?: boolean): number;
  /** Closes with a closing handshake. */
  close(code?: number, reason?: string): void;
  /** Ends the connection without a closing handshake. */
  terminate(): void;
  /** Sends a ping. */
  ping(data: Uint8Array<ArrayBuffer>): number;
  /** Stops reading. */
  pause(): void;
  /** Resumes reading. */
  resume(): void;
  /** Number of queued bytes. */
  getBufferedAmount(): number;
}

/** The option `websocket` of `Bun.serve`. */
export interface BunWebSocketHandler {
  /** `limits.maxPayload`. */
  readonly maxPayloadLength: number;
  /** Off: the endpoint detects silent clients. */
  readonly idleTimeout: number;
  /** Off: the endpoint enforces `limits.maxBuffered`. */
  readonly backpressureLimit: number;
  /** Off: the endpoint sends pings. */
  readonly sendPings: boolean;
  /** Value of the option `perMessageDeflate`. */
  readonly perMessageDeflate: boolean;
  /** Event handler, called by Bun. */
  open(ws: BunSocket): void;
  /** Event handler, called by Bun. */
  message(ws: BunSocket, message: string | ArrayBuffer | Uint8Array): void;
  /** Event handler, called by Bun. */
  drain(ws: BunSocket): void;
  /** Event handler, called by Bun. */
  ping(ws: BunSocket, data: Uint8Array): void;
  /** Event handler, called by Bun. */
  pong(ws: BunSocket, data: Uint8Array): void;
  /** Event handler, called by Bun. */
  close(ws: BunSocket, code: number, reason: string): void;
}

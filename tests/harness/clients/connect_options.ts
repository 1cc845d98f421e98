/** What the messages of a client go by. */
export type Transport = "websocket" | "sse";

/** How a client connects. */
export interface ConnectOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly protocols?: readonly string[];
  /** Whether to offer permessage-deflate, and with what options of `ws`. */
  readonly deflate?: boolean | object;
  readonly origin?: string;
}

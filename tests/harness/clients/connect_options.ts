/** Transport of a client's messages. */
export type Transport = "websocket" | "sse";

/** Options of a client's connection. */
export interface ConnectOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly protocols?: readonly string[];
  /** Whether to offer permessage-deflate, or the options of `ws` for the offer. */
  readonly deflate?: boolean | object;
  readonly origin?: string;
}

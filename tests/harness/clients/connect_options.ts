/** Transport of a client's messages. */
export type Transport = "websocket" | "sse";

/** Options of a client's connection. */
export interface ConnectOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly protocols?: readonly string[];
  /** Whether to offer permessage-deflate, or the options of `ws` for the offer. */
  readonly deflate?: boolean | object;
  readonly origin?: string;
  /** Certificate that the client trusts. */
  readonly ca?: string;
  /** IP address of this machine from which the client connects. */
  readonly localAddress?: string;
}

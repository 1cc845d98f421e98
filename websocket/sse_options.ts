/** Options of `WebSocketSSE`. */
export interface WebSocketSSEOptions {
  /** Sent with every request: what a WebSocket cannot, an `authorization` for example. */
  readonly headers?: NonNullable<RequestInit["headers"]>;
  /**
   * Whether cookies go along, as `fetch` has it: `"include"` for a server of another origin.
   *
   * @default "same-origin"
   */
  readonly credentials?: NonNullable<RequestInit["credentials"]>;
  /** Used in place of the global `fetch`. */
  readonly fetch?: typeof fetch;
  /**
   * How often something comes down the line, in milliseconds, until the server has told it. When
   * nothing came for two of these, the line is taken for dead, or for buffered.
   *
   * @default 15_000
   */
  readonly heartbeat?: number;
  /**
   * How messages come down: in one response that goes on, or each in a response of its own, which
   * passes through proxies that hand a response on once it has ended.
   *
   * @default "stream", and "poll" once such a proxy was noticed
   */
  readonly delivery?: "stream" | "poll";
  /** Called when such a proxy was noticed; it is a warning on the console too. */
  readonly onBuffering?: () => void;
}

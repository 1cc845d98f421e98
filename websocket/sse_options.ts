/** Options of `WebSocketSSE`. */
export interface WebSocketSSEOptions {
  /** Headers of every request, for example `authorization`, which a WebSocket cannot send. */
  readonly headers?: NonNullable<RequestInit["headers"]>;
  /**
   * Whether requests carry cookies, as in `fetch`: `"include"` for a server of another origin.
   *
   * @default "same-origin"
   */
  readonly credentials?: NonNullable<RequestInit["credentials"]>;
  /** Function to use instead of the global `fetch`. */
  readonly fetch?: typeof fetch;
  /**
   * Milliseconds between heartbeats of the server, until the server reports its own interval. After
   * two heartbeats without data the response counts as dead, or as buffered by a proxy.
   *
   * @default 15_000
   */
  readonly heartbeat?: number;
  /**
   * Delivery of messages: `"stream"` uses one endless response, `"poll"` a response for each batch.
   * Polling works behind proxies that buffer a response until its end.
   *
   * @default "stream", and "poll" after a proxy that buffers was detected
   */
  readonly delivery?: "stream" | "poll";
  /** Called when a proxy that buffers was detected. The console shows a warning too. */
  readonly onBuffering?: () => void;
}

/** Options of `close()` of an endpoint. */
export interface CloseOptions {
  /**
   * Close code that every peer gets.
   *
   * @default 1001
   */
  readonly code?: number;
  /** Close reason that every peer gets. */
  readonly reason?: string;
  /**
   * Milliseconds after which the remaining peers are terminated.
   *
   * @default 10_000
   */
  readonly timeout?: number;
  /**
   * Milliseconds over which the closes are spread, so that clients do not reconnect all at once.
   *
   * @default 0
   */
  readonly jitter?: number;
}

/** Options of `publish()` of an endpoint. */
export interface EndpointPublishOptions {
  /** Namespace whose subscribers get the message. Default: all namespaces. */
  readonly namespace?: string;
  /**
   * Whether to compress the message for clients that have negotiated compression.
   *
   * @default true
   */
  readonly compress?: boolean;
  /**
   * Whether only subscribers of this endpoint get the message. Only useful with the option `sync`.
   *
   * @default false
   */
  readonly local?: boolean;
}

/** Names of all {@linkcode EndpointPublishOptions}. */
export const PUBLISH_OPTIONS: readonly (keyof EndpointPublishOptions)[] = [
  "namespace",
  "compress",
  "local",
];
/** Names of all {@linkcode CloseOptions}. */
export const CLOSE_OPTIONS: readonly string[] = ["code", "reason", "timeout", "jitter"];

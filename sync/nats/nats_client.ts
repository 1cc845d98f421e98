/** The part of a connection of `@nats-io/nats-core` that `nats()` uses. */
export interface NatsConnectionLike {
  /** Data that the server sent at the last handshake; `undefined` without a connection. */
  readonly info?: {
    readonly max_payload: number;
    readonly connect_urls?: readonly string[];
  } | undefined;
  /** Writes a message to the client's buffer. */
  publish(subject: string, payload: Uint8Array): void;
  /** Asks the server for a subject. Messages, or the server's refusal, go to the callback. */
  subscribe(subject: string, options: {
    callback(error: Error | null, message: { readonly data: Uint8Array }): void;
  }): NatsSubscription;
  /** Resolves when the server has taken all that was written. */
  flush(): Promise<void>;
  /** Events of the connection. */
  status(): AsyncIterable<{ readonly type: string; readonly error?: Error }>;
  /** Resolves when the connection has ended for good. */
  closed(): Promise<void | Error>;
  /** Ends the connection. */
  close(): Promise<void>;
}

/** The part of a subscription that `nats()` uses. */
export interface NatsSubscription {
  /** Tells the server that the subject is no longer wanted. */
  unsubscribe(): void;
}

/** Options that `nats()` needs in a connection. */
export interface NatsConnectOptions {
  /** The server to connect to, if the option `servers` of `nats()` is given. */
  readonly servers?: string[];
  /** False: `nats()` makes a new connection itself. */
  readonly reconnect: boolean;
  /** True: the server sends no node its own messages. */
  readonly noEcho: boolean;
}

/** Makes a connection. */
export type NatsConnect = (options: NatsConnectOptions) => Promise<NatsConnectionLike>;

const PACKAGE = "@nats-io/transport-node";

/** Connects with the package `@nats-io/transport-node`. */
export async function connectByPackage(options: NatsConnectOptions): Promise<NatsConnectionLike> {
  let module: { readonly connect: NatsConnect };
  try {
    // Not a literal: the package is optional, so neither bundlers nor JSR may look for it.
    module = await import(PACKAGE as string);
  } catch (cause) {
    throw new Error(
      `Cannot connect to NATS by servers alone as the package ${PACKAGE} cannot be loaded: ` +
        `run \`npm install ${PACKAGE}\`, or pass connect`,
      { cause },
    );
  }
  return await module.connect(options);
}

import type { Statement } from "./statements.ts";

/** A notification, as pg reports it. */
export interface PgNotification {
  /** `channel` of the library. */
  readonly channel: string;
  /** `payload` of the library. */
  readonly payload?: string | undefined;
}

/**
 * The part of a `Client` of [`pg`](https://node-postgres.com/apis/client), from version 8 on, that
 * `postgres()` uses.
 */
export interface PgClient {
  /** `connect` of the library. */
  connect(): Promise<unknown>;
  /** `query` of the library. */
  query(statement: {
    readonly text: string;
    readonly values?: (string | Uint8Array)[];
    readonly name?: string;
  }): Promise<unknown>;
  /** `end` of the library. */
  end(): Promise<unknown>;
  /** `on` of the library. */
  on(event: "notification", listener: (message: PgNotification) => void): unknown;
  /** `on` of the library. */
  on(event: "error", listener: (error: Error) => void): unknown;
  /** `on` of the library. */
  on(event: "end", listener: () => void): unknown;
  /** `off` of the library. */
  off(event: "notification", listener: (message: PgNotification) => void): unknown;
  /** `listenerCount` of the library. */
  listenerCount(event: string): number;
  /** The connection itself, to end one that does not answer. A native client shows none. */
  readonly connection?: {
    readonly stream: { destroy(): unknown; resetAndDestroy?(): unknown };
  };
}

/**
 * The part of a client of [`postgres`](https://github.com/porsager/postgres), known as postgres.js,
 * from version 3 on, that `postgres()` uses. The tests run version 3.4.
 */
export interface PostgresJsClient {
  /** `unsafe` of the library. */
  unsafe(
    text: string,
    values?: (string | Uint8Array)[],
    options?: { prepare?: boolean },
  ): PromiseLike<unknown>;
  /** `listen` of the library. */
  listen(
    channel: string,
    onnotify: (payload: string) => void,
    onlisten?: () => void,
  ): Promise<PostgresJsListener>;
}

/** Listener of one channel, as postgres.js returns it. */
export interface PostgresJsListener {
  /** Id of the server process behind the listening connection. It changes with each reconnect. */
  readonly state: { readonly pid: number | null };
  /** `unlisten` of the library. */
  unlisten(): Promise<unknown>;
}

/** A session with the server: one connection of pg, or the connections of a postgres.js client. */
export interface Session {
  /** Connects. */
  open(): Promise<void>;
  /** Runs a statement after all others. A function makes the statement when its turn has come. */
  run(statement: Statement | (() => Statement)): Promise<void>;
  /** Runs a statement after all others. Resolves with its only column, which has the type `text`. */
  read(statement: Statement): Promise<readonly string[]>;
  /** Resolves when the server sends the notifications of these names. */
  listen(names: readonly string[]): Promise<void>;
  /** Tells the server that names are no longer wanted. */
  unlisten(names: readonly string[]): Promise<void>;
  /** Makes the server answer on each connection. */
  probe(): Promise<void>;
  /**
   * Ends the session at once. Pending promises reject. Does not throw.
   *
   * @param isLost as for `LoopConnection.destroy`.
   */
  destroy(isLost?: boolean): void;
}

/** Receiver of the events of a {@linkcode Session}. */
export interface SessionHost {
  /** A notification has arrived. Returns whether its name is wanted. */
  received(name: string, payload: string): boolean;
  /** The server has sent something. */
  answered(): void;
  /** A connection has ended. Reported any number of times. */
  lost(error: unknown): void;
}

/** Makes the sessions of one node, one after another. */
export interface SessionSource {
  /** Returns a new session. Rejects if its client cannot be made. */
  session(host: SessionHost): Promise<Session>;
  /** Gives the user's client back as it was. Does not throw. */
  close?(): void;
}

import type { SyncAdapter } from "../../pubsub/sync_adapter.ts";

/** A broker under test. */
export interface BrokerDriver {
  /** Argument of the program, and name in the report, such as `redis-ioredis`. */
  readonly name: string;
  /** Returns the command or package that this machine or runtime lacks. */
  missing?(): Promise<string | undefined>;
  /** Runs the program in another process, and returns true, if this process cannot have the nodes. */
  runsElsewhere?(): Promise<boolean>;
  /** Starts a server of its own, on a free port of 127.0.0.1. */
  start(): Promise<BrokerServer>;
}

/** A running server of a broker. */
export interface BrokerServer extends AsyncDisposable {
  /**
   * Makes the option `sync`. Nodes with the same cluster hear each other.
   *
   * @param cluster a name of letters and digits.
   */
  sync(cluster: string, options?: { readonly required?: boolean }): SyncAdapter;
  /** Faults of the server. Absent if the broker has no server. */
  readonly faults?: BrokerFaults;
}

/** Faults of a server. */
export interface BrokerFaults {
  /** Kills the server at once. */
  kill(): Promise<void>;
  /** Starts the server again, on the same port. Resolves when the server accepts connections. */
  restart(): Promise<void>;
  /** Stops the process of the server with SIGSTOP: connections stay, but carry nothing. */
  freeze(): void;
  /** Lets a stopped server go on. */
  thaw(): void;
}

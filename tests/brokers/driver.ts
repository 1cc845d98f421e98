import type { SyncAdapter } from "../../pubsub/sync_adapter.ts";

/**
 * Ability of a driver that a case may need. `child` is the ability to have nodes in several
 * processes, and `stall` the ability to replace a connection that stalls. The others are members of
 * {@linkcode BrokerServer} and {@linkcode BrokerFaults}.
 */
export type Ability =
  | "faults"
  | "cut"
  | "exhaust"
  | "forge"
  | "connections"
  | "child"
  | "port"
  | "stall"
  | "limit"
  | "history";

/** A broker under test. */
export interface BrokerDriver {
  /** Argument of the program, and name in the report, such as `redis-ioredis`. */
  readonly name: string;
  /** Whether the gate leaves the driver out. `TEST_ALL_BROKERS=1` runs it. */
  readonly isExtra?: boolean;
  /** Abilities that cases may use. Must be those of its server: see `abilitiesOf`. */
  readonly abilities: readonly Ability[];
  /** Cases that the client library cannot pass, by id, with the reason. */
  readonly gaps?: Readonly<Record<string, string>>;
  /** Returns the command or package that this machine or runtime lacks. */
  missing?(): Promise<string | undefined>;
  /** If this process cannot have the nodes, runs the program in another one, and returns true. */
  runsElsewhere?(): Promise<boolean>;
  /** Starts a server of its own, on a free port of 127.0.0.1. */
  start(): Promise<BrokerServer>;
  /** Uses a server that another process has started, by its `address`. */
  attach?(address: string): BrokerClient;
}

/** Makes nodes for a running server. */
export interface BrokerClient {
  /**
   * Makes the option `sync`. Nodes with the same cluster hear each other.
   *
   * @param cluster a name of letters and digits.
   */
  sync(cluster: string, options?: SyncOptions): SyncAdapter;
}

/** Options of a node's connection to the server. */
export interface SyncOptions {
  readonly required?: boolean;
  /** Whether the node has a wrong password, so that the server refuses the node. */
  readonly isUnauthorized?: boolean;
  /** Port of a proxy before the server. Default: the port of the server itself. */
  readonly port?: number;
}

/** A running server of a broker. */
export interface BrokerServer extends BrokerClient, AsyncDisposable {
  /** Argument of `attach` in another process. Absent if the broker has no server. */
  readonly address?: string;
  /** Faults of the server. Absent if the broker has no server. */
  readonly faults?: BrokerFaults;
  /** Port of 127.0.0.1 on which the server listens, for a proxy. */
  readonly port?: number;
  /** Most channels of a connection. The server refuses more. */
  readonly maxChannels?: number;
  /** Whether nodes replace a connection that stalls: postgres.js keeps the connection. */
  readonly replacesStalled?: boolean;
  /** Whether topics can have a history. */
  readonly keepsHistory?: boolean;
  /** Publishes bytes on a channel, as another program with the password could. */
  forge?(cluster: string, channel: string, bytes: Uint8Array): Promise<void>;
  /** Number of connections that nodes have at the server. */
  connections?(): Promise<number>;
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
  /** Cuts the connections of all nodes, as a server does with slow clients. */
  cut?(): Promise<void>;
  /** Brings the server to its memory limit. */
  exhaust?(): Promise<void>;
}

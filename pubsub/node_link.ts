import type { Timers } from "../common/timers.ts";
import type { OutgoingFrame } from "../socket/socket.ts";
import type { HistoryHost, HistorySource } from "./history/history_source.ts";
import type { HubObserver } from "./hub_observer.ts";
import type { ClusterHost, RemoteNodes } from "./remote_nodes.ts";

/** Largest message between nodes, in bytes. */
export const MAX_NODE_MESSAGE: number = 16 * 1024 * 1024;

/** Milliseconds that a link that closes waits for its broker or driver. */
export const MAX_CLOSING = 2000;

/** A publish, on its way to other nodes or from another node. */
export interface NodePublish {
  /** Namespace whose subscribers get the message; `undefined` for all namespaces. */
  readonly namespace: string | undefined;
  readonly topic: string;
  readonly frame: OutgoingFrame;
  readonly compress: boolean;
}

/** The connection of a hub to the other nodes: over a broker, or over the driver of a user. */
export interface NodeLink {
  /** Whether `ready()` waits for the connection. */
  readonly isRequired?: boolean;
  /** Observe the hub, to hear only the topics that have a subscriber here. */
  readonly observers?: readonly HubObserver<unknown>[];
  /** Number of channels that this node hears. */
  readonly channels: number;
  /** Connects in the background. Does not throw. */
  open(): void;
  /** Sends a message to the other nodes. Does not throw. */
  publish(message: NodePublish): void;
  /** Resolves when this node hears all topics that have a subscriber here. */
  confirmed?(): Promise<void>;
  /** Makes the histories of topics. Absent, or returns `undefined`, if no messages can be kept. */
  history?<M>(host: HistoryHost<M>): HistorySource<M> | undefined;
  /** Makes the view of the other nodes. Absent if the driver cannot carry more than publishes. */
  cluster?(host: ClusterHost): RemoteNodes;
  /** Sends what waits, and ends the connection. Afterwards nothing keeps the process alive. */
  close(): Promise<void>;
}

/** Services of a {@linkcode NodeLink}. */
export interface LinkHost {
  readonly timers: Timers;
  /** Counters that the link increments. */
  readonly counts: LinkCounts;
  /** Delivers a message of another node to the subscribers of this node. */
  deliver(message: NodePublish): void;
  /**
   * The connection is open, and all channels are confirmed.
   *
   * @param gap whether messages of other nodes may have been missed since the last connection.
   */
  up(gap: boolean): void;
  /** The connection was lost, or could not be made. */
  down(error: unknown): void;
  /** Counts messages that did not reach the broker. */
  dropped(messages: number, error: unknown): void;
}

/** Counters of a link. */
export interface LinkCounts {
  framesOut: number;
  bytesOut: number;
  framesIn: number;
  bytesIn: number;
  invalid: number;
}

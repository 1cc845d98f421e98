import type { Position } from "./history/position.ts";
import type { HistoryOptions } from "./topic_options.ts";

/**
 * Connects one endpoint, a node, to the other nodes of its cluster.
 *
 * A broker carries frames between nodes. It knows neither topics nor peers. Each node hears only the
 * channels for which it has asked.
 */
export interface Broker {
  /**
   * Whether `ready()` waits until the broker is connected.
   *
   * @default false
   */
  readonly required?: boolean;
  /** Connects in the background. Does not throw if the broker's server cannot be reached. */
  open(host: BrokerHost): void;
  /**
   * Adds channels to those that this node hears. Resolves once the broker's server has confirmed
   * or refused them. The broker asks for all its channels again after a lost connection. Without a
   * connection, all calls should return the same promise: an outage may be long.
   */
  subscribe(channels: readonly string[]): Promise<void>;
  /** Removes channels from those that this node hears. */
  unsubscribe(channels: readonly string[]): void;
  /**
   * Sends frames, in this order. Rejects at once if there is no connection: a broker never keeps
   * frames for later. Resolves once the broker's server, or the process that relays, has the frames.
   */
  publish(batch: readonly Publication[]): Promise<void>;
  /**
   * Calls `flush` at the end of the present turn of the event loop. Frames that are published until
   * then leave together. Default: `queueMicrotask`.
   */
  defer?(flush: () => void): void;
  /** Keeps the messages of topics with history. Absent if the broker cannot. */
  readonly history?: HistoryStore;
  /** Ends all connections. Afterwards nothing keeps the process alive. */
  close(): Promise<void>;
}

/** The part of a broker that keeps messages. All calls reject at once if there is no connection. */
export interface HistoryStore {
  /**
   * Adds frames to the history of a channel and sends them to the nodes that hear it, in one atomic
   * step. Resolves with the position of the first frame.
   */
  append(
    channel: string,
    frames: readonly Uint8Array<ArrayBuffer>[],
    options: AppendOptions,
  ): Promise<Position>;
  /**
   * Reads the newest frames of a channel, at most `limit`: those after `since`, if its epoch is the
   * present one. Begins a history if there is none, so that the channel has a position.
   */
  read(channel: string, since: Position | undefined, options: ReadOptions): Promise<HistoryPage>;
}

/** Options of {@linkcode HistoryStore.append}. */
export interface AppendOptions extends HistoryOptions {
  /** If a frame with this key was added already, adds nothing, and resolves with its position. */
  readonly key?: string | undefined;
}

/** Options of {@linkcode HistoryStore.read}. */
export interface ReadOptions {
  /** Most frames. */
  readonly limit: number;
  /** Milliseconds until the end of a history that begins. */
  readonly ttl: number;
}

/** The newest frames of a history, without a gap. */
export interface HistoryPage {
  /** Position of the newest message of the history. */
  readonly top: Position;
  /** Frames, the newest last: it has the position `top`. */
  readonly frames: readonly Uint8Array[];
}

/** A frame for one channel. */
export interface Publication {
  /** Channel on which other nodes get the frame. */
  readonly channel: string;
  /** The bytes to carry, unchanged. */
  readonly frame: Uint8Array<ArrayBuffer>;
}

/** Receiver of the events of a broker: its node. */
export interface BrokerHost {
  /** A frame has arrived on a channel. Frames of this node may come back: the node ignores them. */
  received(channel: string, frame: Uint8Array): void;
  /** Frames were added to the history of a channel, see {@linkcode HistoryStore.append}. */
  appended(channel: string, first: Position, frames: readonly Uint8Array[]): void;
  /**
   * The broker is connected, and its server has confirmed all channels.
   *
   * @param gap whether frames may have been missed since the last connection.
   */
  up(gap: boolean): void;
  /** The connection was lost, or could not be made. The broker tries again by itself. */
  down(error: unknown): void;
  /**
   * The server refuses a channel, so this node does not hear its topic. The broker keeps the
   * connection, and asks again later.
   */
  refused(error: unknown): void;
  /** Frames did not reach the other nodes, although the broker had confirmed them. */
  lost(frames: number, error: unknown): void;
}

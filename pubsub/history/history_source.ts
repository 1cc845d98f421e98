import type { OutgoingFrame } from "../../socket/socket.ts";
import type { Subscribers } from "../subscribers.ts";
import type { HistoryOptions, TopicName } from "../topic_options.ts";
import type { Position } from "./position.ts";
import type { MissedReason } from "./subscribe_options.ts";
import type { LogEntry, TopicLog } from "./topic_log.ts";

/** A topic with history. */
export interface HistoryTopic extends TopicName {
  readonly keep: HistoryOptions;
}

/** A message for a topic with history. */
export interface HistoryMessage<M> {
  readonly frame: OutgoingFrame;
  readonly compress: boolean;
  /** Member of this node that does not get the message. */
  readonly except: M | undefined;
}

/**
 * Keeps the messages of topics with history, and gives each message its position: in the memory of
 * this process, or with a broker, which is the same for all nodes.
 */
export interface HistorySource<M> {
  /** Adds a message, which the host then delivers. Returns how many subscribers it may reach here. */
  append(topic: HistoryTopic, message: HistoryMessage<M>): number;
  /**
   * Adds a message, and returns its position. A message with the same key is added once.
   *
   * @throws {PeerError} `ERR_PEER_NOT_COMMITTED` if it is not known whether the message was added.
   */
  commit(topic: HistoryTopic, message: HistoryMessage<M>, key?: string): Promise<Position>;
  /**
   * Returns the log of a topic, if it has all messages that the history has, as far as they have come
   * here, and all of them were delivered. Valid in this turn only.
   */
  log(topic: HistoryTopic): TopicLog | undefined;
  /** Brings the log up to date. Resolves with false if the history cannot be read now. */
  refresh?(topic: HistoryTopic): Promise<boolean>;
  /** A topic has its first subscriber on this node. */
  watch?(topic: HistoryTopic): void;
  /** The last subscriber of a topic on this node has gone. */
  unwatch?(topic: TopicName): void;
}

/** Services for a {@linkcode HistorySource}. */
export interface HistoryHost<M> {
  /** Returns the entry of a message: what subscribers get, now and later. */
  entryOf(topic: TopicName, position: Position, frame: OutgoingFrame, compress: boolean): LogEntry;
  /** Sends an entry to the subscribers of this node. Returns how many accepted it. */
  deliver(topic: TopicName, entry: LogEntry, except: M | undefined): number;
  /** Returns the subscribers of this node, as a live view. */
  subscribers(topic: TopicName): Subscribers<M>;
  /** Subscribers of this node may have missed messages that they will not get. */
  missed(topic: TopicName, reason: MissedReason): void;
}

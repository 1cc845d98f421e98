import type { TopicName } from "../topic_options.ts";
import type { Position } from "./position.ts";
import type { LogEntry } from "./topic_log.ts";

/** A history, as a {@linkcode HistoryStorage} has it. */
export interface SavedHistory {
  /** Position of the newest message. */
  readonly top: Position;
  /** Time at which the history ends, as `Date.now()` counts. */
  readonly endsAt: number;
  /** The latest messages, without a gap; the last one is the newest. */
  readonly entries: readonly LogEntry[];
  /** Offsets of commits by key; the oldest first. */
  readonly keys: readonly (readonly [key: string, offset: number])[];
}

/** A message to save. */
export interface SavedMessage {
  readonly position: Position;
  readonly entry: LogEntry;
  /** Key of the commit. */
  readonly key: string | undefined;
  /** Most messages of the history. */
  readonly size: number;
  /** New end of the history. */
  readonly endsAt: number;
}

/** Keeps histories that outlive the memory of a process. All calls are synchronous. */
export interface HistoryStorage {
  /** Reads the history of a topic. */
  load(topic: TopicName): SavedHistory | undefined;
  /** Begins a history without messages, in the place of an earlier one. */
  begin(topic: TopicName, position: Position, endsAt: number): void;
  /**
   * Adds the next message.
   *
   * @throws {RangeError} for a message that the storage cannot hold.
   */
  add(topic: TopicName, message: SavedMessage): void;
}

import type { OutgoingFrame } from "../../socket/socket.ts";
import type { Position } from "./position.ts";

/** A message in a log. */
export interface LogEntry {
  readonly frame: OutgoingFrame;
  readonly compress: boolean;
}

/** Most bytes of one log. The newest message stays, whatever its size. */
const MAX_BYTES = 16 * 1024 * 1024;

/** The latest messages of one topic, in the order of their positions and without a gap. */
export class TopicLog {
  readonly epoch: number;
  readonly #size: number;
  /** The messages, from {@linkcode #start} on. */
  #entries: LogEntry[] = [];
  #start = 0;
  #bytes = 0;
  #top: number;

  /**
   * @param size most messages to keep.
   * @param origin position of the latest message, before the first one of this log.
   */
  constructor(size: number, { epoch, offset }: Position) {
    this.#size = size;
    this.epoch = epoch;
    this.#top = offset;
  }

  /** Position of the newest message. */
  get top(): Position {
    return { epoch: this.epoch, offset: this.#top };
  }

  /** Offset of the oldest message; that of the next one if the log is empty. */
  get first(): number {
    return this.#top - this.#count + 1;
  }

  get #count(): number {
    return this.#entries.length - this.#start;
  }

  /** Adds the next message, and drops the oldest ones that are too many. */
  push(entry: LogEntry): void {
    this.#entries.push(entry);
    this.#bytes += entry.frame.byteLength;
    this.#top++;
    while (this.#count > this.#size || (this.#bytes > MAX_BYTES && this.#count > 1)) {
      this.#bytes -= this.#entries[this.#start++]!.frame.byteLength;
    }
    if (2 * this.#start <= this.#entries.length) return;
    this.#entries = this.#entries.slice(this.#start);
    this.#start = 0;
  }

  /** Returns the messages after an offset, as far as the log has them. */
  after(offset: number): readonly LogEntry[] {
    return this.#entries.slice(this.#start + Math.max(0, offset + 1 - this.first));
  }
}

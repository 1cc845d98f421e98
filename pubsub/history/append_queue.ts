import type { HistoryStore } from "../broker.ts";
import type { HistoryOptions } from "../topic_options.ts";

/** Bytes and messages of a channel that leave before the end of the turn. */
const MAX_TURN_BYTES = 64 * 1024, MAX_TURN_MESSAGES = 256;
/** Bytes and messages that the broker has not confirmed, at which further messages are dropped. */
const MAX_UNCONFIRMED_BYTES = 16 * 1024 * 1024, MAX_UNCONFIRMED_MESSAGES = 10_000;

/** Services of an {@linkcode AppendQueue}. */
export interface AppendHost {
  readonly store: HistoryStore;
  /** Calls back at the end of the turn. */
  defer(flush: () => void): void;
  /** The broker has added messages. */
  added(messages: number, bytes: number): void;
  /** Messages did not reach the history, as far as this node knows. */
  dropped(messages: number, error: unknown): void;
}

/** Messages of one turn for one channel. */
interface Batch {
  readonly keep: HistoryOptions;
  readonly frames: Uint8Array<ArrayBuffer>[];
  bytes: number;
}

/** Gathers the messages of one turn for topics with history: one command for each channel. */
export class AppendQueue {
  readonly #host: AppendHost;
  readonly #batches = new Map<string, Batch>();
  readonly #pending = new Set<Promise<void>>();
  #unconfirmedMessages = 0;
  #unconfirmedBytes = 0;
  #isDeferred = false;

  constructor(host: AppendHost) {
    this.#host = host;
  }

  /** Adds a message. Returns whether there is room for it. */
  add(channel: string, frame: Uint8Array<ArrayBuffer>, keep: HistoryOptions): boolean {
    const bytes = frame.byteLength + channel.length;
    if (
      this.#unconfirmedMessages >= MAX_UNCONFIRMED_MESSAGES ||
      this.#unconfirmedBytes >= MAX_UNCONFIRMED_BYTES
    ) {
      this.#host.dropped(1, new Error("the broker is too slow"));
      return false;
    }
    this.#unconfirmedMessages++;
    this.#unconfirmedBytes += bytes;
    let batch = this.#batches.get(channel);
    if (!batch) this.#batches.set(channel, batch = { keep, frames: [], bytes: 0 });
    batch.frames.push(frame);
    batch.bytes += bytes;
    if (batch.bytes >= MAX_TURN_BYTES || batch.frames.length >= MAX_TURN_MESSAGES) {
      this.flush(channel);
    } else this.#defer();
    return true;
  }

  #defer(): void {
    if (this.#isDeferred) return;
    this.#isDeferred = true;
    this.#host.defer(() => {
      this.#isDeferred = false;
      for (const channel of [...this.#batches.keys()]) this.flush(channel);
    });
  }

  /** Sends the gathered messages of a channel now. */
  flush(channel: string): void {
    const batch = this.#batches.get(channel);
    if (!batch) return;
    this.#batches.delete(channel);
    const { frames, bytes, keep } = batch, { store } = this.#host;
    const settle = () => {
      this.#unconfirmedMessages -= frames.length;
      this.#unconfirmedBytes -= bytes;
    };
    const pending = store.append(channel, frames, keep).then(() => {
      settle();
      this.#host.added(frames.length, bytes);
    }, (error) => {
      settle();
      this.#host.dropped(frames.length, error);
    }).finally(() => this.#pending.delete(pending));
    this.#pending.add(pending);
  }

  /** Sends all gathered messages, and waits until the broker has confirmed or rejected all. */
  async settle(): Promise<void> {
    for (const channel of [...this.#batches.keys()]) this.flush(channel);
    await Promise.all(this.#pending);
  }
}

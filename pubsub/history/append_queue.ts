import type { HistoryStore } from "../broker.ts";
import { MAX_TURN_BYTES, MAX_TURN_MESSAGES } from "../outbox.ts";
import type { HistoryOptions } from "../topic_options.ts";
import { Unconfirmed } from "../unconfirmed.ts";

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
  readonly #unconfirmed = new Unconfirmed();
  #isDeferred = false;

  constructor(host: AppendHost) {
    this.#host = host;
  }

  /** Adds a message. */
  add(channel: string, frame: Uint8Array<ArrayBuffer>, keep: HistoryOptions): void {
    const bytes = frame.byteLength + channel.length;
    if (this.#unconfirmed.isFull) {
      return this.#host.dropped(1, new Error("the broker is too slow"));
    }
    this.#unconfirmed.add(1, bytes);
    let batch = this.#batches.get(channel);
    if (!batch) this.#batches.set(channel, batch = { keep, frames: [], bytes: 0 });
    batch.frames.push(frame);
    batch.bytes += bytes;
    if (batch.bytes >= MAX_TURN_BYTES || batch.frames.length >= MAX_TURN_MESSAGES) {
      this.flush(channel);
    } else this.#defer();
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
    const work = store.append(channel, frames, keep);
    this.#unconfirmed.track(
      work,
      frames.length,
      bytes,
      () => this.#host.added(frames.length, bytes),
      (error) => this.#host.dropped(frames.length, error),
    );
  }

  /** Sends all gathered messages, and waits until the broker has confirmed or rejected all. */
  async settle(): Promise<void> {
    for (const channel of [...this.#batches.keys()]) this.flush(channel);
    await this.#unconfirmed.settled();
  }
}

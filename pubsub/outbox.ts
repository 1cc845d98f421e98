import type { Publication } from "./broker.ts";
import { escapeName } from "./channel.ts";
import { encodeFrame, type NodeMessage } from "./sync_frame.ts";
import { Unconfirmed } from "./unconfirmed.ts";

/** Bytes and messages after which the gathered messages leave before the end of the turn. */
export const MAX_TURN_BYTES: number = 64 * 1024, MAX_TURN_MESSAGES = 256;
/** Services of an {@linkcode Outbox}. */
export interface OutboxHost {
  /** Id of this node, for the frames. */
  readonly node: Uint8Array;
  /** Sends frames, see `Broker.publish`. */
  publish(batch: readonly Publication[]): Promise<void>;
  /** Calls back at the end of the turn. */
  defer(flush: () => void): void;
  /** Frames were sent. */
  sent(frames: number, bytes: number): void;
  /** Messages did not reach the broker. */
  dropped(messages: number, error: unknown): void;
}

/** Messages for one channel. */
interface Entry {
  readonly channel: string;
  readonly messages: NodeMessage[];
}

/**
 * Gathers the messages of one turn of the event loop: one frame for each channel. The broker's cost
 * depends on the number of frames far more than on their length.
 */
export class Outbox {
  readonly #host: OutboxHost;
  #entries: Entry[] = [];
  /** Entries that can take more messages. */
  readonly #open = new Map<string, Entry>();
  #messages = 0;
  #bytes = 0;
  readonly #unconfirmed = new Unconfirmed();
  #isDeferred = false;

  constructor(host: OutboxHost) {
    this.#host = host;
  }

  /** Whether so much waits for the broker that what can wait should not be added now. */
  get isHalfFull(): boolean {
    return this.#unconfirmed.isHalfFull;
  }

  /**
   * Adds a message.
   *
   * @param isBarrier whether messages of other channels must not overtake this message.
   */
  add(channel: string, message: NodeMessage, isBarrier = false): void {
    if (this.#unconfirmed.isFull) {
      return this.#host.dropped(1, new Error("the broker is too slow"));
    }
    const { topic, frame } = message;
    this.#messages++;
    this.#count(1, frame.byteLength + (topic === undefined ? 0 : escapeName(topic).length));
    // A message that follows one of the same channel overtakes nothing.
    if (isBarrier && this.#entries.at(-1)?.channel !== channel) this.#open.clear();
    const entry = this.#open.get(channel);
    if (entry) entry.messages.push(message);
    else this.#begin({ channel, messages: [message] });
    if (this.#bytes >= MAX_TURN_BYTES || this.#messages >= MAX_TURN_MESSAGES) return this.flush();
    if (this.#isDeferred) return;
    this.#isDeferred = true;
    this.#host.defer(() => {
      this.#isDeferred = false;
      this.flush();
    });
  }

  #begin(entry: Entry): void {
    this.#entries.push(entry);
    this.#open.set(entry.channel, entry);
    this.#count(0, entry.channel.length);
  }

  #count(messages: number, bytes: number): void {
    this.#bytes += bytes;
    this.#unconfirmed.add(messages, bytes);
  }

  /** Sends all gathered messages, and waits until the broker has confirmed or rejected all. */
  async settle(): Promise<void> {
    this.flush();
    await this.#unconfirmed.settled();
  }

  /** Sends all gathered messages now. */
  flush(): void {
    const entries = this.#entries, messages = this.#messages, bytes = this.#bytes;
    if (messages === 0) return;
    this.#entries = [];
    this.#open.clear();
    this.#messages = this.#bytes = 0;
    this.#unconfirmed.track(this.#publish(entries), messages, bytes, (batch) => {
      this.#host.sent(batch.length, batch.reduce((sum, { frame }) => sum + frame.byteLength, 0));
    }, (error) => this.#host.dropped(messages, error));
  }

  /** Also rejects if a message cannot be encoded. Returns what was sent. */
  async #publish(entries: readonly Entry[]): Promise<readonly Publication[]> {
    const batch = entries.map(({ channel, messages }) => ({
      channel,
      frame: encodeFrame(this.#host.node, messages),
    }));
    await this.#host.publish(batch);
    return batch;
  }
}

import type { Publication } from "./broker.ts";
import { escapeName } from "./channel.ts";
import { MAX_NODE_MESSAGE } from "./node_link.ts";
import { encodeFrame, type NodeMessage } from "./sync_frame.ts";

/** Bytes and messages after which the gathered messages leave before the end of the turn. */
const MAX_TURN_BYTES = 64 * 1024, MAX_TURN_MESSAGES = 256;
/**
 * Bytes and messages that the broker has not confirmed, at which further messages are dropped. One
 * message may exceed the bytes: else the largest message would pass only if no other one waits.
 */
const MAX_UNCONFIRMED_BYTES = MAX_NODE_MESSAGE, MAX_UNCONFIRMED_MESSAGES = 10_000;

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
  #unconfirmedMessages = 0;
  #unconfirmedBytes = 0;
  #isDeferred = false;
  readonly #pending = new Set<Promise<void>>();

  constructor(host: OutboxHost) {
    this.#host = host;
  }

  /**
   * Adds a message.
   *
   * @param isBarrier whether messages of other channels must not overtake this message.
   */
  add(channel: string, message: NodeMessage, isBarrier = false): void {
    if (
      this.#unconfirmedMessages >= MAX_UNCONFIRMED_MESSAGES ||
      this.#unconfirmedBytes >= MAX_UNCONFIRMED_BYTES
    ) {
      return this.#host.dropped(1, new Error("the broker is too slow"));
    }
    const { topic, frame } = message;
    this.#unconfirmedMessages++;
    this.#messages++;
    this.#count(frame.byteLength + (topic === undefined ? 0 : escapeName(topic).length));
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
    this.#count(entry.channel.length);
  }

  /** Counts bytes that wait for the broker. Names count too: a client may choose long ones. */
  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#unconfirmedBytes += bytes;
  }

  /** Sends all gathered messages, and waits until the broker has confirmed or rejected all. */
  async settle(): Promise<void> {
    this.flush();
    await Promise.all(this.#pending);
  }

  /** Sends all gathered messages now. */
  flush(): void {
    const entries = this.#entries, messages = this.#messages, bytes = this.#bytes;
    if (messages === 0) return;
    this.#entries = [];
    this.#open.clear();
    this.#messages = this.#bytes = 0;
    const settle = () => {
      this.#unconfirmedMessages -= messages;
      this.#unconfirmedBytes -= bytes;
    };
    const pending = this.#publish(entries).then((batch) => {
      settle();
      this.#host.sent(batch.length, batch.reduce((sum, { frame }) => sum + frame.byteLength, 0));
    }, (error) => {
      settle();
      this.#host.dropped(messages, error);
    }).finally(() => this.#pending.delete(pending));
    this.#pending.add(pending);
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

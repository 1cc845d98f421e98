import type { Timers } from "../common/timers.ts";
import type { Broker } from "./broker.ts";
import { channelOf } from "./channel.ts";
import type { HubObserver } from "./hub_observer.ts";
import type { TopicName } from "./topic_options.ts";

/** Milliseconds that a channel without subscribers stays: clients often come back at once. */
const UNSUBSCRIBE_DELAY = 1000;
/** Most channels of one call of `Broker.subscribe`. */
const MAX_CHANNELS = 512;

/** A topic that this node wants to hear. */
interface Wanted {
  readonly name: TopicName;
  /** Number of calls of `topicAdded` without `topicRemoved`. 0: the topic may go. */
  reasons: number;
}

/**
 * Asks the broker for the channels of all topics that have a subscriber on this node. Observes the
 * hub; a topic stays wanted while any caller of `topicAdded` has not called `topicRemoved`. The
 * changes of one turn become one command.
 */
export class Interest implements HubObserver<unknown> {
  readonly #broker: Pick<Broker, "subscribe" | "unsubscribe">;
  readonly #timers: Timers;
  readonly #topics = new Map<string, Wanted>();
  /** Channels to ask for at the end of this turn. */
  #added: string[] = [];
  /** Channels without subscribers, and the time at which each may go. */
  readonly #unwanted = new Map<string, number>();
  #cancel: (() => void) | undefined;
  #isClosed = false;
  /** Commands that the broker has not confirmed. Without a connection, many share one promise. */
  readonly #pending = new Set<Promise<void>>();

  constructor(broker: Pick<Broker, "subscribe" | "unsubscribe">, timers: Timers) {
    this.#broker = broker;
    this.#timers = timers;
  }

  /** Number of channels for which this node has asked. */
  get size(): number {
    return this.#topics.size;
  }

  /** Returns the topic of a channel, if this node has asked for the channel. */
  topicOf(channel: string): TopicName | undefined {
    return this.#topics.get(channel)?.name;
  }

  /** Asks for channels now. */
  ask(channels: readonly string[]): void {
    let confirmation: Promise<void>;
    try {
      confirmation = this.#broker.subscribe(channels);
    } catch {
      return; // the broker reports the lost connection, and connects again
    }
    if (this.#pending.has(confirmation)) return;
    this.#pending.add(confirmation);
    const settle = () => void this.#pending.delete(confirmation);
    confirmation.then(settle, settle);
  }

  topicAdded(namespace: string, topic: string): void {
    if (this.#isClosed) return;
    const channel = channelOf(namespace, topic), known = this.#topics.get(channel);
    if (known) known.reasons++;
    if (known?.reasons === 1) this.#unwanted.delete(channel);
    if (known) return;
    this.#topics.set(channel, { name: { namespace, topic }, reasons: 1 });
    if (this.#added.push(channel) === 1) queueMicrotask(() => this.#subscribe());
  }

  topicRemoved(namespace: string, topic: string): void {
    if (this.#isClosed) return; // the last peers may leave after the broker
    const channel = channelOf(namespace, topic), known = this.#topics.get(channel);
    if (!known || --known.reasons > 0) return;
    this.#unwanted.set(channel, performance.now() + UNSUBSCRIBE_DELAY);
    this.#cancel ??= this.#timers.after(UNSUBSCRIBE_DELAY, () => this.#unsubscribe());
  }

  /** Resolves when the broker has confirmed all channels for which this node has asked. */
  async confirmed(): Promise<void> {
    await undefined; // until the end of the turn, when the broker is asked
    await Promise.allSettled(this.#pending);
  }

  /** Stops the timer. Later changes have no effect. */
  close(): void {
    this.#isClosed = true;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #subscribe(): void {
    const added = this.#added;
    this.#added = [];
    for (let i = 0; i < added.length; i += MAX_CHANNELS) {
      this.ask(added.slice(i, i + MAX_CHANNELS));
    }
  }

  #unsubscribe(): void {
    this.#cancel = undefined;
    const now = performance.now(), gone: string[] = [];
    let next: number | undefined;
    for (const [channel, time] of this.#unwanted) { // in the order of the times
      if (time > now) {
        next = time;
        break;
      }
      this.#unwanted.delete(channel);
      this.#topics.delete(channel);
      gone.push(channel);
    }
    for (let i = 0; i < gone.length; i += MAX_CHANNELS) {
      this.#broker.unsubscribe(gone.slice(i, i + MAX_CHANNELS));
    }
    if (next !== undefined) {
      this.#cancel = this.#timers.after(next - now, () => this.#unsubscribe());
    }
  }
}

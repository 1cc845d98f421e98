import type { Broker, BrokerHost, HistoryStore, Publication } from "../pubsub/broker.ts";
import type { Position } from "../pubsub/history/position.ts";
import { type LoopConnection, ReconnectLoop } from "./reconnect_loop.ts";

/** A connection that also publishes. */
export interface BrokerConnection extends LoopConnection {
  /** Sends frames, in this order. Resolves once the broker's server has them. */
  publish(batch: readonly Publication[]): Promise<void>;
  /** Keeps the messages of topics with history. */
  readonly history?: HistoryStore;
}

/** Events of a connection. */
export interface ConnectionHost {
  /** A frame has arrived. */
  received(channel: string, frame: Uint8Array): void;
  /** The server has refused a channel. */
  refused(error: unknown): void;
  /** Frames were added to a history. */
  appended(channel: string, first: Position, frames: readonly Uint8Array[]): void;
}

/** Settings of a {@linkcode LoopBroker}. */
export interface LoopBrokerOptions {
  /** Name of the broker in errors. */
  readonly name: string;
  readonly required: boolean;
  /** Whether connections have a {@linkcode BrokerConnection.history}. */
  readonly keepsHistory?: boolean;
  /** Makes a connection, which is not open yet. */
  connect(host: ConnectionHost, lost: (error: unknown) => void): BrokerConnection;
  /** Calls `flush` at the end of the turn; default: in a microtask. */
  readonly defer?: (flush: () => void) => void;
  /** Called when the broker has closed. */
  readonly closed?: (() => void) | undefined;
}

/** Broker of one node over a server, to which a {@linkcode ReconnectLoop} keeps a connection. */
export class LoopBroker implements Broker {
  readonly required: boolean;
  readonly defer: (flush: () => void) => void;
  readonly history?: HistoryStore;
  readonly #options: LoopBrokerOptions;
  readonly #loop: ReconnectLoop<BrokerConnection>;
  #host: BrokerHost | undefined;

  constructor(options: LoopBrokerOptions) {
    this.#options = options;
    this.required = options.required;
    this.defer = options.defer ?? queueMicrotask;
    const host: ConnectionHost = {
      received: (channel, frame) => this.#host?.received(channel, frame),
      refused: (error) => this.#host?.refused(error),
      appended: (channel, first, frames) => this.#host?.appended(channel, first, frames),
    };
    if (options.keepsHistory) {
      this.history = {
        append: async (...args) => await this.#connected("add messages").history!.append(...args),
        read: async (...args) => await this.#connected("read messages").history!.read(...args),
      };
    }
    this.#loop = new ReconnectLoop((lost) => options.connect(host, lost));
  }

  open(host: BrokerHost): void {
    this.#host = host;
    this.#loop.open(host);
  }

  subscribe(channels: readonly string[]): Promise<void> {
    return this.#loop.subscribe(channels);
  }

  unsubscribe(channels: readonly string[]): void {
    this.#loop.unsubscribe(channels);
  }

  async publish(batch: readonly Publication[]): Promise<void> {
    await this.#connected("publish").publish(batch);
  }

  /** @throws {Error} if there is no connection. */
  #connected(tried: string): BrokerConnection {
    const { connection, failure } = this.#loop;
    if (connection) return connection;
    const reason = failure instanceof Error ? failure.message : String(failure);
    throw new Error(`Cannot ${tried} as ${this.#options.name} is not connected: ${reason}`, {
      cause: failure,
    });
  }

  async close(): Promise<void> {
    await this.#loop.close();
    this.#options.closed?.();
    this.#host = undefined;
  }
}

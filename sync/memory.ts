/**
 * Connects endpoints of one thread with each other, for tests of applications.
 *
 * @example
 * ```ts
 * import { createEndpoint } from "@onepeer/onepeer";
 * import { memory } from "@onepeer/onepeer/sync/memory";
 *
 * const sync = memory();
 * await using first = createEndpoint({ sync });
 * await using second = createEndpoint({ sync });
 * ```
 *
 * @module
 */
import type { Broker, BrokerHost, HistoryStore, Publication } from "../pubsub/broker.ts";
import { overBroker } from "../pubsub/broker_link.ts";
import type { Position } from "../pubsub/history/position.ts";
import type { SyncAdapter } from "../pubsub/sync_adapter.ts";
import { MemoryHistory } from "./memory_history.ts";

/** Returns the option `sync` for all endpoints that are to hear each other. */
export function memory(): SyncAdapter {
  const shared: Shared = { nodes: new Set(), history: new MemoryHistory() };
  return overBroker(() => new MemoryBroker(shared));
}

/** What all nodes share. */
interface Shared {
  readonly nodes: Set<MemoryBroker>;
  readonly history: MemoryHistory<Uint8Array>;
}

class MemoryBroker implements Broker {
  readonly #shared: Shared;
  readonly #channels = new Set<string>();
  #host: BrokerHost | undefined;

  readonly history: HistoryStore = {
    append: async (channel, frames, options) => {
      await undefined;
      const { first, isNew } = this.#shared.history.append(channel, frames, options);
      if (isNew) { for (const node of this.#shared.nodes) node.#appended(channel, first, frames); }
      return first;
    },
    read: async (channel, since, options) => {
      await undefined;
      return this.#shared.history.read(channel, since, options);
    },
  };

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  open(host: BrokerHost): void {
    this.#host = host;
    this.#shared.nodes.add(this);
    host.up(false);
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    for (const channel of channels) this.#channels.add(channel);
    await undefined;
  }

  unsubscribe(channels: readonly string[]): void {
    for (const channel of channels) this.#channels.delete(channel);
  }

  /** Delivers in a microtask: like any other broker, not within the call. */
  async publish(batch: readonly Publication[]): Promise<void> {
    await undefined;
    for (const node of this.#shared.nodes) {
      for (const { channel, frame } of batch) node.#receive(channel, frame);
    }
  }

  async close(): Promise<void> {
    this.#shared.nodes.delete(this);
    this.#host = undefined;
    await undefined;
  }

  #receive(channel: string, frame: Uint8Array): void {
    if (this.#channels.has(channel)) this.#host?.received(channel, frame);
  }

  #appended(channel: string, first: Position, frames: readonly Uint8Array[]): void {
    if (this.#channels.has(channel)) this.#host?.appended(channel, first, frames);
  }
}

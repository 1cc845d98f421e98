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
import type { Broker, BrokerHost, Publication } from "../pubsub/broker.ts";
import { overBroker } from "../pubsub/broker_link.ts";
import type { SyncAdapter } from "../pubsub/sync_adapter.ts";

/** Returns the option `sync` for all endpoints that are to hear each other. */
export function memory(): SyncAdapter {
  const nodes = new Set<MemoryBroker>();
  return overBroker(() => new MemoryBroker(nodes));
}

class MemoryBroker implements Broker {
  readonly #nodes: Set<MemoryBroker>;
  readonly #channels = new Set<string>();
  #host: BrokerHost | undefined;

  constructor(nodes: Set<MemoryBroker>) {
    this.#nodes = nodes;
  }

  open(host: BrokerHost): void {
    this.#host = host;
    this.#nodes.add(this);
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
    for (const node of this.#nodes) {
      for (const { channel, frame } of batch) node.#receive(channel, frame);
    }
  }

  async close(): Promise<void> {
    this.#nodes.delete(this);
    this.#host = undefined;
    await undefined;
  }

  #receive(channel: string, frame: Uint8Array): void {
    if (this.#channels.has(channel)) this.#host?.received(channel, frame);
  }
}

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
import { type Position, randomEpoch } from "../pubsub/history/position.ts";
import type { SyncAdapter } from "../pubsub/sync_adapter.ts";

/** Returns the option `sync` for all endpoints that are to hear each other. */
export function memory(): SyncAdapter {
  const shared: Shared = { nodes: new Set(), streams: new Map() };
  return overBroker(() => new MemoryBroker(shared));
}

/** What all nodes share. */
interface Shared {
  readonly nodes: Set<MemoryBroker>;
  /** Histories by channel. */
  readonly streams: Map<string, Stream>;
}

/** History of one channel. */
interface Stream {
  readonly epoch: number;
  readonly frames: Uint8Array[];
  /** Offsets by key. */
  readonly keys: Map<string, number>;
  /** Offset of the newest frame. */
  top: number;
  endsAt: number;
}

class MemoryBroker implements Broker {
  readonly #shared: Shared;
  readonly #channels = new Set<string>();
  #host: BrokerHost | undefined;

  readonly history: HistoryStore = {
    append: async (channel, frames, { size, ttl, key }) => {
      await undefined;
      const stream = this.#stream(channel, ttl), { epoch, keys } = stream;
      const known = key === undefined ? undefined : keys.get(key);
      if (known !== undefined) return { epoch, offset: known };
      const first = { epoch, offset: stream.top + 1 };
      if (key !== undefined) keys.set(key, first.offset);
      stream.frames.push(...frames);
      stream.top += frames.length;
      stream.endsAt = performance.now() + ttl;
      stream.frames.splice(0, stream.frames.length - size);
      for (const node of this.#shared.nodes) node.#appended(channel, first, frames);
      return first;
    },
    read: async (channel, since, { limit, ttl }) => {
      await undefined;
      const { epoch, frames, top } = this.#stream(channel, ttl);
      const count = since?.epoch === epoch ? Math.min(limit, top - since.offset) : limit;
      return { top: { epoch, offset: top }, frames: count > 0 ? frames.slice(-count) : [] };
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

  #stream(channel: string, ttl: number): Stream {
    const { streams } = this.#shared, now = performance.now(), known = streams.get(channel);
    if (known && known.endsAt > now) return known;
    const begun = { epoch: randomEpoch(), frames: [], keys: new Map(), top: 0, endsAt: now + ttl };
    streams.set(channel, begun);
    return begun;
  }
}

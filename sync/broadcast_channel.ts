/**
 * Connects the endpoints of all threads of one process, over a `BroadcastChannel`. Runs on Node, Deno
 * and Bun.
 *
 * The channel does not keep the process alive. Each endpoint gets all messages of the others, and
 * ignores those without a subscriber. The number of messages that wait for a busy thread has no
 * limit.
 *
 * @example
 * ```ts
 * import { createEndpoint } from "@onepeer/onepeer";
 * import { broadcastChannel } from "@onepeer/onepeer/sync/broadcast_channel";
 *
 * // The same in each thread.
 * await using endpoint = createEndpoint({ sync: broadcastChannel({ channel: "chat" }) });
 * ```
 *
 * @module
 */
import type { Broker, BrokerHost, Publication } from "../pubsub/broker.ts";
import { overBroker } from "../pubsub/broker_link.ts";
import type { SyncAdapter } from "../pubsub/sync_adapter.ts";
import { type ClusterName, clusterName } from "./cluster_name.ts";

/** Options of {@linkcode broadcastChannel}. */
export type BroadcastChannelOptions = ClusterName;

/**
 * Returns the option `sync` for the endpoints of all threads of this process. Endpoints with the
 * same `channel` hear each other.
 *
 * @throws {TypeError} for a missing name, and for an unknown option.
 */
export function broadcastChannel(options: BroadcastChannelOptions): SyncAdapter {
  const name = `onepeer:${clusterName(options)}`;
  return overBroker(() => new BroadcastBroker(name));
}

/** The part of a `BroadcastChannel` that this module uses. */
interface Port {
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
  unref?(): void;
}

interface Runtime {
  readonly BroadcastChannel: new (name: string) => Port;
  readonly process?: {
    getBuiltinModule?(name: string): Pick<Runtime, "BroadcastChannel"> | undefined;
  };
}

/** Opens a channel that does not keep the process alive. */
function openPort(name: string): Port {
  const runtime = globalThis as unknown as Runtime;
  // On Deno 2.9, only this class has `unref`: the global one keeps the process alive.
  const threads = runtime.process?.getBuiltinModule?.("node:worker_threads");
  const port = new (threads ?? runtime).BroadcastChannel(name);
  port.unref?.();
  return port;
}

/** Frame that the node counts as invalid, in place of a value that is none. */
const INVALID = new Uint8Array();

class BroadcastBroker implements Broker {
  readonly #name: string;
  readonly #channels = new Set<string>();
  #port: Port | undefined;
  #host: BrokerHost | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  open(host: BrokerHost): void {
    this.#host = host;
    this.#port = openPort(this.#name);
    this.#port.onmessage = ({ data }) => this.#received(data);
    host.up(false);
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    for (const channel of channels) this.#channels.add(channel);
    await undefined;
  }

  unsubscribe(channels: readonly string[]): void {
    for (const channel of channels) this.#channels.delete(channel);
  }

  /** Sends one message with all frames: the number of messages costs far more than their length. */
  async publish(batch: readonly Publication[]): Promise<void> {
    if (!this.#port) throw new Error("the channel is closed");
    this.#port.postMessage(batch);
    await undefined;
  }

  async close(): Promise<void> {
    this.#port?.close();
    this.#port = this.#host = undefined;
    await undefined;
  }

  /** Takes a message, which any code of this process may have sent. */
  #received(batch: unknown): void {
    for (const item of Array.isArray(batch) ? batch : [undefined]) {
      const { channel, frame } = (item ?? {}) as Partial<Publication>;
      if (typeof channel !== "string" || !(frame instanceof Uint8Array)) {
        this.#host?.received("", INVALID);
      } else if (this.#channels.has(channel)) this.#host?.received(channel, frame);
    }
  }
}

import { Deferred } from "../common/deferred.ts";
import type { Broker, BrokerHost } from "./broker.ts";
import { ALL_NAMESPACES, channelOf } from "./channel.ts";
import { Interest } from "./interest.ts";
import type { LinkHost, NodeLink, NodePublish } from "./node_link.ts";
import { Outbox } from "./outbox.ts";
import type { SyncAdapter } from "./sync_adapter.ts";
import { decodeFrame, nodeBytes } from "./sync_frame.ts";

/** Milliseconds that a closing node waits until the broker confirms the last messages. */
const MAX_SETTLING = 2000;

/** Makes the option `sync` of brokers. Calls `makeBroker` with the id of each endpoint. */
export function overBroker(makeBroker: (id: string) => Broker): SyncAdapter {
  return ({ id }) => {
    const broker = makeBroker(id);
    return { link: (host) => new BrokerLink(broker, nodeBytes(id), host) };
  };
}

/** Link over a broker: one channel for each topic, and one for publishes to all namespaces. */
export class BrokerLink implements NodeLink, BrokerHost {
  readonly interest: Interest;
  readonly #node: Uint8Array;
  readonly #broker: Broker;
  readonly #host: LinkHost;
  readonly #outbox: Outbox;

  /** @param node the id of this node. */
  constructor(broker: Broker, node: Uint8Array, host: LinkHost) {
    this.#node = node;
    this.#broker = broker;
    this.#host = host;
    this.interest = new Interest(broker, host.timers);
    this.#outbox = new Outbox({
      node,
      publish: (batch) => broker.publish(batch),
      defer: (flush) => broker.defer ? broker.defer(flush) : queueMicrotask(flush),
      sent(frames, bytes) {
        host.counts.framesOut += frames;
        host.counts.bytesOut += bytes;
      },
      dropped: (messages, error) => host.dropped(messages, error),
    });
  }

  get isRequired(): boolean {
    return this.#broker.required ?? false;
  }

  get channels(): number {
    return this.interest.size + 1; // the channel of all namespaces
  }

  open(): void {
    this.#broker.open(this);
    this.interest.ask([ALL_NAMESPACES]);
  }

  publish({ namespace, topic, frame, compress }: NodePublish): void {
    if (namespace === undefined) {
      // Later messages to one namespace must not overtake this one, which has another channel.
      this.#outbox.add(ALL_NAMESPACES, { topic, frame, compress }, true);
    } else this.#outbox.add(channelOf(namespace, topic), { frame, compress });
  }

  confirmed(): Promise<void> {
    return this.interest.confirmed();
  }

  async close(): Promise<void> {
    this.interest.close();
    const late = new Deferred(), cancel = this.#host.timers.after(MAX_SETTLING, late.resolve);
    await Promise.race([this.#outbox.settle(), late.promise]);
    cancel();
    await this.#broker.close();
  }

  received(channel: string, bytes: Uint8Array): void {
    const messages = decodeFrame(bytes, this.#node), { counts } = this.#host;
    if (messages === "own") return;
    counts.framesIn++;
    counts.bytesIn += bytes.byteLength;
    const toAll = channel === ALL_NAMESPACES, name = this.interest.topicOf(channel);
    // A message has a topic of its own if, and only if, it goes to all namespaces.
    if (!messages || messages.some(({ topic }) => (topic === undefined) === toAll)) {
      counts.invalid++;
      return;
    }
    for (const { topic = name?.topic, frame, compress } of messages) {
      if (topic === undefined) return; // the last subscriber has gone meanwhile
      this.#host.deliver({ namespace: name?.namespace, topic, frame, compress });
    }
  }

  up(): void {
    this.#host.up();
  }

  down(error: unknown): void {
    this.#host.down(error);
  }
}

import type { Broker, BrokerHost } from "./broker.ts";
import { ALL_NAMESPACES, channelOf, nodeChannel } from "./channel.ts";
import { BrokerCluster } from "./cluster/broker_cluster.ts";
import { Epochs } from "./epochs.ts";
import { BrokerHistory } from "./history/broker_history.ts";
import type { HistoryHost, HistorySource } from "./history/history_source.ts";
import type { Position } from "./history/position.ts";
import { Interest } from "./interest.ts";
import type { HubObserver } from "./hub_observer.ts";
import { type LinkHost, MAX_CLOSING, type NodeLink, type NodePublish } from "./node_link.ts";
import { Outbox } from "./outbox.ts";
import type { SyncAdapter } from "./sync_adapter.ts";
import type { ClusterHost, RemoteNodes } from "./remote_nodes.ts";
import {
  decodeFrame,
  encodeFrame,
  isOlder,
  nodeBytes,
  type NodeMessage,
  senderOf,
  setEpoch,
} from "./sync_frame.ts";

/** Makes the option `sync` of brokers. Calls `makeBroker` for each endpoint, with the id of its node. */
export function overBroker(makeBroker: (node: string) => Broker): SyncAdapter {
  return ({ id }) => {
    const broker = makeBroker(id);
    return { link: (host) => new BrokerLink(broker, id, host) };
  };
}

/**
 * Link over a broker: one channel for each topic, one for publishes to all namespaces, and one for
 * what other nodes send to this node alone.
 */
export class BrokerLink implements NodeLink, BrokerHost {
  readonly observers: readonly HubObserver<unknown>[];
  readonly interest: Interest;
  readonly #id: string;
  readonly #node: Uint8Array<ArrayBuffer>;
  readonly #broker: Broker;
  readonly #host: LinkHost;
  readonly #outbox: Outbox;
  readonly #epochs = new Epochs();
  /** Number of the present connection to the broker, or of the next one. */
  #epoch = 0;
  #history:
    | Pick<BrokerHistory<unknown>, "received" | "up" | "down" | "settle" | "close">
    | undefined;
  #cluster: BrokerCluster | undefined;
  #isUp = false;
  /** Epoch that all nodes know. A new node begins with 0. */
  #announced = 0;

  /** @param id 16 hexadecimal digits. */
  constructor(broker: Broker, id: string, host: LinkHost) {
    const node = nodeBytes(id); // this link writes its epoch there
    this.#id = id;
    this.#node = node;
    this.#broker = broker;
    this.#host = host;
    this.interest = new Interest(broker, host.timers);
    this.observers = [this.interest, {
      topicAdded: (namespace, topic) => this.#cluster?.topicAdded(namespace, topic),
      topicRemoved: (namespace, topic) => this.#cluster?.topicRemoved(namespace, topic),
    }];
    this.#outbox = new Outbox({
      node,
      publish: (batch) => broker.publish(batch),
      defer: (flush) => this.#defer(flush),
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
    // And the channel of all namespaces, and that of this node.
    return this.interest.size + (this.#cluster ? 2 : 1);
  }

  open(): void {
    this.#broker.open(this);
    this.interest.ask([ALL_NAMESPACES]);
  }

  history<M>(host: HistoryHost<M>): HistorySource<M> | undefined {
    const store = this.#broker.history, { timers, counts, dropped } = this.#host;
    if (!store) return undefined;
    const history = new BrokerHistory(
      {
        store,
        node: this.#node,
        interest: this.interest,
        timers,
        defer: (flush) => this.#defer(flush),
        added(messages, bytes) {
          counts.framesOut += messages;
          counts.bytesOut += bytes;
        },
        dropped,
      },
      host,
    );
    this.#history = history;
    if (this.#isUp) history.up(false); // a broker in memory is connected at once
    return history;
  }

  cluster(host: ClusterHost): RemoteNodes {
    const cluster = this.#cluster = new BrokerCluster({
      node: this.#node,
      broker: this.#broker,
      interest: this.interest,
      timers: this.#host.timers,
      defer: (flush) => this.#defer(flush),
    }, host);
    this.interest.ask([nodeChannel(this.#id)]);
    if (this.#isUp) cluster.up();
    return cluster;
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
    const sent = Promise.all([
      this.#outbox.settle(),
      this.#history?.settle(),
      this.#cluster?.close(),
    ]);
    await this.#host.timers.within(MAX_CLOSING, sent);
    this.#history?.close();
    await this.#broker.close();
  }

  received(channel: string, bytes: Uint8Array): void {
    const messages = decodeFrame(bytes, this.#node), { counts } = this.#host;
    if (messages === "own") return this.#receivedOwn(bytes);
    if (messages?.[0]?.isControl) return this.#receivedControl(channel, bytes, messages);
    counts.framesIn++;
    counts.bytesIn += bytes.byteLength;
    const toAll = channel === ALL_NAMESPACES, name = this.interest.topicOf(channel);
    // A message has a topic of its own if, and only if, it goes to all namespaces.
    if (!messages || messages.some(({ topic }) => (topic === undefined) === toAll)) {
      counts.invalid++;
      return;
    }
    // A connection that this frame's node has lost may still carry frames: the node has counted
    // them as dropped, and newer ones may have arrived.
    if (!this.#epochs.accepts(senderOf(bytes))) {
      counts.invalid++;
      return;
    }
    for (const { topic = name?.topic, frame, compress } of messages) {
      if (topic === undefined) return; // the last subscriber has gone meanwhile
      this.#host.deliver({ namespace: name?.namespace, topic, frame, compress });
    }
  }

  /** Takes the messages of another node that no client gets. They do not count as frames. */
  #receivedControl(channel: string, bytes: Uint8Array, messages: readonly NodeMessage[]): void {
    const sender = senderOf(bytes);
    if (!this.#cluster || !this.#epochs.accepts(sender)) return;
    const name = this.interest.topicOf(channel);
    for (const message of messages) {
      if (!this.#cluster.received(message, sender, name)) this.#host.counts.invalid++;
    }
  }

  appended(channel: string, first: Position, frames: readonly Uint8Array[]): void {
    const { counts } = this.#host;
    if (!this.#history?.received(channel, first, frames)) {
      // Another node gives this topic a history, or the last subscriber has gone meanwhile.
      if (this.interest.topicOf(channel)) counts.invalid++;
      return;
    }
    counts.framesIn += frames.length;
    for (const { byteLength } of frames) counts.bytesIn += byteLength;
  }

  up(gap: boolean): void {
    this.#isUp = true;
    this.#host.up(gap);
    this.#announce();
    this.#history?.up(gap);
    this.#cluster?.up();
  }

  down(error: unknown): void {
    this.#setEpoch(this.#epoch + 1);
    this.#isUp = false;
    this.#history?.down();
    this.#cluster?.down();
    this.#host.down(error);
  }

  refused(error: unknown): void {
    this.#host.dropped(0, error); // reports, and counts nothing
  }

  /** Counts each frame as one message, as the broker does not know how many messages it holds. */
  lost(frames: number, error: unknown): void {
    this.#host.dropped(frames, error);
  }

  /** If another program has forged a newer epoch of this node, begins a still newer one. */
  #receivedOwn(bytes: Uint8Array): void {
    const { epoch } = senderOf(bytes);
    if (!isOlder(this.#epoch, epoch)) return;
    this.#setEpoch(epoch + 1);
    this.#announce();
  }

  #defer(flush: () => void): void {
    if (this.#broker.defer) this.#broker.defer(flush);
    else queueMicrotask(flush);
  }

  /** Begins an epoch. Frames that are already with the broker keep theirs. */
  #setEpoch(epoch: number): void {
    this.#epoch = epoch >>> 0;
    setEpoch(this.#node, this.#epoch);
  }

  /** Tells all nodes the epoch, so that they drop what still comes from earlier connections. */
  #announce(): void {
    if (this.#announced === this.#epoch) return;
    this.#announced = this.#epoch;
    const frame = encodeFrame(this.#node, []);
    // If this fails, the connection is lost: the next one has a new epoch.
    new Promise<void>((resolve) => {
      resolve(this.#broker.publish([{ channel: ALL_NAMESPACES, frame }]));
    }).catch(() => {});
  }
}

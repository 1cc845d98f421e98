import type { Subscribers } from "./subscribers.ts";
import { Deferred } from "../common/deferred.ts";
import type { SyncStats } from "../common/stats.ts";
import { isThenable } from "../common/thenable.ts";
import type { Timers } from "../common/timers.ts";
import { encode } from "../socket/frame.ts";
import type { BroadcastDomain, OutgoingFrame } from "../socket/socket.ts";
import { DriverLink } from "./driver_link.ts";
import type { HistoryHost, HistorySource } from "./history/history_source.ts";
import { Hub } from "./hub.ts";
import { Notifier } from "./hub_observer.ts";
import { type LinkHost, MAX_NODE_MESSAGE, type NodeLink, type NodePublish } from "./node_link.ts";
import type { HubPublishOptions, Member, PubSub } from "./pubsub.ts";
import type { ClusterHost, RemoteNodes } from "./remote_nodes.ts";
import type { LinkMaker, SyncAdapter, SyncDriver, SyncMessage } from "./sync_adapter.ts";
import { checkTopic } from "./topic_arguments.ts";
import { checkNamespace } from "./users.ts";

/** Milliseconds between reports of a broker that cannot be reached. */
const REPORT_INTERVAL = 1000;

/** Services of a {@linkcode SyncedHub}. */
export interface SyncHost {
  readonly timers: Timers;
  /** Reports a failure of the broker. Never throws. */
  report(error: unknown): void;
  /** The broker was away, so messages of other nodes may have been missed. */
  missed?(): void;
}

/**
 * Hub of one node, around a plain {@linkcode Hub}: a publish reaches the subscribers of all nodes.
 *
 * The subscribers of this node get a message at once, the other nodes after the end of the turn. No
 * failure of the broker reaches the publisher or a client. The hub counts lost messages, and reports
 * failures at most once a second.
 */
export class SyncedHub<M extends Member> implements PubSub<M> {
  /** The other nodes, with the methods of crossws. */
  readonly driver: SyncDriver = {
    subscribe: (deliver) => void this.#listeners.push(deliver),
    publish: ({ namespace, topic, data }) => {
      checkTopic(topic);
      if (namespace !== undefined) checkNamespace(namespace);
      const frame = checkSize(encode(data));
      this.#publish({ namespace: namespace || undefined, topic, frame, compress: true });
    },
    close: () => this.close(),
  };
  /** Random name of this node. */
  readonly id: string = newNodeId();
  readonly #hub: Hub<M>;
  readonly #link: NodeLink;
  readonly #host: SyncHost;
  readonly #counts = { framesOut: 0, bytesOut: 0, framesIn: 0, bytesIn: 0, drops: 0, invalid: 0 };
  readonly #listeners: ((message: SyncMessage) => void)[] = [];
  /** Resolved at the first connection, and by {@linkcode close}. */
  readonly #firstUp = new Deferred();
  #wasUp = false;
  #isUp = false;
  #isClosed = false;
  #closing: Promise<void> | undefined;
  #reportedAt = -Infinity;

  /** Calls `sync`, and connects in the background. */
  constructor(sync: SyncAdapter, host: SyncHost) {
    this.#host = host;
    const { id } = this, made = sync({ id }), linkHost = this.#linkHost();
    this.#link = (made as Partial<LinkMaker> | undefined)?.link?.(linkHost) ??
      new DriverLink(made as SyncDriver, linkHost);
    const { observers } = this.#link;
    this.#hub = new Hub(observers && new Notifier<M>(observers));
    this.#link.open();
  }

  /**
   * Resolves when the broker is connected if its option `required` is true, and at once otherwise.
   *
   * @throws {Error} if the hub closes before the first connection of a required broker.
   */
  async ready(): Promise<void> {
    if (!this.#link.isRequired) return;
    await this.#firstUp.promise;
    if (!this.#wasUp) throw new Error("The endpoint was closed before its broker was connected");
  }

  /** Resolves when this node hears all topics that have a subscriber here. */
  async confirmed(): Promise<void> {
    await this.#link.confirmed?.();
  }

  /** Makes the histories of topics; `undefined` if the broker cannot keep any. */
  history(host: HistoryHost<M>): HistorySource<M> | undefined {
    return this.#link.history?.(host);
  }

  /** Makes the view of the other nodes; `undefined` if the driver carries only publishes. */
  cluster(host: ClusterHost): RemoteNodes | undefined {
    return this.#link.cluster?.(host);
  }

  /** Present values of the counters and gauges. */
  get stats(): SyncStats {
    return { up: this.#isUp ? 1 : 0, channels: this.#link.channels, ...this.#counts };
  }

  get namespaces(): ReadonlyMap<string, ReadonlySet<M>> {
    return this.#hub.namespaces;
  }

  get memberCount(): number {
    return this.#hub.memberCount;
  }

  get topicCount(): number {
    return this.#hub.topicCount;
  }

  join(namespace: string, member: M): void {
    this.#hub.join(namespace, member);
  }

  leave(namespace: string, member: M): void {
    this.#hub.leave(namespace, member);
  }

  subscribe(namespace: string, topic: string, member: M): void {
    this.#hub.subscribe(namespace, topic, member);
  }

  unsubscribe(namespace: string, topic: string, member: M): void {
    this.#hub.unsubscribe(namespace, topic, member);
  }

  changeDomain(
    namespace: string,
    topics: Iterable<string>,
    member: M,
    from: BroadcastDomain | undefined,
  ): void {
    this.#hub.changeDomain(namespace, topics, member, from);
  }

  subscribers(topic: string, namespace?: string): Subscribers<M> {
    return this.#hub.subscribers(topic, namespace);
  }

  /**
   * Sends a frame to the subscribers of all nodes. Returns how many of this node accepted the frame.
   *
   * @throws {RangeError} for a frame that is too large for other nodes. Then no subscriber gets it.
   */
  publish(topic: string, frame: OutgoingFrame, options: HubPublishOptions<M> = {}): number {
    const { namespace, compress = true, local = false } = options;
    if (local) return this.#hub.publish(topic, frame, options);
    const reached = this.#hub.publish(topic, checkSize(frame), options);
    this.#publish({ namespace, topic, frame, compress });
    return reached;
  }

  /** Sends what waits, and ends the connection to the other nodes. All calls return one promise. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    this.#isClosed = true;
    this.#isUp = false;
    this.#firstUp.resolve();
    try {
      await this.#link.close();
    } catch (error) {
      this.#host.report(error);
    }
  }

  #linkHost(): LinkHost {
    return {
      timers: this.#host.timers,
      counts: this.#counts,
      deliver: (message) => this.#deliver(message),
      up: (gap) => {
        if (this.#isClosed) return;
        this.#wasUp = this.#isUp = true;
        this.#firstUp.resolve();
        if (gap) this.#host.missed?.();
      },
      down: (error) => {
        this.#isUp = false;
        this.#report(error);
      },
      dropped: (messages, error) => {
        this.#counts.drops += messages;
        this.#report(error);
      },
    };
  }

  #publish(message: NodePublish): void {
    if (!this.#isClosed) this.#link.publish(message);
  }

  #deliver(message: NodePublish): void {
    if (this.#isClosed) return;
    const { namespace = "", topic, frame } = message;
    this.#hub.publish(topic, frame, message);
    for (const deliver of this.#listeners) {
      try {
        const result: unknown = deliver({ namespace, topic, data: frame.payload });
        const failed = (error: unknown) => this.#report(error);
        if (isThenable(result)) Promise.resolve(result).then(undefined, failed);
      } catch (error) {
        this.#report(error);
      }
    }
  }

  #report(error: unknown): void {
    const now = performance.now();
    if (this.#isClosed || now - this.#reportedAt < REPORT_INTERVAL) return;
    this.#reportedAt = now;
    this.#host.report(error);
  }
}

/** Returns a random name: 16 hexadecimal digits, the eight bytes by which frames name their node. */
export function newNodeId(): string {
  return crypto.randomUUID().slice(19).replace("-", "");
}

function checkSize<Sized extends OutgoingFrame>(frame: Sized): Sized {
  if (frame.byteLength <= MAX_NODE_MESSAGE) return frame;
  throw new RangeError(
    `Cannot publish ${frame.byteLength} bytes as other nodes take at most ${MAX_NODE_MESSAGE}`,
  );
}

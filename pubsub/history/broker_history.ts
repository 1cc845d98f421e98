import { PeerError } from "../../common/errors.ts";
import type { Timers } from "../../common/timers.ts";
import type { OutgoingFrame } from "../../socket/socket.ts";
import type { HistoryStore } from "../broker.ts";
import { channelOf } from "../channel.ts";
import type { Interest } from "../interest.ts";
import type { TopicName } from "../topic_options.ts";
import { AppendQueue } from "./append_queue.ts";
import type { HistoryHost, HistoryMessage, HistorySource, HistoryTopic } from "./history_source.ts";
import { decodeKept, encodeKept } from "./kept_frame.ts";
import type { Position } from "./position.ts";
import { TopicFeed } from "./topic_feed.ts";
import type { TopicLog } from "./topic_log.ts";

/** Largest message of a topic with history, in bytes. */
const MAX_MESSAGE = 1024 * 1024;
/** Milliseconds that a feed stays without subscribers: clients often come back at once. */
const UNUSED_DELAY = 1000;
/** Milliseconds that a client which comes back waits for the connection to the broker. */
const MAX_WAIT = 1000;
/** Most feeds that read at the same time after a lost connection. */
const MAX_READS = 64;
/** Most messages whose publishers are remembered. */
const MAX_EXCLUDED = 10_000;

/** Services of a {@linkcode BrokerHistory}. */
export interface BrokerHistoryLink {
  readonly store: HistoryStore;
  /** Id of this node, in 8 bytes or more. */
  readonly node: Uint8Array;
  readonly interest: Interest;
  readonly timers: Timers;
  /** Calls back at the end of the turn. */
  defer(flush: () => void): void;
  /** The broker has added messages. */
  added(messages: number, bytes: number): void;
  /** Messages did not reach the broker, as far as this node knows. 0 only reports the error. */
  dropped(messages: number, error: unknown): void;
}

/** A feed, and who uses it. */
interface UsedFeed {
  readonly feed: TopicFeed;
  readonly topic: HistoryTopic;
  /** Clients that wait for the log. */
  waiting: number;
  cancel: (() => void) | undefined;
}

/** Histories that a broker keeps, the same for all nodes. */
export class BrokerHistory<M> implements HistorySource<M> {
  readonly #link: BrokerHistoryLink;
  readonly #host: HistoryHost<M>;
  readonly #queue: AppendQueue;
  /** By channel. */
  readonly #feeds = new Map<string, UsedFeed>();
  /** Members that do not get a message of this node, by the token of the message. */
  readonly #excluded = new Map<number, M>();
  /** Called at the next connection, and at the next loss. */
  readonly #onUp = new Set<() => void>();
  readonly #onDown = new Set<() => void>();
  #token = 0;
  #isUp = false;
  #isClosed = false;
  #connections = 0;

  constructor(link: BrokerHistoryLink, host: HistoryHost<M>) {
    this.#link = link;
    this.#host = host;
    this.#queue = new AppendQueue(link);
  }

  append(topic: HistoryTopic, { frame, compress, except }: HistoryMessage<M>): number {
    checkSize("publish", frame);
    const subscribers = this.#host.subscribers(topic);
    const isExcluded = except !== undefined && subscribers.has(except);
    const token = isExcluded ? this.#exclude(except) : undefined;
    const bytes = encodeKept(this.#link.node, { frame, compress, token });
    this.#queue.add(channelOf(topic.namespace, topic.topic), bytes, topic.keep);
    return subscribers.size - Number(isExcluded);
  }

  async commit(
    topic: HistoryTopic,
    { frame, compress }: HistoryMessage<M>,
    key?: string,
  ): Promise<Position> {
    const { store, node } = this.#link, channel = channelOf(topic.namespace, topic.topic);
    checkSize("commit", frame);
    this.#queue.flush(channel); // earlier messages of this node come first
    try {
      const bytes = encodeKept(node, { frame, compress });
      const position = await store.append(channel, [bytes], { ...topic.keep, key });
      this.#link.added(1, bytes.byteLength);
      return position;
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new PeerError(
        "ERR_PEER_NOT_COMMITTED",
        `The broker has not confirmed the message, and may or may not have it: ${reason}`,
        { cause },
      );
    }
  }

  log(topic: HistoryTopic): TopicLog | undefined {
    return this.#feeds.get(channelOf(topic.namespace, topic.topic))?.feed.whole;
  }

  async refresh(topic: HistoryTopic): Promise<boolean> {
    if (this.#isClosed) return false;
    const used = this.#feedOf(topic);
    used.waiting++;
    try {
      if (!this.#isUp) await this.#up();
      if (this.#isUp) await used.feed.refresh();
      return this.#isUp;
    } finally {
      used.waiting--;
      this.#checkUnused(used);
    }
  }

  /** Resolves at the next connection, or after a while. */
  #up(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#onUp.delete(done);
        cancel();
        resolve();
      };
      const cancel = this.#link.timers.after(MAX_WAIT, done);
      this.#onUp.add(done);
    });
  }

  watch(topic: HistoryTopic): void {
    const { feed } = this.#feedOf(topic);
    if (this.#isUp) void feed.begin();
  }

  unwatch({ namespace, topic }: TopicName): void {
    const used = this.#feeds.get(channelOf(namespace, topic));
    if (used) this.#checkUnused(used);
  }

  /** Frames were added to the history of a channel. Returns whether this node has the channel. */
  received(channel: string, first: Position, frames: readonly Uint8Array[]): boolean {
    const used = this.#feeds.get(channel);
    used?.feed.received(first, frames);
    return used !== undefined;
  }

  /** The broker is connected, see `BrokerHost.up`. */
  up(gap: boolean): void {
    if (this.#isClosed) return;
    this.#isUp = true;
    this.#connections++;
    for (const done of [...this.#onUp]) done();
    const feeds = [...this.#feeds.values()];
    const work = async () => {
      for (let next = feeds.pop(); next; next = feeds.pop()) {
        await (gap ? next.feed.heal() : next.feed.begin());
      }
    };
    for (let i = 0; i < MAX_READS; i++) void work();
  }

  /** The connection was lost. */
  down(): void {
    this.#isUp = false;
    for (const reject of [...this.#onDown]) reject();
  }

  /** Sends what waits. */
  async settle(): Promise<void> {
    await this.#queue.settle();
  }

  /** Ends all timers and waits. */
  close(): void {
    this.#isClosed = true;
    this.down();
    for (const done of [...this.#onUp]) done();
    for (const { cancel } of this.#feeds.values()) cancel?.();
    this.#feeds.clear();
  }

  #feedOf(topic: HistoryTopic): UsedFeed {
    const { namespace, topic: name } = topic, channel = channelOf(namespace, name);
    const known = this.#feeds.get(channel);
    if (known) return known;
    const { store, interest, node, dropped } = this.#link;
    const connection = () => this.#isUp ? this.#connections : undefined;
    const feed = new TopicFeed(topic, channel, {
      store,
      get connection() {
        return connection();
      },
      confirmed: () => this.#confirmed(),
      decode: (frame) => decodeKept(frame, node),
      entryOf: (position, { frame, compress }) => {
        return this.#host.entryOf(topic, position, frame, compress);
      },
      deliver: (entry, { token }) =>
        void this.#host.deliver(topic, entry, this.#takeExcluded(token)),
      missed: (reason) => this.#host.missed(topic, reason),
      report: (error) => dropped(0, error),
    });
    const used: UsedFeed = { feed, topic, waiting: 0, cancel: undefined };
    this.#feeds.set(channel, used);
    interest.topicAdded(namespace, name); // a client that waits for the log is no subscriber yet
    return used;
  }

  /** Resolves when the broker has confirmed all channels; rejects if the connection is lost. */
  #confirmed(): Promise<void> {
    return new Promise((resolve, reject) => {
      const lost = () => {
        this.#onDown.delete(lost);
        reject(new Error("the broker is not connected"));
      };
      if (!this.#isUp) return lost();
      this.#onDown.add(lost);
      this.#link.interest.confirmed().then(() => {
        this.#onDown.delete(lost);
        resolve();
      });
    });
  }

  /** Forgets a feed after a while, if it is still unused then. */
  #checkUnused(used: UsedFeed): void {
    if (this.#isClosed) return; // a client waited for a read
    used.cancel ??= this.#link.timers.after(UNUSED_DELAY, () => {
      used.cancel = undefined;
      const { namespace, topic } = used.topic;
      if (used.waiting > 0 || this.#host.subscribers(used.topic).size > 0) return;
      this.#feeds.delete(channelOf(namespace, topic));
      this.#link.interest.topicRemoved(namespace, topic);
    });
  }

  #exclude(member: M): number {
    const token = this.#token = (this.#token + 1) >>> 0, { size } = this.#excluded;
    // Messages that the broker has not taken, or that no subscriber here has got, leave their tokens.
    if (size >= MAX_EXCLUDED) this.#excluded.delete(this.#excluded.keys().next().value!);
    this.#excluded.set(token, member);
    return token;
  }

  /** Returns the member that does not get the message, and forgets it. */
  #takeExcluded(token: number | undefined): M | undefined {
    if (token === undefined) return undefined;
    const member = this.#excluded.get(token);
    this.#excluded.delete(token);
    return member;
  }
}

/** @throws {RangeError} for a message that is too large. */
function checkSize(tried: string, { byteLength }: OutgoingFrame): void {
  if (byteLength <= MAX_MESSAGE) return;
  throw new RangeError(
    `Cannot ${tried} ${byteLength} bytes as a topic with history takes at most ${MAX_MESSAGE}`,
  );
}

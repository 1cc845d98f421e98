import type { Subscribers } from "../subscribers.ts";
import type { Awaitable } from "../../common/thenable.ts";
import type { Limits } from "../../common/limits.ts";
import { encode } from "../../socket/frame.ts";
import type { FormatMessage } from "./format.ts";
import type { BroadcastDomain, OutgoingFrame } from "../../socket/socket.ts";
import type { HubPublishOptions, Member, PubSub } from "../pubsub.ts";
import type { TopicName, TopicRules } from "../topic_options.ts";
import type { HistoryHost, HistorySource, HistoryTopic } from "./history_source.ts";
import { formatPosition, parsePosition, type Position } from "./position.ts";
import { replayOf } from "./recovery.ts";
import {
  missed,
  type MissedReason,
  type SubscribeOptions,
  type SubscribeResult,
} from "./subscribe_options.ts";
import type { LogEntry, TopicLog } from "./topic_log.ts";

/** Settings of a {@linkcode HistoryHub}. */
export interface HistoryHubHost<M> {
  readonly rules: TopicRules;
  readonly format: FormatMessage | undefined;
  readonly limits: Limits;
  /** Makes the source of histories; `undefined` if the broker cannot keep any. */
  source(host: HistoryHost<M>): HistorySource<M> | undefined;
  /** Subscribers of this node may have missed messages that they will not get. */
  missed(topic: TopicName, reason: MissedReason): void;
  /** Reports an error of `format`. Never throws. */
  report(error: unknown): void;
}

/** Most times that a subscription waits for a read. Messages may arrive faster than they are read. */
const MAX_ATTEMPTS = 5;

/** Subscriptions that wait for the history, by topic. */
type Waiting = Map<string, object>;

/**
 * Adds histories to a hub: the messages of a topic with history get positions, are kept, and are
 * sent again to a client that comes back. All other topics work as in the inner hub.
 */
export class HistoryHub<M extends Member> implements PubSub<M> {
  readonly #hub: PubSub<M>;
  readonly #host: HistoryHubHost<M>;
  /** Absent if the broker cannot keep histories. Then no topic has one, see `#historyOf`. */
  readonly #source: HistorySource<M> | undefined;
  /** Members that are not subscribed in the inner hub yet, as the history is being read. */
  readonly #waiting = new Map<M, Waiting>();
  #isFormatting = false;

  constructor(hub: PubSub<M>, host: HistoryHubHost<M>) {
    this.#hub = hub;
    this.#host = host;
    const services: HistoryHost<M> = {
      entryOf: (topic, position, frame, compress) => {
        return { frame: this.#formatted(topic, position, frame), compress };
      },
      deliver: ({ topic, namespace }, { frame, compress }, except) => {
        return hub.publish(topic, frame, { namespace, except, compress, local: true });
      },
      subscribers: ({ topic, namespace }) => hub.subscribers(topic, namespace),
      missed: (topic, reason) => host.missed(topic, reason),
    };
    this.#source = host.source(services);
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

  subscribers(topic: string, namespace?: string): Subscribers<M> {
    return this.#hub.subscribers(topic, namespace);
  }

  subscribe(namespace: string, topic: string, member: M): void {
    const known = this.#historyOf(topic, namespace);
    this.#hub.subscribe(namespace, topic, member);
    if (known) this.#source!.watch?.(known);
  }

  unsubscribe(namespace: string, topic: string, member: M): void {
    if (this.#stopWaiting(member, topic)) return;
    this.#hub.unsubscribe(namespace, topic, member);
    if (!this.#source?.unwatch || this.#hub.subscribers(topic, namespace).size > 0) return;
    this.#source.unwatch({ namespace, topic });
  }

  changeDomain(
    namespace: string,
    topics: Iterable<string>,
    member: M,
    from: BroadcastDomain | undefined,
  ): void {
    const waiting = this.#waiting.get(member);
    const inHub = waiting ? [...topics].filter((topic) => !waiting.has(topic)) : topics;
    this.#hub.changeDomain(namespace, inHub, member, from);
  }

  /**
   * Sends a frame to every subscriber of a topic, and keeps the frame if the topic has a history.
   *
   * @throws {TypeError} for a topic with history without a namespace.
   */
  publish(topic: string, frame: OutgoingFrame, options: HubPublishOptions<M> = {}): number {
    const { namespace, except, compress = true, local } = options;
    const known = local ? undefined : this.#historyOf(topic, namespace);
    if (!known) return this.#hub.publish(topic, frame, options);
    this.#checkFormatting();
    return this.#source!.append(known, { frame, compress, except });
  }

  /**
   * Adds a message to the history of a topic, and resolves with its position.
   *
   * @throws {TypeError} if the topic has no history.
   */
  commit(
    topic: string,
    frame: OutgoingFrame,
    { namespace, key }: { readonly namespace: string; readonly key?: string | undefined },
  ): Promise<string> {
    const known = this.#historyOf(topic, namespace);
    if (!known) throw noHistory(topic);
    this.#checkFormatting();
    const message = { frame, compress: true, except: undefined };
    return this.#source!.commit(known, message, key).then(formatPosition);
  }

  /** Subscribes a member, after the messages that the member has missed. */
  recover(
    namespace: string,
    topic: string,
    member: M,
    options: SubscribeOptions,
  ): Awaitable<SubscribeResult> {
    const known = this.#historyOf(topic, namespace);
    if (!known) {
      this.#hub.subscribe(namespace, topic, member);
      return missed("no history");
    }
    const log = this.#source!.log(known);
    if (log && !isAhead(options, log)) return this.#join(known, member, log, options);
    return this.#joinLater(known, member, options);
  }

  async #joinLater(
    known: HistoryTopic,
    member: M,
    options: SubscribeOptions,
  ): Promise<SubscribeResult> {
    const { topic } = known, ticket = this.#wait(member, topic);
    let log: TopicLog | undefined, canRead = true;
    for (let attempt = 0; attempt < MAX_ATTEMPTS && canRead && !log; attempt++) {
      canRead = await this.#source!.refresh?.(known) ?? false;
      // The peer has unsubscribed or closed meanwhile.
      if (this.#waiting.get(member)?.get(topic) !== ticket) return missed("unavailable");
      // Read again: a message that has arrived since may have begun another read, or another log.
      log = this.#source!.log(known);
    }
    this.#stopWaiting(member, topic);
    return this.#join(known, member, log, options);
  }

  /** Sends what a member has missed, and subscribes the member within the same turn. */
  #join(
    known: HistoryTopic,
    member: M,
    log: TopicLog | undefined,
    options: SubscribeOptions,
  ): SubscribeResult {
    const { namespace, topic } = known;
    if (!log) {
      this.subscribe(namespace, topic, member);
      return missed("unavailable");
    }
    const { entries, reason } = replayOf(log, options, this.#host.limits.recoverLimit);
    const position = formatPosition(log.top);
    const replayed = reason ? 0 : this.#replay(entries, member, options.since === undefined);
    this.subscribe(namespace, topic, member);
    const why = reason ?? (replayed === undefined ? "limit" : undefined);
    if (why) return { position, ...missed(why) };
    return { position, recovered: options.since !== undefined, replayed: replayed! };
  }

  /**
   * Sends messages again. Returns their number, `undefined` if the client's queue has no room for
   * all.
   *
   * @param mayShorten whether the newest messages that have room are enough.
   */
  #replay(entries: readonly LogEntry[], member: M, mayShorten: boolean): number | undefined {
    let from = entries.length;
    // Half of the queue stays for what follows at once.
    let room = this.#host.limits.maxBuffered / 2 - member.sendQueue.checkBackpressure();
    while (from > 0 && room >= entries[from - 1]!.frame.byteLength) {
      room -= entries[--from]!.frame.byteLength;
    }
    if (from > 0 && !mayShorten) return undefined;
    for (let i = from; i < entries.length; i++) {
      const { frame, compress } = entries[i]!;
      if (!member.deliver(frame, compress)) return undefined;
    }
    return entries.length - from;
  }

  /**
   * Returns the topic if it has a history.
   *
   * @throws {TypeError} if the broker cannot keep histories, or no namespace is given.
   */
  #historyOf(topic: string, namespace: string | undefined): HistoryTopic | undefined {
    const { history } = this.#host.rules.of(topic, namespace);
    if (!history) return undefined;
    if (!this.#source) {
      throw new TypeError(
        "Cannot use a topic with history as the broker of the option sync keeps no messages: use redis(), postgres() or cluster()",
      );
    }
    if (namespace !== undefined) return { namespace, topic, keep: history };
    throw new TypeError(
      `Cannot publish to ${JSON.stringify(topic)} in all namespaces as the topic has a history: ` +
        "give the option namespace",
    );
  }

  #formatted(topic: TopicName, position: Position, frame: OutgoingFrame): OutgoingFrame {
    const { format, report } = this.#host;
    if (!format) return frame;
    this.#isFormatting = true;
    try {
      const { namespace, topic: name } = topic, { payload: data } = frame;
      const message = { topic: name, namespace, data, position: formatPosition(position) };
      return encode(format(message));
    } catch (error) {
      report(error);
      return frame; // without the message, clients would have a gap of which nobody tells them
    } finally {
      this.#isFormatting = false;
    }
  }

  /** Positions are given before `format` is called, so `format` must not add messages. */
  #checkFormatting(): void {
    if (this.#isFormatting) throw new Error("Cannot publish to a topic with history in format()");
  }

  #wait(member: M, topic: string): object {
    let waiting = this.#waiting.get(member);
    if (!waiting) this.#waiting.set(member, waiting = new Map());
    const ticket = {};
    waiting.set(topic, ticket);
    return ticket;
  }

  /** Returns whether the member was waiting. */
  #stopWaiting(member: M, topic: string): boolean {
    const waiting = this.#waiting.get(member);
    if (!waiting?.delete(topic)) return false;
    if (waiting.size === 0) this.#waiting.delete(member);
    return true;
  }
}

/** Whether a client knows a position of this history that the log does not have yet. */
function isAhead({ since }: SubscribeOptions, { top }: TopicLog): boolean {
  const position = since === undefined ? undefined : parsePosition(since);
  return position?.epoch === top.epoch && position.offset > top.offset;
}

/** Returns the error for a topic without history. */
export function noHistory(topic: string): TypeError {
  return new TypeError(
    `Cannot commit to ${JSON.stringify(topic)} as the option topics gives it no history`,
  );
}

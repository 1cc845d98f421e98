import { Frame } from "../../socket/frame.ts";
import type { HistoryPage, HistoryStore } from "../broker.ts";
import type { HistoryTopic } from "./history_source.ts";
import type { KeptMessage } from "./kept_frame.ts";
import type { Position } from "./position.ts";
import type { MissedReason } from "./subscribe_options.ts";
import { type LogEntry, TopicLog } from "./topic_log.ts";

/** Most messages that wait for a read. Beyond, the oldest go, and are read again. */
const MAX_HELD = 10_000;

/** Services of a {@linkcode TopicFeed}. */
export interface FeedHost {
  readonly store: HistoryStore;
  /** Number of the present connection to the broker; `undefined` while there is none. */
  readonly connection: number | undefined;
  /** Resolves when the broker sends this node the channels of all its topics. */
  confirmed(): Promise<void>;
  /** Reads a frame; `undefined` if it is malformed. */
  decode(frame: Uint8Array): KeptMessage | undefined;
  /** Returns the entry of a message. */
  entryOf(position: Position, message: KeptMessage): LogEntry;
  /** Sends an entry to the subscribers of this node. */
  deliver(entry: LogEntry, message: KeptMessage): void;
  /** Subscribers of this node may have missed messages that they will not get. */
  missed(reason: MissedReason): void;
  /** Reports a failure of the broker. Never throws. */
  report(error: unknown): void;
}

/** A message that has arrived from the broker. */
interface Arrival {
  readonly position: Position;
  readonly frame: Uint8Array;
}

/**
 * The messages of one topic with history on one node, in the order of their positions. The broker
 * sends new messages. If one is missing, the feed reads the history, and delivers nothing meanwhile.
 */
export class TopicFeed {
  readonly #topic: HistoryTopic;
  readonly #channel: string;
  readonly #host: FeedHost;
  /** Messages that subscribers of this node have got. `undefined` before the first message or read. */
  #log: TopicLog | undefined;
  /** Connection on which messages have come without a gap since the log's newest message. */
  #connection: number | undefined;
  /** Whether the log has all messages that the history has. */
  #isWhole = false;
  /** Arrivals that wait for a read; `undefined` if there is nothing to read. */
  #held: Arrival[] | undefined;
  #reading: Promise<void> | undefined;
  /** Whether arrivals were dropped during the read. */
  #mustReadAgain = false;

  constructor(topic: HistoryTopic, channel: string, host: FeedHost) {
    this.#topic = topic;
    this.#channel = channel;
    this.#host = host;
  }

  /** The log, if it has all messages that the history has, and no read is pending. */
  get whole(): TopicLog | undefined {
    return this.#isWhole && !this.#held ? this.#log : undefined;
  }

  /** Reads the position of the newest message, so that a later gap can be found. */
  begin(): Promise<void> {
    if (!this.#log) return this.#reading ?? this.#read(0);
    return this.#isCurrent ? Promise.resolve() : this.heal();
  }

  /** Makes the log whole, and as new as the history. Never rejects. Calls share one read. */
  async refresh(): Promise<void> {
    const earlier = this.#reading;
    await (earlier ?? this.#read());
    // The earlier read may have asked for less. All callers that waited for it share the next one.
    if (earlier && !this.whole) await (this.#reading ?? this.#read());
  }

  /** The broker is connected again, and messages may have been missed: reads them. */
  async heal(): Promise<void> {
    if (this.#log || this.#held) await (this.#reading ?? this.#read());
    else await this.begin();
  }

  /** Takes messages that the broker has sent. */
  received(first: Position, frames: readonly Uint8Array[]): void {
    const arrivals = arrivalsOf(first, frames);
    if (this.#held || !this.#isCurrent) this.#hold(arrivals);
    else this.#take(arrivals);
  }

  /**
   * Whether nothing was missed on an earlier connection. Otherwise messages wait for `heal`: even the
   * first message of another history may follow missed ones.
   */
  get #isCurrent(): boolean {
    const { connection } = this.#host;
    return !this.#log || (connection !== undefined && connection === this.#connection);
  }

  #hold(arrivals: readonly Arrival[]): void {
    const held = this.#held ??= [];
    for (const arrival of arrivals) held.push(arrival); // there may be more than arguments can be
    if (held.length <= MAX_HELD) return;
    held.splice(0, held.length - MAX_HELD);
    this.#mustReadAgain = true;
  }

  /**
   * Delivers arrivals in order. At a gap, reads the history, or goes on after the gap if the history
   * was read just now.
   */
  #take(arrivals: readonly Arrival[], mayRead = true): void {
    for (let i = 0; i < arrivals.length; i++) {
      const arrival = arrivals[i]!, { epoch, offset } = arrival.position;
      if (!this.#log || (epoch !== this.#log.epoch && offset === 1)) {
        // The first message that this node hears, or a history that begins again before our eyes.
        this.#isWhole = offset === 1;
        this.#log = this.#newLog({ epoch, offset: offset - 1 });
        this.#connection = this.#host.connection;
      }
      const { top } = this.#log;
      if (epoch === top.epoch && offset <= top.offset) continue; // delivered after a read
      if (epoch !== top.epoch || offset > top.offset + 1) {
        if (mayRead) {
          void this.#read();
          return this.#hold(arrivals.slice(i));
        }
        this.#skip("unavailable", { epoch, offset: offset - 1 });
      }
      this.#push(arrival, true);
    }
  }

  /** Adds the next message to the log. */
  #push({ position, frame }: Arrival, isNew: boolean): void {
    const message = this.#host.decode(frame) ?? MALFORMED;
    const entry = this.#host.entryOf(position, message);
    this.#log!.push(entry);
    if (isNew && message !== MALFORMED) this.#host.deliver(entry, message);
  }

  /** Goes on after messages that subscribers will not get. */
  #skip(reason: MissedReason, to: Position): void {
    this.#isWhole = false;
    this.#log = this.#newLog(to);
    this.#host.missed(reason);
  }

  #newLog(origin: Position): TopicLog {
    return new TopicLog(this.#topic.keep.size, origin);
  }

  /** Reads the newest messages, at most `limit`. Never rejects. */
  #read(limit: number = this.#topic.keep.size): Promise<void> {
    this.#held ??= [];
    const { connection } = this.#host;
    return this.#reading = this.#readNow(limit).then((isRead) => {
      this.#reading = undefined;
      const now = this.#host.connection;
      if (!isRead && (now === undefined || now !== connection)) {
        if (!this.#log) this.#takeFirst(connection);
        // The connection was lost. If there is another one, read again; otherwise `heal` will.
        return now === undefined ? undefined : this.#read(limit);
      }
      if (!isRead && !this.#isCurrent) this.#host.missed("unavailable");
      this.#connection = connection;
      const held = this.#held!, mayRead = this.#mustReadAgain;
      this.#held = undefined;
      this.#mustReadAgain = false;
      this.#take(held, mayRead);
      const isLost = now !== undefined && now !== connection;
      if (isLost || mayRead) return this.#reading ?? this.#read(limit);
    });
  }

  /** Returns whether the history could be read. */
  async #readNow(limit: number): Promise<boolean> {
    const { ttl } = this.#topic.keep, since = this.#isWhole ? this.#log?.top : undefined;
    try {
      await this.#host.confirmed();
      this.#apply(await this.#host.store.read(this.#channel, since, { limit, ttl }), limit);
      this.#isWhole = limit > 0 || this.#log!.top.offset === 0;
    } catch (error) {
      this.#isWhole = false;
      this.#host.report(error);
      return false;
    }
    return true;
  }

  #apply({ top, frames }: HistoryPage, limit: number): void {
    const { epoch } = top, before = this.#log?.top;
    const first = top.offset - frames.length + 1,
      arrivals = arrivalsOf({ epoch, offset: first }, frames);
    if (before?.epoch !== epoch) this.#dropOthers(epoch);
    // Offset up to which subscribers have got all messages.
    let known: number;
    if (!before) {
      // Subscribers get what has arrived since their subscription.
      const next = this.#held![0]?.position;
      known = next?.epoch === epoch ? Math.min(top.offset, next.offset - 1) : top.offset;
    } else if (before.epoch === epoch && before.offset <= top.offset) known = before.offset;
    else {
      this.#skip("epoch", { epoch, offset: first - 1 });
      known = first - 1;
    }
    // If another program has deleted all messages, those that have arrived meanwhile still count.
    const isNext = ({ position }: Arrival) => position.epoch === epoch && position.offset > known;
    const next = this.#held!.find(isNext)?.position.offset ?? Infinity;
    const gone = frames.length > 0 ? first - 1 : limit > 0 ? Math.min(top.offset, next - 1) : known;
    if (known < gone) {
      this.#skip("trimmed", { epoch, offset: gone });
      known = gone;
    }
    if (!this.#isWhole) {
      this.#log = this.#newLog({ epoch, offset: Math.min(known, first - 1) });
      for (const arrival of arrivals) {
        if (arrival.position.offset <= known) this.#push(arrival, false);
      }
    }
    this.#take(arrivals, false);
  }

  /** Delivers what has come on a lost connection, before any read. */
  #takeFirst(connection: number | undefined): void {
    const held = this.#held!;
    this.#held = [];
    this.#take(held, false);
    this.#connection = connection;
  }

  /**
   * Delivers what has come of the history that has ended, and drops what has come of further ones.
   * They may be older or newer than the one that was read: the next read tells.
   */
  #dropOthers(epoch: number): void {
    const held = this.#held!;
    this.#held = held.filter(({ position }) => position.epoch === epoch);
    let dropped = held.length - this.#held.length;
    for (const arrival of held) {
      const { top } = this.#log ?? {};
      if (arrival.position.epoch !== top?.epoch) continue;
      dropped--;
      if (arrival.position.offset === top.offset + 1) this.#push(arrival, true);
    }
    if (dropped === 0) return;
    this.#mustReadAgain = true;
    if (!this.#log) this.#host.missed("epoch");
  }
}

function arrivalsOf(first: Position, frames: readonly Uint8Array[]): Arrival[] {
  const { epoch, offset } = first;
  return frames.map((frame, i) => ({ position: { epoch, offset: offset + i }, frame }));
}

/** Stands for a malformed message. It has a position, but no subscriber gets it. */
const MALFORMED: KeptMessage = { frame: new Frame(""), compress: false };

import { keyOf } from "../topic_options.ts";
import type { HistoryHost, HistoryMessage, HistorySource, HistoryTopic } from "./history_source.ts";
import type { HistoryStorage } from "./history_storage.ts";
import { type Position, randomEpoch } from "./position.ts";
import { TopicLog } from "./topic_log.ts";

/** Most logs that one new history checks for their end. */
const MAX_CHECKED = 4;
/** Most keys of commits that are remembered for a topic. */
const MAX_KEYS = 10_000;

/** History of one topic. */
interface Kept {
  readonly log: TopicLog;
  /** Offsets of commits by key; the oldest first. */
  readonly keys: Map<string, number>;
  /** Time at which the history ends, if no message follows. */
  endsAt: number;
}

/** Histories in the memory of one process, and in a storage if there is one. */
export class LocalHistory<M> implements HistorySource<M> {
  readonly #host: HistoryHost<M>;
  readonly #storage: HistoryStorage | undefined;
  /** By time to live, then by topic, in the order of the latest messages: the first ends first. */
  readonly #kept = new Map<number, Map<string, Kept>>();

  constructor(host: HistoryHost<M>, storage?: HistoryStorage) {
    this.#host = host;
    this.#storage = storage;
  }

  /** Number of histories in memory. Some of them may have ended. */
  get size(): number {
    let size = 0;
    for (const byTopic of this.#kept.values()) size += byTopic.size;
    return size;
  }

  append(topic: HistoryTopic, message: HistoryMessage<M>): number {
    return this.#append(topic, message).reached;
  }

  async commit(topic: HistoryTopic, message: HistoryMessage<M>, key?: string): Promise<Position> {
    const { keys, log: { epoch } } = this.#keptOf(topic);
    const known = key === undefined ? undefined : keys.get(key);
    return await Promise.resolve(
      known === undefined ? this.#append(topic, message, key).position : { epoch, offset: known },
    );
  }

  log(topic: HistoryTopic): TopicLog {
    return this.#keptOf(topic).log;
  }

  #append(
    topic: HistoryTopic,
    { frame, compress, except }: HistoryMessage<M>,
    key?: string,
  ): { readonly position: Position; readonly reached: number } {
    const kept = this.#keptOf(topic), { log, keys } = kept, { size, ttl } = topic.keep;
    const position = { epoch: log.epoch, offset: log.top.offset + 1 };
    const entry = this.#host.entryOf(topic, position, frame, compress);
    const endsAt = this.#now() + ttl;
    // Saved before it is delivered: if this throws, nobody gets the message.
    this.#storage?.add(topic, { position, entry, key, size, endsAt });
    kept.endsAt = endsAt;
    const byTopic = this.#kept.get(ttl)!, name = keyOf(topic);
    byTopic.delete(name); // the topic is now the last one
    byTopic.set(name, kept);
    log.push(entry);
    if (key !== undefined) {
      if (keys.size >= MAX_KEYS) keys.delete(keys.keys().next().value!);
      keys.set(key, position.offset);
    }
    return { position, reached: this.#host.deliver(topic, entry, except) };
  }

  #keptOf(topic: HistoryTopic): Kept {
    const { ttl } = topic.keep, key = keyOf(topic), now = this.#now();
    let byTopic = this.#kept.get(ttl);
    if (!byTopic) this.#kept.set(ttl, byTopic = new Map());
    const known = byTopic.get(key);
    if (known && known.endsAt > now) return known;
    this.#forgetEnded(now);
    const kept = this.#loaded(topic, now) ?? this.#begun(topic, now);
    byTopic.delete(key);
    byTopic.set(key, kept);
    return kept;
  }

  #loaded(topic: HistoryTopic, now: number): Kept | undefined {
    const saved = this.#storage?.load(topic);
    if (!saved || saved.endsAt <= now) return undefined;
    const { top: { epoch, offset }, entries, keys, endsAt } = saved;
    const log = new TopicLog(topic.keep.size, { epoch, offset: offset - entries.length });
    for (const entry of entries) log.push(entry);
    return { log, keys: new Map(keys), endsAt };
  }

  #begun(topic: HistoryTopic, now: number): Kept {
    const origin = { epoch: randomEpoch(), offset: 0 }, endsAt = now + topic.keep.ttl;
    this.#storage?.begin(topic, origin, endsAt);
    return { log: new TopicLog(topic.keep.size, origin), keys: new Map(), endsAt };
  }

  /** Forgets a few histories that have ended. Each new history does so, hence no timer is needed. */
  #forgetEnded(now: number): void {
    for (const byTopic of this.#kept.values()) {
      let left = MAX_CHECKED;
      for (const [key, { endsAt }] of byTopic) {
        if (endsAt > now || left-- === 0) break;
        byTopic.delete(key);
      }
    }
  }

  /** Only a wall clock goes on while the process is away. */
  #now(): number {
    return this.#storage ? Date.now() : performance.now();
  }
}

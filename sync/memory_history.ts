import type { AppendOptions, ReadOptions } from "../pubsub/broker.ts";
import { type Position, randomEpoch } from "../pubsub/history/position.ts";

/** Most characters or bytes that a history keeps, besides its newest frame. */
const MAX_LENGTH = 16 * 1024 * 1024;
/** Most keys that a history remembers. */
const MAX_KEYS = 10_000;
/** Histories that each new history checks for their end. */
const CHECKED = 4;

/** History of one channel. */
interface Stream<Frame> {
  readonly epoch: number;
  /** The newest last. */
  readonly frames: Frame[];
  /** Offsets by key; the oldest first. */
  readonly keys: Map<string, number>;
  /** Offset of the newest frame. */
  top: number;
  /** Length of all frames. */
  length: number;
  endsAt: number;
}

/** Result of {@linkcode MemoryHistory.append}. */
export interface Appended {
  /** Position of the first frame. */
  readonly first: Position;
  /** Whether the frames were added. They were not if the key is known. */
  readonly isNew: boolean;
}

/**
 * Histories of a broker that keeps them in the memory of one process. They end with the process: the
 * next one has other epochs.
 */
export class MemoryHistory<Frame extends { readonly length: number }> {
  readonly #streams = new Map<string, Stream<Frame>>();

  /** Number of histories. Some of them may have ended. */
  get size(): number {
    return this.#streams.size;
  }

  /** Adds frames, see `HistoryStore.append`. The caller sends them to the nodes. */
  append(
    channel: string,
    frames: readonly Frame[],
    { size, ttl, key }: AppendOptions,
  ): Appended {
    const stream = this.#streamOf(channel, ttl), { epoch, keys } = stream;
    const known = key === undefined ? undefined : keys.get(key);
    if (known !== undefined) return { first: { epoch, offset: known }, isNew: false };
    const first = { epoch, offset: stream.top + 1 };
    if (key !== undefined) {
      if (keys.size >= MAX_KEYS) keys.delete(keys.keys().next().value!);
      keys.set(key, first.offset);
    }
    for (const frame of frames) stream.length += frame.length;
    stream.frames.push(...frames);
    stream.top += frames.length;
    stream.endsAt = performance.now() + ttl;
    trim(stream, size);
    return { first, isNew: true };
  }

  /** Reads frames, see `HistoryStore.read`. */
  read(
    channel: string,
    since: Position | undefined,
    { limit, ttl }: ReadOptions,
  ): { readonly top: Position; readonly frames: readonly Frame[] } {
    const { epoch, frames, top } = this.#streamOf(channel, ttl);
    const count = since?.epoch === epoch ? Math.min(limit, top - since.offset) : limit;
    return { top: { epoch, offset: top }, frames: count > 0 ? frames.slice(-count) : [] };
  }

  #streamOf(channel: string, ttl: number): Stream<Frame> {
    const now = performance.now(), known = this.#streams.get(channel);
    if (known && known.endsAt > now) return known;
    this.#forgetEnded(now);
    const begun: Stream<Frame> = {
      epoch: randomEpoch(),
      frames: [],
      keys: new Map(),
      top: 0,
      length: 0,
      endsAt: now + ttl,
    };
    this.#streams.set(channel, begun);
    return begun;
  }

  /** Checks the next few histories. Each new history does so, hence no timer is needed. */
  #forgetEnded(now: number): void {
    let left = Math.min(CHECKED, this.#streams.size);
    for (const [channel, stream] of this.#streams) {
      if (left-- === 0) return;
      this.#streams.delete(channel);
      if (stream.endsAt > now) this.#streams.set(channel, stream); // checked again as the last one
    }
  }
}

function trim<Frame extends { readonly length: number }>(
  stream: Stream<Frame>,
  size: number,
): void {
  const { frames } = stream;
  let gone = 0;
  while (frames.length - gone > size || (stream.length > MAX_LENGTH && gone < frames.length - 1)) {
    stream.length -= frames[gone++]!.length;
  }
  frames.splice(0, gone);
}

import { Redis } from "ioredis";
import { formatPosition, type Position } from "../../pubsub/history/position.ts";
import { readAppended } from "../../sync/redis/redis_history.ts";

/** What brokers have published: the text of each position, by topic. Each position has one message. */
export class Ledger {
  /** Contradictions that were found. */
  readonly wrongs: string[] = [];
  readonly #texts = new Map<string, Map<string, string>>();
  readonly #watchers: Redis[] = [];

  /** Hears all that a server publishes. */
  async watch(port: number): Promise<void> {
    const watcher = new Redis({ host: "127.0.0.1", port, retryStrategy: () => 5 });
    watcher.on("error", () => {}).on("pmessageBuffer", (_pattern, channel, bytes) => {
      const appended = readAppended(bytes);
      for (const [i, frame] of appended?.frames.entries() ?? []) {
        const { epoch, offset } = appended!.first;
        const text = new TextDecoder().decode(frame.subarray(frame[1]! & 4 ? 14 : 2));
        this.add(String(channel).split(".").at(-1)!, { epoch, offset: offset + i }, text);
      }
    });
    this.#watchers.push(watcher);
    await watcher.psubscribe("fleet:t:*");
  }

  /** Adds a message that anyone has seen. */
  add(topic: string, position: Position, text: string): void {
    let texts = this.#texts.get(topic);
    if (!texts) this.#texts.set(topic, texts = new Map());
    const key = formatPosition(position), known = texts.get(key);
    if (known === undefined) texts.set(key, text);
    else if (known !== text) this.wrongs.push(`${topic} ${key} is ${known}, and ${text}`);
  }

  /** Whether a history has a message. */
  has(topic: string, position: Position): boolean {
    return this.#texts.get(topic)?.has(formatPosition(position)) ?? false;
  }

  /** Number of messages. */
  get size(): number {
    return [...this.#texts.values()].reduce((sum, { size }) => sum + size, 0);
  }

  close(): void {
    for (const watcher of this.#watchers) watcher.disconnect();
  }
}

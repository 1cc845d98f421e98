import { channelOf } from "../../pubsub/channel.ts";
import type {
  HistoryStorage,
  SavedHistory,
  SavedMessage,
} from "../../pubsub/history/history_storage.ts";
import type { Position } from "../../pubsub/history/position.ts";
import type { LogEntry } from "../../pubsub/history/topic_log.ts";
import type { TopicName } from "../../pubsub/topic_options.ts";
import type { DurableContext, DurableSql } from "../../shims/workerd/workerd.ts";
import { Frame } from "../../socket/frame.ts";

/** Most bytes of a message: SQLite in workerd takes values up to 2 MB. */
const MAX_MESSAGE = 2_000_000;

interface TopicRow {
  readonly epoch: number;
  readonly top: number;
  readonly ends_at: number;
}

interface MessageRow {
  readonly data: string | ArrayBuffer;
  readonly compress: number;
}

/** Histories in the SQLite storage of one Durable Object. They survive hibernation and restarts. */
export class DurableHistory implements HistoryStorage {
  readonly #sql: DurableSql;
  #isReady = false;

  /** @param sql `ctx.storage.sql` of the object. */
  constructor(sql: DurableSql) {
    this.#sql = sql;
  }

  /** Returns the storage of an object; `undefined` if its class is not SQLite-backed. */
  static of({ storage }: DurableContext): DurableHistory | undefined {
    try {
      return storage.sql && new DurableHistory(storage.sql);
    } catch {
      return undefined;
    }
  }

  load(name: TopicName): SavedHistory | undefined {
    const channel = channelOf(name.namespace, name.topic);
    const [row] = this.#rows<TopicRow>(
      "SELECT epoch, top, ends_at FROM onepeer_history WHERE channel = ?",
      channel,
    );
    if (!row) return undefined;
    const messages = this.#rows<MessageRow>(
      "SELECT data, compress FROM onepeer_message WHERE channel = ? ORDER BY position",
      channel,
    );
    const keys = this.#rows<{ readonly key: string; readonly position: number }>(
      "SELECT key, position FROM onepeer_message WHERE channel = ? AND key IS NOT NULL ORDER BY position",
      channel,
    );
    return {
      top: { epoch: row.epoch, offset: row.top },
      endsAt: row.ends_at,
      entries: messages.map(entryOf),
      keys: keys.map(({ key, position }) => [key, position]),
    };
  }

  begin(name: TopicName, { epoch, offset }: Position, endsAt: number): void {
    const channel = channelOf(name.namespace, name.topic);
    // Histories that have ended are deleted here, so that they need no alarm.
    const gone =
      "channel = ? OR channel IN (SELECT channel FROM onepeer_history WHERE ends_at <= ?)";
    this.#rows(`DELETE FROM onepeer_message WHERE ${gone}`, channel, Date.now());
    this.#rows("DELETE FROM onepeer_history WHERE ends_at <= ?", Date.now());
    this.#rows(
      "INSERT OR REPLACE INTO onepeer_history (channel, epoch, top, ends_at) VALUES (?, ?, ?, ?)",
      channel,
      epoch,
      offset,
      endsAt,
    );
  }

  add(name: TopicName, { position, entry, key, size, endsAt }: SavedMessage): void {
    const { frame: { payload, byteLength }, compress } = entry;
    if (byteLength > MAX_MESSAGE) {
      throw new RangeError(
        `Cannot keep a message of ${byteLength} bytes as a Durable Object stores at most ${MAX_MESSAGE}`,
      );
    }
    const channel = channelOf(name.namespace, name.topic), { offset } = position;
    this.#rows(
      "INSERT INTO onepeer_message (channel, position, data, compress, key) VALUES (?, ?, ?, ?, ?)",
      channel,
      offset,
      payload,
      Number(compress),
      key ?? null,
    );
    this.#rows(
      "UPDATE onepeer_history SET top = ?, ends_at = ? WHERE channel = ?",
      offset,
      endsAt,
      channel,
    );
    this.#rows(
      "DELETE FROM onepeer_message WHERE channel = ? AND position <= ?",
      channel,
      offset - size,
    );
  }

  #rows<Row>(query: string, ...values: unknown[]): Row[] {
    if (!this.#isReady) {
      this.#sql.exec(
        "CREATE TABLE IF NOT EXISTS onepeer_history" +
          " (channel TEXT PRIMARY KEY, epoch INTEGER, top INTEGER, ends_at INTEGER) WITHOUT ROWID",
      );
      this.#sql.exec(
        "CREATE TABLE IF NOT EXISTS onepeer_message" +
          " (channel TEXT, position INTEGER, data, compress INTEGER, key TEXT," +
          " PRIMARY KEY (channel, position)) WITHOUT ROWID",
      );
      this.#isReady = true;
    }
    return this.#sql.exec(query, ...values).toArray() as Row[];
  }
}

function entryOf({ data, compress }: MessageRow): LogEntry {
  const payload = typeof data === "string" ? data : new Uint8Array(data);
  return { frame: new Frame(payload), compress: compress === 1 };
}

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { AppendOptions, HistoryPage, HistoryStore, ReadOptions } from "../../pubsub/broker.ts";
import { escapeName } from "../../pubsub/channel.ts";
import { type Position, randomEpoch } from "../../pubsub/history/position.ts";
import { pack } from "./appended.ts";
import { FIND_SCHEMA, SCHEMA, SCHEMA_SQL } from "./history_schema.ts";
import { MAX_APPENDED_PART } from "./notification.ts";
import type { Statement } from "./statements.ts";

/** Most bytes of frames that one answer has, besides the last frame: a long answer would look dead. */
const MAX_ANSWER = 256 * 1024;
/** Most bytes that one call reads: a node keeps no more. */
const MAX_BYTES = 16 * 1024 * 1024;
/** Most times that a call begins again. */
const MAX_ATTEMPTS = 3;
/** Codes of errors: the schema, a table or a function is missing. */
const MISSING = ["3F000", "42P01", "42883"];
/** Codes of errors after which PostgreSQL recommends to repeat: serialization failure, deadlock. */
const REPEATABLE = ["40001", "40P01"];
const NOT_PERMITTED = "42501";
const ID = /^(\d{1,16})-(\d{1,15})$/;

/** Services of a {@linkcode PostgresHistory}. */
export interface PostgresHistoryHost {
  /** Name by which PostgreSQL knows a channel. */
  nameOf(channel: string): string;
  /** Runs statements. */
  run(statement: Statement): Promise<void>;
  /** Runs a statement that returns one column of texts. */
  read(statement: Statement): Promise<readonly string[]>;
}

/** Histories in tables of PostgreSQL, over one connection. One statement for each call or page. */
export class PostgresHistory implements HistoryStore {
  readonly #host: PostgresHistoryHost;
  #isReady: Promise<void> | undefined;

  constructor(host: PostgresHistoryHost) {
    this.#host = host;
  }

  async append(
    channel: string,
    frames: readonly Uint8Array<ArrayBuffer>[],
    { size, ttl, key }: AppendOptions,
  ): Promise<Position> {
    const { packed, starts } = pack(frames);
    const [id] = await this.#call(() => ({
      name: "op_append",
      text: `select ${SCHEMA}.append($1::text, $2::text::bigint, $3::text::integer, ` +
        "$4::text::double precision, nullif($5::text, ''), $6::text::integer, $7::bytea, " +
        "$8::text::integer[], $9::text::integer[])",
      values: [
        this.#host.nameOf(channel),
        `${randomEpoch()}`,
        `${size}`,
        `${ttl}`,
        key === undefined ? "" : hashOf(key),
        `${MAX_APPENDED_PART}`,
        packed,
        `{${starts.join()}}`,
        `{${frames.map(({ byteLength }) => byteLength).join()}}`,
      ],
    }));
    return positionOf(id);
  }

  async read(
    channel: string,
    since: Position | undefined,
    { limit, ttl }: ReadOptions,
  ): Promise<HistoryPage> {
    const frames: Uint8Array[] = [];
    let top: Position | undefined, bytes = 0;
    for (let last = Number.MAX_SAFE_INTEGER;;) {
      const [id, ...rows] = await this.#page(channel, since, last, limit - frames.length, ttl);
      const pageTop = positionOf(id), before = frames.length;
      top ??= pageTop;
      if (pageTop.epoch !== top.epoch) return { top, frames: frames.reverse() };
      for (const row of rows) {
        const dot = row.indexOf(".");
        // Rows that another program has deleted leave a gap: only newer ones count.
        if (Number(row.slice(0, dot)) !== top.offset - frames.length) break;
        const frame = Buffer.from(row.slice(dot + 1), "base64");
        frames.push(frame);
        bytes += frame.byteLength;
      }
      last = top.offset - frames.length;
      const first = since?.epoch === top.epoch ? since.offset + 1 : 1;
      const isOver = frames.length === before || frames.length >= limit || last < first;
      if (isOver || bytes >= MAX_BYTES) return { top, frames: frames.reverse() };
    }
  }

  async #page(
    channel: string,
    since: Position | undefined,
    last: number,
    limit: number,
    ttl: number,
  ): Promise<readonly string[]> {
    return await this.#call(() => ({
      name: "op_read",
      text: `select ${SCHEMA}.read($1::text, $2::text::bigint, $3::text::double precision, ` +
        "$4::text::bigint, $5::text::bigint, $6::text::bigint, $7::text::integer, " +
        "$8::text::integer)",
      values: [
        this.#host.nameOf(channel),
        `${randomEpoch()}`,
        `${ttl}`,
        `${since?.epoch ?? -1}`,
        `${since?.offset ?? 0}`,
        `${last}`,
        `${limit}`,
        `${MAX_ANSWER}`,
      ],
    }));
  }

  /**
   * Runs a statement. If the schema is missing, makes it. Repeats only statements of which PostgreSQL
   * has carried out nothing.
   */
  async #call(make: () => Statement): Promise<readonly string[]> {
    for (let attempt = 1;; attempt++) {
      const ready = this.#isReady ??= this.#prepare();
      try {
        await ready;
        return await this.#host.read(make());
      } catch (error) {
        const code = codeOf(error), isMissing = MISSING.includes(code);
        if (this.#isReady === ready && !REPEATABLE.includes(code)) this.#isReady = undefined;
        if (code === NOT_PERMITTED) throw notPermitted(error);
        if (attempt === MAX_ATTEMPTS || !(isMissing || REPEATABLE.includes(code))) throw error;
      }
    }
  }

  async #prepare(): Promise<void> {
    const [count] = await this.#host.read({ text: FIND_SCHEMA });
    if (count === "0") await this.#host.run({ text: SCHEMA_SQL });
  }
}

/** Returns a key in letters that are safe in a value, and always as long. */
function hashOf(key: string): string {
  return createHash("sha256").update(escapeName(key)).digest("base64url");
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function notPermitted(cause: unknown): Error {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new Error(
    `Cannot keep histories as the role of PostgreSQL has no rights for the schema ${SCHEMA}: ` +
      `${reason}. Run the statements of historySchema with another role, and grant the rights that ` +
      "the page of postgres() lists",
    { cause },
  );
}

/** @throws {Error} for text that is no position. */
function positionOf(id: string | undefined): Position {
  const [, epoch, offset] = ID.exec(id ?? "") ?? [];
  if (epoch === undefined) throw new Error(`PostgreSQL has returned a wrong position: ${id}`);
  return { epoch: Number(epoch), offset: Number(offset) };
}

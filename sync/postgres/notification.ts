import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { Statement } from "./statements.ts";

/** Longest text that a notification carries, in bytes: PostgreSQL wants less than 8,000. */
const MAX_PAYLOAD = 7999;
/** Letters of the name of a sender. */
const SENDER_LETTERS = 16;
/** Letters of a notification's number, which counts on from zero after the highest. */
const NUMBER_LETTERS = 4;
const NUMBERS = 36 ** NUMBER_LETTERS;

/** Most bytes of one notification, before they become base64. */
export const MAX_NOTIFICATION: number =
  Math.floor((MAX_PAYLOAD - SENDER_LETTERS - NUMBER_LETTERS - 1) / 4) * 3;

/**
 * Returns the name by which PostgreSQL knows a channel: `op_` and 43 letters, digits, `_` and `-`. A
 * name has 63 bytes at most. No name of a user reaches the text of a statement.
 */
export function nameOf(prefix: string, channel: string): string {
  // A channel contains no NUL, so no other prefix and channel give the same text.
  return `op_${createHash("sha256").update(`${prefix}\0${channel}`).digest("base64url")}`;
}

/** A text on its way to the listeners of one name. */
export interface Notification {
  readonly name: string;
  readonly payload: string;
}

/**
 * Writes and reads the texts of notifications:
 *
 * ```text
 * payload  name of the sender (16 letters) | number, base 36 | "." | base64
 * ```
 *
 * The number makes each payload of a transaction different: of several that are the same,
 * PostgreSQL delivers one (https://www.postgresql.org/docs/current/sql-notify.html).
 */
export class NotificationCodec {
  readonly #sender: string;
  #number = 0;

  /** @param node the id of this node. */
  constructor(node: string) {
    this.#sender = createHash("sha256").update(node).digest("base64url").slice(0, SENDER_LETTERS);
  }

  encode(bytes: Uint8Array): string {
    const { buffer, byteOffset, byteLength } = bytes;
    const base64 = Buffer.from(buffer, byteOffset, byteLength).toString("base64");
    this.#number = (this.#number + 1) % NUMBERS;
    return `${this.#sender}${this.#number.toString(36)}.${base64}`;
  }

  /** Whether a payload comes from this node itself, which need not read it. */
  isOwn(payload: string): boolean {
    return payload.startsWith(this.#sender);
  }

  /** Returns the bytes of a payload; of a text that is none, no bytes or any. */
  decode(payload: string): Uint8Array {
    const start = payload.indexOf(".", SENDER_LETTERS) + 1;
    return start === 0 ? new Uint8Array() : Buffer.from(payload.slice(start), "base64");
  }
}

/**
 * Returns the statement that sends notifications, in this order: all or none, as one statement is
 * one transaction.
 *
 * The text is always the same, for two reasons. The server parses and plans the statement once for
 * each connection, which saves a third of the time. `pg_stat_statements` counts it as one, but keeps
 * an entry for every NOTIFY with another text.
 */
export function notifyStatement(notifications: readonly Notification[]): Statement {
  return {
    name: "op_notify",
    text: "select count(pg_catalog.pg_notify(name, payload)) " +
      "from unnest($1::text::text[], $2::text::text[]) as t(name, payload)",
    // Names and payloads contain nothing that has a meaning in the text of an array.
    values: [
      `{${notifications.map(({ name }) => name).join()}}`,
      `{${notifications.map(({ payload }) => payload).join()}}`,
    ],
  };
}

/** Returns the statement that listens to names, in one round trip. */
export function listenStatement(names: readonly string[]): Statement {
  return { text: names.map((name) => `listen "${name}"`).join(";") };
}

/** Returns the statement that no longer listens to names. */
export function unlistenStatement(names: readonly string[]): Statement {
  return { text: names.map((name) => `unlisten "${name}"`).join(";") };
}

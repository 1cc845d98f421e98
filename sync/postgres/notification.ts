import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { Statement } from "./statements.ts";

/** Longest text that a notification carries, in bytes: PostgreSQL wants less than 8,000. */
const MAX_PAYLOAD = 7999;
/** Letters of the name of a sender, and most letters of a notification's number in its statement. */
const SENDER_LETTERS = 16, NUMBER_LETTERS = 6;
/** Letters of base64 after which PostgreSQL begins a new line, and bytes in such a line. */
const LINE_LETTERS = 76, LINE_BYTES = 57;

/** Most bytes of one notification, before they become base64 in lines. */
export const MAX_NOTIFICATION: number = maxBytes(MAX_PAYLOAD - SENDER_LETTERS - NUMBER_LETTERS - 1);

/** Most letters before the base64 of a part of an append. */
const APPENDED_LETTERS = 64;
/** Most bytes of an append that one notification carries. */
export const MAX_APPENDED_PART: number = maxBytes(MAX_PAYLOAD - APPENDED_LETTERS);

function maxBytes(letters: number): number {
  const lines = Math.floor(letters / (LINE_LETTERS + 1)), rest = letters % (LINE_LETTERS + 1);
  return lines * LINE_BYTES + Math.floor(rest / 4) * 3;
}

/**
 * Returns the name by which PostgreSQL knows a channel: `op_` and 43 letters, digits, `_` and `-`. A
 * name has 63 bytes at most. No name of a user reaches the text of a statement.
 */
export function nameOf(prefix: string, channel: string): string {
  // A channel contains no NUL, so no other prefix and channel give the same text.
  return `op_${createHash("sha256").update(`${prefix}\0${channel}`).digest("base64url")}`;
}

/** Bytes on their way to the listeners of one name. */
export interface Notification {
  readonly name: string;
  /** At most {@linkcode MAX_NOTIFICATION} bytes. */
  readonly bytes: Uint8Array;
}

/** Returns the name of a node in its notifications. */
export function senderOf(node: string): string {
  return createHash("sha256").update(node).digest("base64url").slice(0, SENDER_LETTERS);
}

/**
 * Returns the statement that sends notifications, in this order: all or none, as one statement is
 * one transaction. Each has this payload:
 *
 * ```text
 * payload  name of the sender (16 letters) | number in the statement | "." | base64
 * ```
 *
 * The number makes each payload different: of several that are the same, PostgreSQL delivers one
 * (https://www.postgresql.org/docs/current/sql-notify.html).
 *
 * The server writes the base64. As arrays of text, payloads of 4 MB take PostgreSQL 15 four times
 * as long. The text of the statement is always the same: the server parses and plans it once for
 * each connection, and it is one entry of `pg_stat_statements`. Each NOTIFY would be an entry of
 * its own.
 */
export function notifyStatement(sender: string, notifications: readonly Notification[]): Statement {
  const starts: number[] = [];
  let start = 1;
  for (const { bytes } of notifications) {
    starts.push(start);
    start += bytes.byteLength;
  }
  return {
    name: "op_notify",
    // Full names, so that no function of another schema is called.
    text: "select pg_catalog.count(pg_catalog.pg_notify(name, $1::text || number || '.' || " +
      "pg_catalog.encode(pg_catalog.substring($2::bytea, start, size), 'base64'))) " +
      "from unnest($3::text::text[], $4::text::int[], $5::text::int[]) " +
      "with ordinality as t(name, start, size, number)",
    values: [
      sender,
      Buffer.concat(notifications.map(({ bytes }) => bytes)),
      // Names contain nothing that has a meaning in the text of an array.
      `{${notifications.map(({ name }) => name).join()}}`,
      `{${starts.join()}}`,
      `{${notifications.map(({ bytes }) => bytes.byteLength).join()}}`,
    ],
  };
}

/** Returns the bytes of a payload. Other text gives bytes that are no valid frame. */
export function bytesOf(payload: string): Uint8Array {
  const start = payload.indexOf(".", SENDER_LETTERS) + 1;
  return start === 0 ? new Uint8Array() : Buffer.from(payload.slice(start), "base64");
}

/** Returns the statement that listens to names, in one round trip. */
export function listenStatement(names: readonly string[]): Statement {
  return { text: names.map((name) => `listen "${name}"`).join(";") };
}

/** Returns the statement that no longer listens to names. */
export function unlistenStatement(names: readonly string[]): Statement {
  return { text: names.map((name) => `unlisten "${name}"`).join(";") };
}

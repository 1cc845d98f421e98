import { encode, utf8Length } from "../../socket/frame.ts";
import { Message } from "../../socket/message.ts";

/** Most bytes of a member's data as JSON text (UTF-8). */
export const MAX_PRESENCE_DATA = 4096;

/** A peer that is present in a topic. */
export interface PresenceMember {
  /** The peer's id, see `Peer.id`. */
  readonly id: string;
  /** Copy of the data that `peer.enter` got: JSON values, frozen. Absent if there was none. */
  readonly data?: unknown;
}

/**
 * Checks and copies the data of a member.
 *
 * @throws {TypeError} for data without JSON text, and for more than {@linkcode MAX_PRESENCE_DATA}
 * bytes.
 */
export function memberOf(id: string, topic: string, data: unknown): PresenceMember {
  if (data === undefined) return Object.freeze({ id });
  const json = jsonOf(topic, data), byteLength = utf8Length(json);
  if (byteLength > MAX_PRESENCE_DATA) {
    throw new TypeError(
      `Cannot enter ${JSON.stringify(topic)} with ${byteLength} bytes of data as JSON: ` +
        `at most ${MAX_PRESENCE_DATA} are allowed`,
    );
  }
  return Object.freeze({ id, data: frozen(JSON.parse(json)) });
}

/** Returns a member that another node has sent. */
export function memberOfNode({ id, data }: PresenceMember): PresenceMember {
  return Object.freeze(data === undefined ? { id } : { id, data: frozen(data) });
}

/** Whether two members have the same data. */
export function isSameData(one: PresenceMember, other: PresenceMember): boolean {
  return JSON.stringify(one.data) === JSON.stringify(other.data);
}

function jsonOf(topic: string, data: unknown): string {
  if (typeof data === "string") return JSON.stringify(data);
  let reason = "bytes and messages are none";
  try {
    const { payload } = encode(data); // knows which values have no JSON text
    if (typeof payload === "string" && !(data instanceof Message)) return payload;
  } catch (error) {
    reason = (error as Error).message;
  }
  throw new TypeError(
    `Cannot enter ${JSON.stringify(topic)} with this data as it must be a JSON value: ${reason}`,
  );
}

/** Freezes a JSON value, as all readers share it. */
function frozen(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}

import { parsePosition } from "./position.ts";
import type { MissedReason, SubscribeOptions } from "./subscribe_options.ts";
import type { LogEntry, TopicLog } from "./topic_log.ts";

/** Messages to send again, or the reason why there are none. */
export interface Replay {
  readonly entries: readonly LogEntry[];
  readonly reason?: MissedReason;
}

/**
 * Chooses what to send to a client that subscribes. The log must have all messages that the history
 * has.
 */
export function replayOf(
  log: TopicLog,
  { since, limit }: SubscribeOptions,
  recoverLimit: number,
): Replay {
  const { offset: top } = log.top, most = Math.min(limit ?? Infinity, recoverLimit);
  if (since === undefined) {
    return { entries: limit === undefined ? [] : log.after(top - Math.floor(most)) };
  }
  const position = parsePosition(since);
  if (position?.epoch !== log.epoch || position.offset > top) return none("epoch");
  if (position.offset + 1 < log.first) return none("trimmed");
  if (top - position.offset > most) return none("limit");
  return { entries: log.after(position.offset) };
}

function none(reason: MissedReason): Replay {
  return { entries: [], reason };
}

import { invalidOption } from "../../common/errors.ts";
import { checkNumber } from "../../common/limits.ts";
import { checkCallOptions } from "../../common/option_names.ts";

/** Options of `peer.subscribe`, for a topic with history. */
export interface SubscribeOptions {
  /** Position of the last message that the client has. The messages after it are sent again. */
  readonly since?: string | undefined;
  /**
   * Most messages to send again; never over `limits.recoverLimit`. If there are more after `since`,
   * none is sent. Without `since`: the number of latest messages to send.
   *
   * @default `limits.recoverLimit` with `since`, otherwise 0
   */
  readonly limit?: number | undefined;
}

/**
 * Why messages after `since` were not sent again.
 *
 * - `"epoch"`: the history has ended since, or has no such position. It may be of another topic.
 * - `"trimmed"`: the history no longer has all messages.
 * - `"limit"`: there are more than `limit` messages, or more bytes than half of `limits.maxBuffered`.
 * - `"no history"`: the topic has no history.
 * - `"unavailable"`: the history cannot be read now, or the peer is not open.
 * - `"subscribed"`: the peer was subscribed already.
 */
export type MissedReason =
  | "epoch"
  | "trimmed"
  | "limit"
  | "no history"
  | "unavailable"
  | "subscribed";

/** Topics of which a peer may have missed messages, as the hook `gap` gets them. */
export interface GapInfo {
  /** The topics. */
  readonly topics: readonly string[];
  /** Why the messages were missed. */
  readonly reason: MissedReason;
}

/**
 * Result of `peer.subscribe` with options. The peer is subscribed in every case.
 *
 * @example
 * ```ts
 * import { defineHooks } from "@onepeer/onepeer";
 *
 * defineHooks({
 *   async open(peer) {
 *     const since = new URL(peer.request.url).searchParams.get("since") ?? undefined;
 *     const { position, recovered } = await peer.subscribe("news", { since });
 *     peer.send({ type: "subscribed", position, recovered });
 *   },
 * });
 * ```
 */
export interface SubscribeResult {
  /** Position of the topic's newest message at the time of the subscription; all later ones follow. */
  readonly position?: string;
  /** Whether the client has got all messages after `since`. Always `false` without `since`. */
  readonly recovered: boolean;
  /** Number of messages that were sent again, before any later message of the topic. */
  readonly replayed: number;
  /** Why the client may have missed messages. */
  readonly reason?: MissedReason;
}

const SUBSCRIBE_OPTIONS: readonly (keyof SubscribeOptions)[] = ["since", "limit"];

/**
 * Checks the options of `peer.subscribe`. Any text is a valid `since`, as it may come from a client.
 *
 * @throws {TypeError} for an option that does not exist or has the wrong type.
 * @throws {RangeError} for a negative limit.
 */
export function checkSubscribe(options: SubscribeOptions): SubscribeOptions {
  checkCallOptions(options, SUBSCRIBE_OPTIONS);
  const { since, limit } = options;
  if (since !== undefined && typeof since !== "string") {
    throw new TypeError(invalidOption("since", "a string", since));
  }
  if (limit !== undefined) checkNumber("limit", limit, 0, Infinity);
  return { since, limit };
}

/** Returns the result of a subscription without replay. */
export function missed(reason: MissedReason): SubscribeResult {
  return { recovered: false, replayed: 0, reason };
}

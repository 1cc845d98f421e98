import { invalidOption } from "../common/errors.ts";
import type { Limits } from "../common/limits.ts";
import { utf8Length } from "../socket/frame.ts";
import type { SendOptions } from "../socket/peer_websocket.ts";

/** Options of `peer.publish`. */
export interface PublishOptions extends SendOptions {
  /**
   * Whether the publisher gets the message too, if it is subscribed.
   *
   * @default false
   */
  readonly echo?: boolean;
}

/**
 * Returns an argument that must be a string.
 *
 * @throws {TypeError} for another value.
 */
export function checkString(name: string, value: unknown): string {
  if (typeof value === "string") return value;
  throw new TypeError(invalidOption(name, "a string", value));
}

/**
 * Returns the topic.
 *
 * @throws {TypeError} for a value that is not a string.
 */
export function checkTopic(topic: unknown): string {
  return checkString("the topic", topic);
}

/**
 * Checks that a peer with `count` topics may subscribe to one more.
 *
 * @throws {RangeError} if the peer has as many topics as `limits.maxTopicsPerPeer` allows, or the name
 * of the topic is longer than `limits.maxTopicLength`.
 */
export function checkSubscription(topic: string, count: number, limits: Limits): void {
  const { maxTopicsPerPeer, maxTopicLength } = limits;
  const isLong = topic.length * 3 > maxTopicLength && utf8Length(topic) > maxTopicLength;
  if (count < maxTopicsPerPeer && !isLong) return;
  throw new RangeError(
    isLong
      ? `Cannot subscribe to a topic of ${
        utf8Length(topic)
      } bytes as limits.maxTopicLength is ${maxTopicLength}`
      : `Cannot subscribe to one more topic as limits.maxTopicsPerPeer is ${maxTopicsPerPeer}`,
  );
}

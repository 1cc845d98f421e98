import { invalidOption } from "../common/errors.ts";
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
 * Returns the topic.
 *
 * @throws {TypeError} for a value that is not a string.
 */
export function checkTopic(topic: unknown): string {
  if (typeof topic === "string") return topic;
  throw new TypeError(invalidOption("the topic", "a string", topic));
}

/**
 * Checks that a peer with `count` topics may subscribe to one more.
 *
 * @throws {RangeError} if the peer has as many topics as `limits.maxTopicsPerPeer` allows.
 */
export function checkTopicCount(count: number, maxTopicsPerPeer: number): void {
  if (count < maxTopicsPerPeer) return;
  throw new RangeError(
    `Cannot subscribe to one more topic as limits.maxTopicsPerPeer is ${maxTopicsPerPeer}`,
  );
}

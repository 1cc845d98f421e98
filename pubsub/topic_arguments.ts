import { invalidOption } from "../common/errors.ts";
import { checkCallOptions } from "../common/option_names.ts";
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
  /**
   * Whether only subscribers of this endpoint get the message. Only useful with the option `sync`.
   *
   * @default false
   */
  readonly local?: boolean;
}

const PUBLISH_OPTIONS: readonly (keyof PublishOptions)[] = ["compress", "echo", "local"];

/**
 * Checks the options of `peer.publish`, if given. Returns the options.
 *
 * @throws {TypeError} for an option that does not exist, and for a value that is not an object.
 */
export function checkPublishOptions(options: PublishOptions = {}): PublishOptions {
  checkCallOptions(options, PUBLISH_OPTIONS);
  return options;
}

/**
 * Checks that a topic, or another name, is a string. Returns the string.
 *
 * @throws {TypeError} for a value that is not a string.
 */
export function checkTopic(topic: unknown, name = "the topic"): string {
  if (typeof topic === "string") return topic;
  throw new TypeError(invalidOption(name, "a string", topic));
}

/**
 * Checks that a peer with `count` topics may subscribe to one more.
 *
 * @throws {RangeError} if the peer has as many topics as `limits.maxTopicsPerPeer` allows, or the name
 * of the topic is longer than `limits.maxTopicLength`.
 */
export function checkSubscription(topic: string, count: number, limits: Limits): void {
  const { maxTopicsPerPeer, maxTopicLength } = limits, length = utf8Length(topic);
  const tried = count >= maxTopicsPerPeer
    ? `one more topic as limits.maxTopicsPerPeer is ${maxTopicsPerPeer}`
    : length > maxTopicLength
    ? `a topic of ${length} bytes as limits.maxTopicLength is ${maxTopicLength}`
    : "";
  if (tried) throw new RangeError(`Cannot subscribe to ${tried}`);
}

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
 * Checks the topic and the options of `peer.publish`. Returns the options.
 *
 * The topic may come from a client, and would reach a broker. No peer of this endpoint can be
 * subscribed to a longer topic than `limits.maxTopicLength`.
 *
 * @throws {TypeError} for an option that does not exist, for options that are not an object, and for
 * a topic that is not a string.
 * @throws {RangeError} for a topic that is longer than the limit.
 */
export function checkPublish(
  topic: unknown,
  { maxTopicLength }: Limits,
  options: PublishOptions = {},
): PublishOptions {
  checkCallOptions(options, PUBLISH_OPTIONS);
  const name = checkTopic(topic);
  // A UTF-16 code unit has at most three bytes in UTF-8, so a short name need not be measured.
  if (3 * name.length > maxTopicLength && utf8Length(name) > maxTopicLength) {
    throw new RangeError(`Cannot publish to ${tooLong(name, maxTopicLength)}`);
  }
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
    ? tooLong(topic, maxTopicLength)
    : "";
  if (tried) throw new RangeError(`Cannot subscribe to ${tried}`);
}

function tooLong(topic: string, maxTopicLength: number): string {
  return `a topic of ${utf8Length(topic)} bytes as limits.maxTopicLength is ${maxTopicLength}`;
}

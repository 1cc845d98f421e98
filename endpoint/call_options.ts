import { invalidOption } from "../common/errors.ts";
import { checkNames } from "../common/option_names.ts";
import { checkTopic } from "../pubsub/topic_arguments.ts";
import { encode } from "../socket/frame.ts";

/** Options of `close()` of an endpoint. */
export interface CloseOptions {
  /**
   * Close code that every peer gets.
   *
   * @default 1001
   */
  readonly code?: number;
  /** Close reason that every peer gets. */
  readonly reason?: string;
  /**
   * Milliseconds after which the remaining peers are terminated.
   *
   * @default 10_000
   */
  readonly timeout?: number;
  /**
   * Milliseconds over which the closes are spread, so that clients do not reconnect all at once.
   *
   * @default 0
   */
  readonly jitter?: number;
}

/** Options of `publish()` of an endpoint. */
export interface EndpointPublishOptions {
  /** Namespace whose subscribers get the message. Default: all namespaces. */
  readonly namespace?: string;
  /**
   * Whether to compress the message for clients that have negotiated compression.
   *
   * @default true
   */
  readonly compress?: boolean;
  /**
   * Whether only subscribers of this endpoint get the message. Only useful with the option `sync`.
   *
   * @default false
   */
  readonly local?: boolean;
}

/** Options of `commit()` of an endpoint. */
export interface CommitOptions {
  /** Namespace of the topic. */
  readonly namespace: string;
  /**
   * Name of the message, at most 255 bytes. If the history still has a message with this key, no
   * message is added, and the result is the position of the first one.
   */
  readonly key?: string | undefined;
}

/** Options of `subscribers()` of an endpoint. */
export interface SubscribersOptions {
  /** Namespace of the topic. Default: all namespaces. */
  readonly namespace?: string;
}

/** Options of `toUser()` of an endpoint. */
export type ToUserOptions = Omit<EndpointPublishOptions, "namespace">;

/** Names of all {@linkcode ToUserOptions}. */
export const TO_USER_OPTIONS: readonly (keyof ToUserOptions)[] = ["compress", "local"];

/**
 * Checks the name of a user.
 *
 * @throws {TypeError} for a value that is no string, and for the empty string.
 */
export function checkUser(user: unknown): string {
  if (typeof user === "string" && user !== "") return user;
  throw new TypeError(invalidOption("the user", "a string that is not empty", user));
}

/** Options of `presence()` of an endpoint. */
export interface PresenceOptions {
  /** Namespace of the topic. */
  readonly namespace: string;
}

const PRESENCE_OPTIONS: readonly (keyof PresenceOptions)[] = ["namespace"];

/**
 * Checks the options of `presence()`. Returns the namespace.
 *
 * @throws {TypeError} for an option that does not exist or has the wrong type.
 */
export function checkPresence(options: PresenceOptions): string {
  checkNames(options, PRESENCE_OPTIONS);
  return checkTopic(options.namespace, "the namespace");
}

const COMMIT_OPTIONS: readonly (keyof CommitOptions)[] = ["namespace", "key"];
/** Most bytes of a key: brokers keep it in a name. */
const MAX_KEY_BYTES = 255;

/**
 * Checks the options of `commit()`.
 *
 * @throws {TypeError} for an option that does not exist or has the wrong type.
 * @throws {RangeError} for a key that is too long.
 */
export function checkCommit(options: CommitOptions): void {
  checkNames(options, COMMIT_OPTIONS);
  const { namespace, key } = options;
  checkTopic(namespace, "the namespace");
  if (key === undefined) return;
  const { byteLength } = encode(checkTopic(key, "the key"));
  if (byteLength <= MAX_KEY_BYTES) return;
  throw new RangeError(
    `Cannot commit as the key has ${byteLength} of at most ${MAX_KEY_BYTES} bytes`,
  );
}

/** Names of all {@linkcode SubscribersOptions}. */
export const SUBSCRIBERS_OPTIONS: readonly (keyof SubscribersOptions)[] = ["namespace"];
/** Names of all {@linkcode EndpointPublishOptions}. */
export const PUBLISH_OPTIONS: readonly (keyof EndpointPublishOptions)[] = [
  "namespace",
  "compress",
  "local",
];
/** Names of all {@linkcode CloseOptions}. */
export const CLOSE_OPTIONS: readonly string[] = ["code", "reason", "timeout", "jitter"];

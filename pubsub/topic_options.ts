import { invalidOption } from "../common/errors.ts";
import { checkNumber } from "../common/limits.ts";
import { checkNames } from "../common/option_names.ts";
import { mustNotBePromise } from "../common/thenable.ts";

/** What a topic keeps, as the option `topics` returns it. */
export interface TopicOptions {
  /** Keeps the latest messages, for clients that come back and for new ones. Default: none. */
  readonly history?: HistoryOptions | undefined;
  /**
   * Whether peers can enter the topic, so that others know who is there. See `peer.enter`.
   *
   * @default false
   */
  readonly presence?: boolean | undefined;
}

/** How many messages the history of a topic keeps, and for how long. */
export interface HistoryOptions {
  /** Most messages, from 1 to 10,000. At most 16 MiB of them are kept in the memory of a node. */
  readonly size: number;
  /** Milliseconds after the latest message at which the history ends. */
  readonly ttl: number;
}

/**
 * Says what a topic keeps. Called again from time to time for the same topic: always return the same
 * for a topic, on every node.
 *
 * @param namespace `undefined` stands for all namespaces, in a publish without `namespace`. Such a
 * publish cannot have a history.
 */
export type ResolveTopic = (
  topic: string,
  namespace: string | undefined,
) => TopicOptions | undefined | void;

/** A topic of one namespace. */
export interface TopicName {
  readonly namespace: string;
  readonly topic: string;
}

/** Returns a name for a topic of one namespace: no two have the same. */
export function keyOf({ namespace, topic }: TopicName): string {
  return `${namespace.length}:${namespace}${topic}`;
}

const TOPIC_OPTIONS: readonly (keyof TopicOptions)[] = ["history", "presence"];
const HISTORY_OPTIONS: readonly (keyof HistoryOptions)[] = ["size", "ttl"];
const MAX_SIZE = 10_000;
/** Longest time to live: a year. */
const MAX_TTL = 365 * 24 * 60 * 60 * 1000;
/** Most topics whose options are remembered. Clients may name topics. */
const MAX_REMEMBERED = 10_000;
const NOTHING: TopicOptions = {};

/** Asks the option `topics`, and remembers the answers. */
export class TopicRules {
  readonly #resolve: ResolveTopic;
  readonly #remembered = new Map<string, Map<string | undefined, TopicOptions>>();
  #count = 0;

  constructor(resolve: ResolveTopic) {
    this.#resolve = resolve;
  }

  /**
   * Returns the options of a topic.
   *
   * @throws {TypeError} for an option of the wrong type.
   * @throws {RangeError} for a number out of range.
   */
  of(topic: string, namespace: string | undefined): TopicOptions {
    let byNamespace = this.#remembered.get(topic);
    const known = byNamespace?.get(namespace);
    if (known) return known;
    const options = checkTopicOptions(this.#resolve(topic, namespace));
    if (this.#count >= MAX_REMEMBERED) {
      this.#remembered.clear();
      this.#count = 0;
      byNamespace = undefined;
    }
    if (!byNamespace) this.#remembered.set(topic, byNamespace = new Map());
    byNamespace.set(namespace, options);
    this.#count++;
    return options;
  }
}

function checkTopicOptions(options: unknown): TopicOptions {
  if (options === undefined) return NOTHING;
  mustNotBePromise("the result of topics()", options, "topics() must not be asynchronous");
  checkNames(options, TOPIC_OPTIONS, { path: "topics()." });
  const { history, presence = false } = options as TopicOptions;
  if (typeof presence !== "boolean") {
    throw new TypeError(invalidOption("topics().presence", "a boolean", presence));
  }
  if (history === undefined) return presence ? { presence } : NOTHING;
  checkNames(history, HISTORY_OPTIONS, { path: "topics().history." });
  const { size, ttl } = history;
  checkNumber("topics().history.size", size, 1, MAX_SIZE);
  checkNumber("topics().history.ttl", ttl, 1, MAX_TTL);
  if (Number.isInteger(size)) return { history: { size, ttl }, presence };
  throw new RangeError(invalidOption("topics().history.size", "an integer", size));
}

import { invalidOption } from "../common/errors.ts";
import { checkNames } from "../common/option_names.ts";
import { mustNotBePromise } from "../common/thenable.ts";
import { type AnyContext, TOKEN } from "../handshake/handshake.ts";
import type { Limits } from "../common/limits.ts";
import type { SyncAdapter } from "../pubsub/sync_adapter.ts";
import type { FormatMessage } from "../pubsub/history/format.ts";
import type { ResolveTopic } from "../pubsub/topic_options.ts";
import { CONNECTION_OPTIONS } from "./connection_options.ts";
import { HOOK_NAMES, type HookOptions, type PeerHooks } from "./hooks.ts";

/** Options of `createEndpoint`, and so of every adapter. */
export interface EndpointOptions<Context extends object = AnyContext> extends HookOptions<Context> {
  /** Limits that differ from {@linkcode DEFAULT_LIMITS}. */
  readonly limits?: Partial<Limits>;
  /**
   * Names of the headers that `peer.request` keeps after the upgrade. Default: all headers. The
   * headers of a browser take about 600 bytes, a fourth of the memory of an idle peer on Bun. The
   * `upgrade` hook still sees all headers. Names are not case-sensitive. Headers that determine the
   * URL are always kept.
   */
  readonly retainHeaders?: readonly string[];
  /**
   * Connects this endpoint, a node, to the endpoints of other processes and machines. A publish then
   * reaches the subscribers of all nodes. See `sync/redis`, `sync/nats`, `sync/postgres`,
   * `sync/cluster` and `sync/broadcast_channel`.
   *
   * @default this process only
   */
  readonly sync?: SyncAdapter;
  /**
   * Says which topics have a history, so that clients that come back get what they missed. See
   * `peer.subscribe`.
   *
   * @default no topic
   *
   * @example
   * ```ts
   * import { createEndpoint } from "@onepeer/onepeer";
   *
   * createEndpoint({
   *   topics: (topic) =>
   *     topic.startsWith("room:") ? { history: { size: 100, ttl: 300_000 } } : undefined,
   *   format: ({ data, position }) => ({ position, data }),
   * });
   * ```
   */
  readonly topics?: ResolveTopic;
  /**
   * Returns what clients get instead of a message of a topic with history, for example to tell them
   * its position. Called once per message and node, and again when a node reads the history. If it
   * throws, `onError` is told, and clients get the message itself.
   *
   * @default the message itself
   */
  readonly format?: FormatMessage;
}

/** Names of all {@linkcode EndpointOptions}. */
export const ENDPOINT_OPTIONS: readonly (keyof EndpointOptions)[] = [
  "hooks",
  "resolve",
  "getNamespace",
  "handleProtocols",
  "allowedOrigins",
  "trustProxy",
  "onError",
  "limits",
  "retainHeaders",
  "sync",
  "topics",
  "format",
];

/**
 * Checks the options of an endpoint before the first client connects, except those that hooks can
 * carry too: see `SettingsChooser`.
 *
 * @throws {TypeError} for an option that does not exist or has the wrong type.
 */
export function checkOptions(options: EndpointOptions): void {
  checkNames(options, ENDPOINT_OPTIONS);
  if (options.hooks !== undefined) {
    const known = [...HOOK_NAMES, ...CONNECTION_OPTIONS];
    checkNames(options.hooks, known, { kind: "hook", path: "hooks." });
  }
  checkHooks("hooks", options.hooks ?? {});
  for (
    const name of [
      "resolve",
      "getNamespace",
      "handleProtocols",
      "onError",
      "sync",
      "topics",
      "format",
    ] as const
  ) {
    mustNotBePromise(name, options[name]);
    mustBeFunction(name, options[name]);
  }
  checkHeaderNames(options.retainHeaders);
}

function checkHeaderNames(names: unknown = []): void {
  const isWrong = (name: unknown) => typeof name !== "string" || !TOKEN.test(name);
  const wrong = Array.isArray(names) ? names.filter(isWrong) : [names];
  if (wrong.length === 0) return;
  throw new TypeError(invalidOption("retainHeaders", "a list of header names", wrong[0]));
}

/**
 * Checks that each hook of an object is a function.
 *
 * @throws {TypeError} for another value.
 */
export function checkHooks(
  name: string,
  hooks: { readonly [Name in keyof PeerHooks]?: unknown },
): void {
  for (const hook of HOOK_NAMES) mustBeFunction(`${name}.${hook}`, hooks[hook]);
}

function mustBeFunction(name: string, value: unknown): void {
  if (value === undefined || typeof value === "function") return;
  throw new TypeError(invalidOption(name, "a function", value));
}

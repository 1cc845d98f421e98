import type { Subscribers } from "../pubsub/subscribers.ts";
import type { UpgraderHost } from "./upgrader.ts";
import { checkClose } from "../socket/close_code.ts";
import { Connection } from "./connection.ts";
import { type Admission, type ConnectionHost, hostWith } from "./connection_host.ts";
import { SettingsChooser } from "./connection_settings.ts";
import { Connections, type DrainSettings } from "./connections.ts";
import { makeHost } from "./endpoint_host.ts";
import type { AnyContext } from "../handshake/handshake.ts";
import {
  checkCommit,
  checkPresence,
  checkUser,
  CLOSE_OPTIONS,
  type CloseOptions,
  type CommitOptions,
  type EndpointPublishOptions,
  type PresenceOptions,
  PUBLISH_OPTIONS,
  SUBSCRIBERS_OPTIONS,
  type SubscribersOptions,
  TO_USER_OPTIONS,
  type ToUserOptions,
} from "./call_options.ts";
import type { Cluster } from "./cluster.ts";
import { checkOptions, type EndpointOptions } from "./options.ts";
import { type EndpointHub, makeHub, type OwnParts } from "./endpoint_hub.ts";
import { noHistory } from "../pubsub/history/history_hub.ts";
import { noPresence, type PresenceState } from "../pubsub/presence/presence.ts";
import type { PubSub } from "../pubsub/pubsub.ts";
import type { SyncDriver } from "../pubsub/sync_adapter.ts";
import { checkCallOptions, checkNames } from "../common/option_names.ts";
import { checkNumber, type Limits, MAX_TIME } from "../common/limits.ts";
import { encode } from "../socket/frame.ts";
import type { Peer } from "../peer.ts";
import { checkTopic } from "../pubsub/topic_arguments.ts";
import { checkNamespace } from "../pubsub/users.ts";
import type { ServerSocket } from "../socket/socket.ts";
import { Counters, type Stats } from "../common/stats.ts";
import { Timers } from "../common/timers.ts";

/**
 * Hooks, peers, topics and limits, independent of any runtime. Several adapters may share one
 * endpoint.
 */
export class Endpoint {
  /**
   * Limits in force: the given limits, and the defaults of all others. Hooks that `resolve` returns
   * can carry other limits for their connections.
   */
  readonly limits: Limits;
  readonly #options: EndpointOptions;
  readonly #hub: PubSub<Peer>;
  readonly #parts: EndpointHub;
  readonly #counters = new Counters();
  readonly #timers = new Timers();
  readonly #host: UpgraderHost;
  readonly #connections = new Connections(this.#timers);
  #closed: Promise<void> | undefined;

  /** @internal Called by {@linkcode createEndpoint}. */
  constructor(options: EndpointOptions, own?: OwnParts) {
    checkOptions(options);
    this.#options = options;
    const settings = new SettingsChooser(options, this.#timers);
    const { limits } = settings.base;
    this.limits = limits;
    this.#parts = makeHub(options, { limits, timers: this.#timers }, own);
    this.#hub = this.#parts.hub;
    this.#host = makeHost(
      settings,
      this.#parts,
      this.#connections,
      this.#counters,
      this.#timers,
    );
  }

  /** Live peers by namespace. */
  get peers(): ReadonlyMap<string, ReadonlySet<Peer>> {
    return this.#hub.namespaces;
  }

  /**
   * Returns the live peer with this id, `undefined` if there is none on this endpoint.
   *
   * @throws {TypeError} for an id that is not a string.
   */
  peer(id: string): Peer | undefined {
    return this.#host.ids.get(checkTopic(id, "the id"));
  }

  /**
   * Returns the subscribers of a topic on this endpoint, in all namespaces or in `namespace`: a live
   * view, also of a topic that has no subscriber yet.
   *
   * @throws {TypeError} for a topic or namespace that is not a string, and for an unknown option.
   *
   * @example
   * ```ts
   * import { createEndpoint } from "@onepeer/onepeer";
   *
   * const endpoint = createEndpoint();
   * const listeners = endpoint.subscribers("news", { namespace: "/chat" });
   * console.log(listeners.size); // 0
   * for (const peer of listeners) peer.send("hello");
   * ```
   */
  subscribers(topic: string, options: SubscribersOptions = {}): Subscribers<Peer> {
    checkCallOptions(options, SUBSCRIBERS_OPTIONS);
    const { namespace } = options;
    if (namespace !== undefined) checkNamespace(namespace);
    return this.#hub.subscribers(checkTopic(topic), namespace);
  }

  /** Present values of the counters and gauges. */
  get stats(): Stats {
    return {
      peers: this.#hub.memberCount,
      topics: this.#hub.topicCount,
      timers: this.#timers.size,
      ...this.#counters,
      ...(this.#parts.synced && { sync: this.#parts.synced.stats }),
    };
  }

  /**
   * Driver that reaches the other nodes alone, as in crossws. Present with the option `sync`.
   *
   * `publish` sends to the other nodes, and throws for the same arguments as `publish` of the
   * endpoint. `subscribe` hears what other nodes send to all namespaces, or to topics that have a
   * subscriber on this node. With a driver of your own, `subscribe` hears all messages. `close` ends
   * the connection.
   */
  get sync(): SyncDriver | undefined {
    return this.#parts.synced?.driver;
  }

  /**
   * Resolves when the broker of the option `sync` is connected, if the option `required` of the
   * broker is true. Resolves at once otherwise.
   *
   * @throws {Error} if the endpoint closes before its required broker is connected.
   */
  async ready(): Promise<void> {
    await this.#parts.synced?.ready();
  }

  /** @internal Resolves when this node hears all topics that have a subscriber here. */
  async topicsConfirmed(): Promise<void> {
    await this.#parts.synced?.confirmed();
  }

  /**
   * Sends one message to each subscriber of a topic once, in all namespaces or in `namespace`.
   *
   * The topic is the server's own: unlike `peer.publish`, this method ignores
   * `limits.maxTopicLength`. If a client chooses the topic, check its length.
   *
   * @returns Number of peers of this endpoint that accepted the message.
   * @throws {TypeError} for data that cannot be sent (see `peer.send`), and for an unknown option.
   */
  publish(topic: string, data: unknown, options: EndpointPublishOptions = {}): number {
    checkCallOptions(options, PUBLISH_OPTIONS);
    const { namespace, compress, local } = options;
    if (namespace !== undefined) checkNamespace(namespace);
    return this.#hub.publish(checkTopic(topic), encode(data), { namespace, compress, local });
  }

  /**
   * Sends one message to all peers of a user, on all nodes: to those whose `upgrade` hook has
   * returned this `user`. A peer whose node cannot be reached misses the message.
   *
   * @returns Number of peers of this endpoint that accepted the message.
   * @throws {TypeError} for a user that is no string or empty, for data that cannot be sent (see
   * `peer.send`), and for an unknown option.
   *
   * @example
   * ```ts
   * import { createEndpoint } from "@onepeer/onepeer";
   *
   * const endpoint = createEndpoint({
   *   hooks: { upgrade: (request) => ({ user: new URL(request.url).searchParams.get("user")! }) },
   * });
   * endpoint.toUser("alice", { type: "order", state: "sent" });
   * ```
   */
  toUser(user: string, data: unknown, options: ToUserOptions = {}): number {
    checkCallOptions(options, TO_USER_OPTIONS);
    return this.#parts.users.send(checkUser(user), encode(data), options);
  }

  /** All nodes of the option `sync`: how many peers they have, and calls that reach all of them. */
  get cluster(): Cluster {
    return this.#parts.cluster;
  }

  /**
   * Adds a message to a topic with history, as {@linkcode publish} does. Resolves with the position
   * of the message once the message is kept. With `key`, a repeated commit adds nothing.
   *
   * Rejects with a `RangeError` for a message that is too large to keep, and with a `PeerError` of the
   * code `ERR_PEER_NOT_COMMITTED` if the broker has not confirmed the message.
   *
   * @throws {TypeError} for a topic without history, and for data that cannot be sent.
   */
  commit(topic: string, data: unknown, options: CommitOptions): Promise<string> {
    checkTopic(topic);
    checkCommit(options);
    const frame = encode(data);
    if (this.#parts.history) return this.#parts.history.commit(topic, frame, options);
    throw noHistory(topic);
  }

  /**
   * Returns who is present in a topic of the option `topics`: the peers of all nodes that have called
   * `enter`. Waits at most 250 ms for the other nodes.
   *
   * @throws {TypeError} for a topic without presence, and for an unknown option.
   */
  presence(topic: string, options: PresenceOptions): Promise<PresenceState> {
    const name = { topic: checkTopic(topic), namespace: checkPresence(options) };
    if (this.#parts.presence) return this.#parts.presence.state(name);
    throw noPresence(topic);
  }

  /**
   * Closes every peer, or terminates every peer if `force` is true. New clients can still connect.
   *
   * @throws {RangeError} for a code or reason that RFC 6455 does not allow in a close frame.
   */
  closeAll(code = 1000, reason = "", force = false): void {
    checkClose(code, reason);
    this.#connections.closeAll(code, reason, force);
  }

  /**
   * Refuses new clients with 503, closes every peer, and waits for the `close` hooks. Terminates the
   * remaining peers after `timeout`. Further calls return the promise of the first call.
   *
   * @throws {RangeError} for a code or reason that RFC 6455 does not allow in a close frame, and for a
   * time out of range.
   */
  close(options?: CloseOptions): Promise<void>;
  /** Same, with the arguments of `peer.close`. */
  close(code?: number, reason?: string): Promise<void>;
  close(first?: CloseOptions | number, second?: string): Promise<void> {
    const isCode = first === undefined || typeof first === "number";
    const options = isCode ? { code: first, reason: second } as CloseOptions : first;
    checkNames(options, CLOSE_OPTIONS);
    const { code = 1001, reason = "", timeout = 10_000, jitter = 0 } = options;
    checkClose(code, reason);
    checkNumber("timeout", timeout, 0, MAX_TIME);
    checkNumber("jitter", jitter, 0, MAX_TIME);
    return this.#closed ??= this.#drain({ code, reason, timeout, jitter });
  }

  /** Same as {@linkcode close} without options. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #drain(settings: DrainSettings): Promise<void> {
    await this.#connections.drain(settings);
    for (const giveUp of this.#host.pending) giveUp();
    this.#parts.presence?.close();
    await this.#parts.synced?.close();
  }

  /**
   * @internal Hands all timers to a keeper, on runtimes on which a timer ends with its request.
   * Returns the keeper that all adapters share: the first one.
   */
  keepTimers<Keeper extends Timers>(keeper: Keeper): Keeper {
    return (this.#timers.keeper ??= keeper) as Keeper;
  }

  /** @internal Options and services for the upgrader of this endpoint. */
  get services(): { readonly options: EndpointOptions; readonly host: UpgraderHost } {
    return { options: this.#options, host: this.#host };
  }

  /**
   * @internal Creates the peer of an accepted handshake. The peer opens when its socket opens.
   *
   * @param host services of the connection, if they differ from those of the endpoint.
   */
  attach(socket: ServerSocket, admission: Admission, host: ConnectionHost = this.#host): Peer {
    admission.handshake.settle(this.#options.retainHeaders);
    this.#connections.accepted();
    return new Connection(socket, admission, hostWith(host, admission.settings)).peer;
  }
}

/**
 * Creates an endpoint that adapters can share: `adapter({ endpoint })`.
 *
 * @throws {TypeError} for an option that does not exist or has the wrong type.
 * @throws {RangeError} for a limit out of range.
 *
 * @example
 * ```ts
 * import { createEndpoint } from "@onepeer/onepeer";
 *
 * const endpoint = createEndpoint({
 *   hooks: { message: (peer, message) => void peer.send(message) },
 *   limits: { maxPayload: 64 * 1024 },
 * });
 * console.log(endpoint.stats.peers); // 0
 * ```
 */
export function createEndpoint<Context extends object = AnyContext>(
  options: EndpointOptions<Context> = {},
): Endpoint {
  // Only the hooks know the type of a context. All other code treats a context as an object.
  return new Endpoint(options as unknown as EndpointOptions);
}

import type { Subscribers } from "../pubsub/subscribers.ts";
import { type Decision, Upgrader } from "./upgrader.ts";
import { checkDeflate } from "../handshake/deflate_options.ts";
import { type AnyContext, clientHasLeft, type Handshake } from "../handshake/handshake.ts";
import type {
  CloseOptions,
  CommitOptions,
  EndpointPublishOptions,
  PresenceOptions,
  SubscribersOptions,
  ToUserOptions,
} from "./call_options.ts";
import type { Cluster } from "./cluster.ts";
import { createEndpoint, Endpoint } from "./endpoint.ts";
import { bindMethods } from "../common/bind_methods.ts";
import { checkNames, givenOptions } from "../common/option_names.ts";
import { type Awaitable, isThenable } from "./hooks.ts";
import { ENDPOINT_OPTIONS, type EndpointOptions } from "./options.ts";
import type { Peer } from "../peer.ts";
import type { PresenceState } from "../pubsub/presence/presence.ts";
import type { SyncDriver } from "../pubsub/sync_adapter.ts";
import type { Stats } from "../common/stats.ts";

/** Options of every adapter: those of an endpoint, or an endpoint that adapters share. */
export interface AdapterOptions<Context extends object = AnyContext>
  extends EndpointOptions<Context> {
  /**
   * Endpoint to share with other adapters: the same peers, topics and limits. The options of the
   * endpoint are then arguments of `createEndpoint`, not of the adapter.
   */
  readonly endpoint?: Endpoint;
  /**
   * Whether to compress with permessage-deflate (RFC 7692). No effect on Deno 2.9, which cannot
   * compress.
   *
   * @default false
   */
  readonly perMessageDeflate?: boolean;
}

/**
 * Base of all adapters. Each adds `handleUpgrade` with the usual arguments of its runtime. All methods
 * are bound: `const { handleUpgrade, publish, close } = ws` works.
 */
export abstract class Adapter {
  /** Endpoint with the peers, topics and limits of this adapter. */
  readonly endpoint: Endpoint;
  /** @internal Decides about handshakes. Adapters over one endpoint share the upgrader. */
  protected readonly upgrader: Upgrader;
  /** @internal Largest message that the runtime can deliver, if it has one limit for all connections. */
  protected mostPayload: number = Infinity;

  /**
   * Takes `options.endpoint`, or makes an endpoint with the other options.
   *
   * @throws {TypeError} for an option that does not exist or has the wrong type, and if `endpoint`
   * comes together with options that belong to an endpoint.
   * @throws {RangeError} for a number out of range.
   */
  constructor(options: AdapterOptions, ownOptions: readonly string[] = []) {
    checkAdapterOptions(options, ownOptions);
    bindMethods(this);
    this.endpoint = endpointOf(options);
    this.upgrader = upgraderOf(this.endpoint);
  }

  /** Live peers by namespace. */
  get peers(): ReadonlyMap<string, ReadonlySet<Peer>> {
    return this.endpoint.peers;
  }

  /**
   * Returns the live peer with this id, `undefined` if there is none on this endpoint.
   *
   * @throws {TypeError} for an id that is not a string.
   */
  peer(id: string): Peer | undefined {
    return this.endpoint.peer(id);
  }

  /**
   * Returns the subscribers of a topic on this endpoint, in all namespaces or in `namespace`: a live
   * view, also of a topic that has no subscriber yet.
   *
   * @throws {TypeError} for a topic or namespace that is not a string, and for an unknown option.
   */
  subscribers(topic: string, options?: SubscribersOptions): Subscribers<Peer> {
    return this.endpoint.subscribers(topic, options);
  }

  /** Present values of the counters and gauges. */
  get stats(): Stats {
    return this.endpoint.stats;
  }

  /**
   * Sends one message to each subscriber of a topic once, in all namespaces or in `namespace`.
   *
   * @returns Number of peers of this endpoint that accepted the message.
   * @throws {TypeError} for data that cannot be sent, see `peer.send`.
   */
  publish(topic: string, data: unknown, options?: EndpointPublishOptions): number {
    return this.endpoint.publish(topic, data, options);
  }

  /**
   * Sends one message to all peers of a user, on all nodes: {@linkcode Endpoint.toUser}.
   *
   * @returns Number of peers of this endpoint that accepted the message.
   * @throws {TypeError} for a user that is no string or empty, and for data that cannot be sent.
   */
  toUser(user: string, data: unknown, options?: ToUserOptions): number {
    return this.endpoint.toUser(user, data, options);
  }

  /** All nodes of the option `sync`: {@linkcode Endpoint.cluster}. */
  get cluster(): Cluster {
    return this.endpoint.cluster;
  }

  /**
   * Adds a message to a topic with history: {@linkcode Endpoint.commit}. Resolves with the position
   * of the message once the message is kept.
   *
   * @throws {TypeError} for a topic without history, and for data that cannot be sent.
   */
  commit(topic: string, data: unknown, options: CommitOptions): Promise<string> {
    return this.endpoint.commit(topic, data, options);
  }

  /**
   * Returns who is present in a topic: {@linkcode Endpoint.presence}.
   *
   * @throws {TypeError} for a topic without presence, and for an unknown option.
   */
  presence(topic: string, options: PresenceOptions): Promise<PresenceState> {
    return this.endpoint.presence(topic, options);
  }

  /**
   * Driver that reaches the other nodes alone, as in crossws: {@linkcode Endpoint.sync}. Present
   * with the option `sync`.
   */
  get sync(): SyncDriver | undefined {
    return this.endpoint.sync;
  }

  /**
   * Resolves when the broker of the option `sync` is connected, if the option `required` of the
   * broker is true. Resolves at once otherwise.
   *
   * @throws {Error} if the endpoint closes before its required broker is connected.
   */
  ready(): Promise<void> {
    return this.endpoint.ready();
  }

  /**
   * Closes every peer, or terminates every peer if `force` is true. New clients can still connect.
   *
   * @throws {RangeError} for a code or reason that RFC 6455 does not allow in a close frame.
   */
  closeAll(code?: number, reason?: string, force?: boolean): void {
    this.endpoint.closeAll(code, reason, force);
  }

  /**
   * Refuses new clients with 503, closes every peer, and waits for the `close` hooks. Terminates the
   * remaining peers after `timeout`. Closes the endpoint, and so all adapters that share it.
   *
   * @throws {RangeError} for a code or reason that RFC 6455 does not allow in a close frame.
   */
  close(options?: CloseOptions): Promise<void>;
  /** Same, with the arguments of `peer.close`. */
  close(code?: number, reason?: string): Promise<void>;
  close(first?: CloseOptions | number, reason?: string): Promise<void> {
    return this.endpoint.close(first as number, reason);
  }

  /**
   * @internal Decides about a handshake. If a hook is asynchronous, `watch` gets a function to call
   * when the client leaves. `watch` returns a function that ends the watch.
   */
  protected decide(
    handshake: Handshake,
    watch: (left: () => void) => () => void,
  ): Awaitable<Decision> {
    const decision = this.upgrader.decide(handshake, this.mostPayload);
    if (!isThenable(decision)) return decision;
    return decision.finally(watch(() => handshake.abort(clientHasLeft)));
  }

  /**
   * @internal Decides about a web `Request`. Returns the result of `accept`, the refusal, or
   * `undefined` if the client has left or the hook has taken over the socket.
   */
  protected async answer<T>(
    request: Request,
    handshake: Handshake,
    accept: (decision: Decision & { kind: "accept" }) => T,
  ): Promise<T | Response | undefined> {
    const decision = await this.decide(handshake, (left) => {
      // Read only if a hook is asynchronous: Deno 2.9 prints a notice at the first use of a signal.
      request.signal.addEventListener("abort", left, { once: true });
      return () => request.signal.removeEventListener("abort", left);
    });
    if (decision.kind === "refuse") return closing(decision.response);
    if (decision.kind !== "accept") return undefined;
    try {
      return accept(decision);
    } catch (error) {
      this.upgrader.failed(handshake, error, decision.admission);
      return closing(new Response("Internal Server Error\n", { status: 500 }));
    }
  }

  /** Same as {@linkcode close} without options: `await using ws = adapter(…)`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * @internal Returns a refusal after which the connection ends. A proxy that ignores the status would
 * tunnel all further bytes, so these bytes must not be another request.
 */
export function closing(refusal: Response): Response {
  const { status, statusText, headers } = refusal;
  if (status === 101) return refusal; // the hook has taken over the connection
  try {
    headers.set("connection", "close");
    return refusal;
  } catch { // the headers of some responses cannot be changed, such as those of `fetch`
    return closing(new Response(refusal.body, { status: status || 500, statusText, headers }));
  }
}

/** Upgraders by endpoint. Adapters over one endpoint share its slots and its origin guard. */
const upgraders = new WeakMap<Endpoint, Upgrader>();

function upgraderOf(endpoint: Endpoint): Upgrader {
  let upgrader = upgraders.get(endpoint);
  if (!upgrader) {
    const { options, host } = endpoint.services;
    upgraders.set(endpoint, upgrader = new Upgrader(options, host));
  }
  return upgrader;
}

/** @internal Names of all {@linkcode AdapterOptions}. */
export const ADAPTER_OPTIONS: readonly (keyof AdapterOptions)[] = [
  ...ENDPOINT_OPTIONS,
  "endpoint",
  "perMessageDeflate",
];

/**
 * @internal Checks the names of all options, and the option `perMessageDeflate`.
 *
 * @throws {TypeError} for an option that does not exist or has the wrong type.
 * @throws {RangeError} for a number out of range.
 */
export function checkAdapterOptions(options: AdapterOptions, ownOptions: readonly string[]): void {
  checkNames(options, [...ADAPTER_OPTIONS, ...ownOptions]);
  checkDeflate(options.perMessageDeflate);
}

/**
 * @internal Returns `options.endpoint`, or a new endpoint with the other options.
 *
 * @throws {TypeError} for an option of the wrong type, and if `endpoint` comes together with options
 * that belong to an endpoint.
 * @throws {RangeError} for a limit out of range.
 */
export function endpointOf(options: AdapterOptions): Endpoint {
  const { endpoint } = options, own = endpointOptionsOf(options), [given] = Object.keys(own);
  if (endpoint === undefined) return createEndpoint(own);
  if (!(endpoint instanceof Endpoint)) {
    throw new TypeError("Cannot use the endpoint as it must come from createEndpoint()");
  }
  if (given === undefined) return endpoint;
  throw new TypeError(`Cannot use ${given} together with endpoint: give it to createEndpoint()`);
}

/** @internal Picks the options that belong to the endpoint. */
export function endpointOptionsOf(options: AdapterOptions): EndpointOptions {
  const own = ENDPOINT_OPTIONS.map((name) => [name, options[name]] as const);
  return givenOptions(Object.fromEntries(own));
}

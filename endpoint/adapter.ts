import { type Decision, Upgrader } from "./upgrader.ts";
import { checkDeflate } from "../handshake/deflate_options.ts";
import { type AnyContext, clientHasLeft, type Handshake, TOKEN } from "../handshake/handshake.ts";
import {
  type CloseOptions,
  createEndpoint,
  Endpoint,
  type EndpointOptions,
  type EndpointPublishOptions,
} from "./endpoint.ts";
import { invalidOption } from "../common/errors.ts";
import { type Awaitable, isThenable } from "./hooks.ts";
import type { Peer } from "../peer.ts";
import type { Stats } from "../common/stats.ts";

/** Options of every adapter: those of an endpoint, or an endpoint that others use too. */
export interface AdapterOptions<Context extends object = AnyContext>
  extends EndpointOptions<Context> {
  /** Shares peers, topics and limits with the other adapters over it; leave the other options to `createEndpoint`. */
  readonly endpoint?: Endpoint;
  /**
   * Compression by permessage-deflate (RFC 7692), where the runtime has it: Deno 2.9 has none.
   *
   * @default false
   */
  readonly perMessageDeflate?: boolean;
}

const ENDPOINT_OPTIONS = [
  "hooks",
  "resolve",
  "getNamespace",
  "handleProtocols",
  "allowedOrigins",
  "trustProxy",
  "onError",
  "limits",
  "retainHeaders",
] as const;

/** What all adapters can do; each adds `handleUpgrade` with the natural arguments of its runtime. */
export abstract class Adapter {
  /** What this adapter serves. */
  readonly endpoint: Endpoint;
  /** @internal Decides about handshakes, for all adapters over the same endpoint. */
  protected readonly upgrader: Upgrader;

  /**
   * Takes the given endpoint, or makes one of the other options.
   *
   * @throws {TypeError} for an option that does not exist or is of the wrong kind, and where
   * `endpoint` comes together with options that belong to it.
   * @throws {RangeError} for a number out of its range.
   */
  constructor(options: AdapterOptions, ownOptions: readonly string[] = []) {
    checkNames(options, ownOptions);
    checkDeflate(options.perMessageDeflate);
    this.endpoint = endpointOf(options);
    this.upgrader = upgraderOf(this.endpoint);
  }

  /** Live peers by namespace. */
  get peers(): ReadonlyMap<string, ReadonlySet<Peer>> {
    return this.endpoint.peers;
  }

  /** Counters and gauges, as they are now. */
  get stats(): Stats {
    return this.endpoint.stats;
  }

  /**
   * Sends one message to each subscriber of a topic once, in all namespaces or in `namespace`.
   *
   * @returns how many peers of this process took it.
   * @throws {TypeError} for data that cannot be sent, see `peer.send`.
   */
  publish(topic: string, data: unknown, options?: EndpointPublishOptions): number {
    return this.endpoint.publish(topic, data, options);
  }

  /**
   * Closes every peer, or terminates them with `force`, and goes on serving.
   *
   * @throws {RangeError} for a code or reason that must not be on the wire.
   */
  closeAll(code?: number, reason?: string, force?: boolean): void {
    this.endpoint.closeAll(code, reason, force);
  }

  /**
   * Refuses new clients with 503, closes every peer, waits for their `close` hooks, and terminates
   * what is left after `timeout`.
   *
   * @throws {RangeError} for a code or reason that must not be on the wire.
   */
  close(options?: CloseOptions): Promise<void>;
  /** Same, in the order of `peer.close`. */
  close(code?: number, reason?: string): Promise<void>;
  close(first?: CloseOptions | number, reason?: string): Promise<void> {
    return typeof first === "number"
      ? this.endpoint.close(first, reason)
      : this.endpoint.close(first);
  }

  /**
   * @internal Decides about a handshake. Only where a hook is asynchronous, `watch` gets what to call
   * when the client leaves; it returns how to stop watching.
   */
  protected decide(
    handshake: Handshake,
    watch: (left: () => void) => () => void,
  ): Awaitable<Decision> {
    const decision = this.upgrader.decide(handshake);
    if (!isThenable(decision)) return decision;
    return decision.finally(watch(() => handshake.abort(clientHasLeft)));
  }

  /**
   * @internal For runtimes that hand over a web `Request`: carries the decision out by `accept`, or
   * returns the refusal; `undefined` where nobody is left to answer.
   */
  protected async answer<T>(
    request: Request,
    handshake: Handshake,
    accept: (decision: Decision & { kind: "accept" }) => T,
  ): Promise<T | Response | undefined> {
    const decision = await this.decide(handshake, (left) => {
      // Read only now: Deno 2.9 prints a notice at the first use of a request's signal.
      request.signal.addEventListener("abort", left, { once: true });
      return () => request.signal.removeEventListener("abort", left);
    });
    if (decision.kind === "refuse") return decision.response;
    if (decision.kind !== "accept") return undefined;
    try {
      return accept(decision);
    } catch (error) {
      this.upgrader.failed(handshake, error, decision.admission);
      return new Response("Internal Server Error\n", { status: 500 });
    }
  }

  /** Same as {@linkcode close} without options: `await using ws = adapter(…)`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Upgraders by endpoint. Adapters over one endpoint share its slots and its origin guard. */
const upgraders = new WeakMap<Endpoint, Upgrader>();

function upgraderOf(endpoint: Endpoint): Upgrader {
  let upgrader = upgraders.get(endpoint);
  if (!upgrader) {
    const { options, host } = endpoint.services;
    checkHeaderNames(options.retainHeaders);
    upgraders.set(endpoint, upgrader = new Upgrader(options, host));
  }
  return upgrader;
}

/**
 * @internal Finds a mistyped option.
 *
 * @throws {TypeError} for an option that does not exist.
 */
export function checkNames(options: object, ownOptions: readonly string[]): void {
  const known = [...ENDPOINT_OPTIONS, "endpoint", "perMessageDeflate", ...ownOptions];
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (!unknown) return;
  throw new TypeError(
    `Cannot use ${unknown} as there is no such option: known are ${known.join(", ")}`,
  );
}

/**
 * @internal Finds headers that nobody could send.
 *
 * @throws {TypeError} for anything but a list of names.
 */
export function checkHeaderNames(names: unknown): void {
  const isList = Array.isArray(names) &&
    names.every((name) => typeof name === "string" && TOKEN.test(name));
  if (names === undefined || isList) return;
  throw new TypeError(invalidOption("retainHeaders", "a list of header names", names));
}

/**
 * @internal The endpoint that was given, or one of the other options.
 *
 * @throws {TypeError} for something else, or both.
 */
export function endpointOf(options: AdapterOptions): Endpoint {
  const { endpoint } = options;
  if (!endpoint) return createEndpoint(options);
  if (!(endpoint instanceof Endpoint)) {
    throw new TypeError("Cannot use the endpoint as it must come from createEndpoint()");
  }
  const misplaced = ENDPOINT_OPTIONS.find((name) => options[name] !== undefined);
  if (!misplaced) return endpoint;
  throw new TypeError(
    `Cannot use ${misplaced} together with endpoint: give it to createEndpoint()`,
  );
}

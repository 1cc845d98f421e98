import type { Endpoint } from "../../endpoint/endpoint.ts";
import type { AnyContext } from "../../handshake/handshake.ts";
import type { DurableStub } from "../../shims/workerd/workerd.ts";
import {
  type AdapterOptions,
  checkAdapterOptions,
  endpointOf,
  endpointOptionsOf,
} from "../../endpoint/adapter.ts";
import type { EndpointOptions } from "../../endpoint/options.ts";
import { invalidOption } from "../../common/errors.ts";
import { checkNames } from "../../common/option_names.ts";

/** Names of the options that only the adapter for Cloudflare has. */
const OWN_OPTIONS: readonly string[] = [
  "bindingName",
  "instanceName",
  "resolveDurableStub",
  "heartbeat",
];

/** A message that idle clients send to stay connected, and the answer to this message. */
export interface Heartbeat {
  /** Text that clients send, best every 25 s. Runs no hook, and wakes no object. */
  readonly request: string;
  /** Text of the answer. */
  readonly response: string;
}

/** A module Worker, for `export default`. */
export interface CloudflareWorker {
  /** Returns the response to a request. */
  fetch(request: Request, env: unknown, ctx: unknown): Promise<Response>;
}

/** Options of the adapter for Cloudflare. */
export interface CloudflareOptions<Context extends object = AnyContext>
  extends AdapterOptions<Context> {
  /**
   * Not possible here. One Durable Object is one room, which all clients of the room reach, so the
   * room needs no broker. An open connection to a broker would also keep the object from hibernation.
   * To publish into another room, call a method of its object by the stub.
   */
  readonly sync?: never;
  /**
   * Endpoint to share with other adapters: the same peers, topics and limits. For plain Workers
   * only: each Durable Object has its own endpoint.
   */
  readonly endpoint?: Endpoint;
  /**
   * Name of the binding to the class of Durable Objects that serves upgrade requests.
   *
   * @default `"$DurableObject"` if `env` has this binding. Otherwise the plain Worker serves the
   * requests, see `isolate` of the adapter
   */
  readonly bindingName?: string;
  /**
   * Name of the object that serves a request, or a function that returns the name. A publish
   * reaches the peers of one object.
   *
   * @default "onepeer"
   */
  readonly instanceName?: string | ((request: Request) => string);
  /**
   * Message that clients send to stay connected, and its answer, since Cloudflare sends no pings.
   * With this option, the adapter terminates clients that are silent for `limits.idleTimeout`.
   * Without this option, silent clients stay.
   *
   * A Durable Object has only one alarm, which this option needs too. So the adapter replaces
   * `setAlarm`, `getAlarm` and `deleteAlarm` of the object's storage. Use them as before: they
   * concern your own alarm only.
   *
   * @default none
   */
  readonly heartbeat?: Heartbeat;
  /** Alternative to `bindingName` and `instanceName`: returns the stub of the object for a request. */
  readonly resolveDurableStub?: (
    request: Request,
    env: unknown,
    ctx: unknown,
  ) => DurableStub | Promise<DurableStub>;
}

/** Options of the adapter's `worker()`. */
export interface WorkerOptions {
  /**
   * Name of the binding to the class of Durable Objects.
   *
   * @default the adapter's `bindingName`
   */
  readonly binding?: string;
  /**
   * Name of the object that serves a request.
   *
   * @default the adapter's `instanceName`
   */
  readonly instance?: string | ((request: Request) => string);
  /**
   * Answers all other requests.
   *
   * @default a 426 response, or 405 for a method other than GET
   */
  readonly fetch?: (
    request: Request,
    env: never,
    ctx: never,
  ) => Response | Promise<Response>;
}

/** Options of the endpoint of a Durable Object or an isolate. */
export interface CloudflareRoomOptions extends AdapterOptions {
  /** See {@linkcode CloudflareOptions.heartbeat}. */
  readonly heartbeat?: Heartbeat;
}

/**
 * @internal Checks the options of the adapter.
 *
 * @throws {TypeError} for an option that does not exist or has the wrong type.
 * @throws {RangeError} for a number out of range.
 */
export function checkCloudflare(
  options: AdapterOptions & {
    readonly bindingName?: unknown;
    readonly instanceName?: unknown;
    readonly resolveDurableStub?: unknown;
    readonly heartbeat?: unknown;
  },
): void {
  checkAdapterOptions(options, OWN_OPTIONS);
  if (options.sync !== undefined) {
    throw new TypeError(
      "Cannot use sync on Cloudflare as a broker's connection would keep the object from hibernation: " +
        "one Durable Object is one room, and its stub publishes from elsewhere",
    );
  }
  const { bindingName, instanceName, resolveDurableStub, heartbeat } = options;
  checkNamed("bindingName", bindingName, "instanceName", instanceName);
  if (resolveDurableStub !== undefined && typeof resolveDurableStub !== "function") {
    throw new TypeError(invalidOption("resolveDurableStub", "a function", resolveDurableStub));
  }
  if (heartbeat !== undefined && !isHeartbeat(heartbeat)) {
    throw new TypeError(invalidOption("heartbeat", '{ request: "…", response: "…" }', heartbeat));
  }
  endpointOf(options);
}

const WORKER_OPTIONS: readonly string[] = ["binding", "instance", "fetch"];

/**
 * @internal Checks the options of `worker()`.
 *
 * @throws {TypeError} for an option that does not exist or has the wrong type.
 */
export function checkWorker(
  options: { readonly binding?: unknown; readonly instance?: unknown; readonly fetch?: unknown },
): void {
  checkNames(options, WORKER_OPTIONS);
  checkNamed("binding", options.binding, "instance", options.instance);
  if (options.fetch === undefined || typeof options.fetch === "function") return;
  throw new TypeError(invalidOption("fetch", "a function", options.fetch));
}

function checkNamed(binding: string, name: unknown, instance: string, object: unknown): void {
  if (name !== undefined && (typeof name !== "string" || name === "")) {
    throw new TypeError(invalidOption(binding, "the name of a binding", name));
  }
  if (object === undefined || typeof object === "string" || typeof object === "function") return;
  throw new TypeError(invalidOption(instance, "a name, or a function that returns one", object));
}

function isHeartbeat(value: unknown): boolean {
  const { request, response } = Object(value) as Partial<Heartbeat>;
  return typeof request === "string" && typeof response === "string";
}

/**
 * @internal Checks and returns the options of a Durable Object's endpoint.
 *
 * @throws {TypeError} if `endpoint` is set, and for options that {@linkcode checkCloudflare}
 * rejects.
 */
export function checkDurable(options: AdapterOptions): EndpointOptions {
  checkCloudflare(options);
  if (!options.endpoint) return endpointOptionsOf(options);
  throw new TypeError(
    "Cannot share an endpoint as each Durable Object has its own: pass the options of createEndpoint()",
  );
}

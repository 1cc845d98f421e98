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

/** Options that only the adapter for Cloudflare has. */
const OWN_OPTIONS: readonly string[] = [
  "bindingName",
  "instanceName",
  "resolveDurableStub",
  "heartbeat",
];

/** What keeps idle clients from being given up. */
export interface Heartbeat {
  /** What clients send, well within `limits.idleTimeout`. No hook sees it, and it wakes no object. */
  readonly request: string;
  /** What they get for it. */
  readonly response: string;
}

/** Options of the adapter for Cloudflare. */
export interface CloudflareOptions<Context extends object = AnyContext>
  extends AdapterOptions<Context> {
  /** Shares peers, topics and limits with the other adapters over it: of plain Workers only, as each Durable Object has its own. */
  readonly endpoint?: Endpoint;
  /**
   * Name of the binding to the class of Durable Objects that serves upgrade requests.
   *
   * @default none: the plain Worker serves them, see `isolate` of the adapter
   */
  readonly bindingName?: string;
  /**
   * Name of the object that serves a request: peers of one object hear each other.
   *
   * @default "onepeer"
   */
  readonly instanceName?: string | ((request: Request) => string);
  /**
   * A message that clients send to show that they are there, and what they get for it, as Cloudflare
   * does not send pings. No hook sees it, and no object is woken by it. With it, clients that are
   * silent for `limits.idleTimeout` are given up; without, none.
   *
   * @default none
   */
  readonly heartbeat?: Heartbeat;
  /** Finds the object itself, in place of `bindingName` and `instanceName`. */
  readonly resolveDurableStub?: (
    request: Request,
    env: unknown,
    ctx: unknown,
  ) => DurableStub | Promise<DurableStub>;
}

/** Options of the adapter's `worker()`. */
export interface WorkerOptions {
  /** Name of the binding to the class of Durable Objects; the adapter's own if left out, else none. */
  readonly binding?: string;
  /** Name of the object that serves a request; the adapter's own if left out. */
  readonly instance?: string | ((request: Request) => string);
  /** Answers what is no upgrade request. Else that gets a 426. */
  readonly fetch?: (
    request: Request,
    env: never,
    ctx: never,
  ) => Response | Promise<Response>;
}

/** Options of a Durable Object's room, and of an isolate's. */
export interface CloudflareRoomOptions extends AdapterOptions {
  /** See the adapter. */
  readonly heartbeat?: Heartbeat;
}

/**
 * @internal Finds mistakes before the first client does.
 *
 * @throws {TypeError} for an option that does not exist or is of the wrong kind.
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
 * @internal Finds mistakes in the options of a Worker.
 *
 * @throws {TypeError} for an option that does not exist or is of the wrong kind.
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
  throw new TypeError(invalidOption(instance, "a name, or a function that finds it", object));
}

function isHeartbeat(value: unknown): boolean {
  const { request, response } = Object(value) as Partial<Heartbeat>;
  return typeof request === "string" && typeof response === "string";
}

/**
 * @internal The options of an object's own endpoint.
 *
 * @throws {TypeError} for an endpoint to share, and wrong options.
 */
export function checkDurable(options: AdapterOptions): EndpointOptions {
  checkCloudflare(options);
  if (!options.endpoint) return endpointOptionsOf(options);
  throw new TypeError(
    "Cannot share an endpoint as each Durable Object has its own: pass the options of createEndpoint()",
  );
}

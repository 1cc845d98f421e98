import {
  type AdapterOptions,
  checkHeaderNames,
  checkNames,
  endpointOf,
} from "../../endpoint/adapter.ts";
import { checkDeflate } from "../../handshake/deflate_options.ts";
import { invalidOption } from "../../common/errors.ts";

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
  checkNames(options, OWN_OPTIONS);
  checkDeflate(options.perMessageDeflate);
  checkHeaderNames(options.retainHeaders);
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
  const unknown = Object.keys(options).find((name) => !WORKER_OPTIONS.includes(name));
  if (unknown) {
    throw new TypeError(
      `Cannot use ${unknown} as worker() has no such option: known are ${
        WORKER_OPTIONS.join(", ")
      }`,
    );
  }
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
export function checkDurable(options: AdapterOptions): AdapterOptions {
  checkCloudflare(options);
  if (!options.endpoint) return options;
  throw new TypeError(
    "Cannot share an endpoint as each Durable Object has its own: pass the options of createEndpoint()",
  );
}

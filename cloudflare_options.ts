import { type AdapterOptions, checkHeaderNames, checkNames, endpointOf } from "./adapter.ts";
import { checkDeflate } from "./deflate_options.ts";

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
export function checkCloudflare(options: AdapterOptions): void {
  checkNames(options, OWN_OPTIONS);
  checkDeflate(options.perMessageDeflate);
  checkHeaderNames(options.retainHeaders);
  endpointOf(options);
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

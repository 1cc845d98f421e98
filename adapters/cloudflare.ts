/**
 * WebSockets on Cloudflare: in Durable Objects, or in plain Workers.
 *
 * In a Durable Object, peers survive hibernation. In a plain Worker, a publish reaches the peers of
 * one isolate only.
 *
 * @example
 * ```ts ignore
 * import { DurableObject } from "cloudflare:workers";
 * import adapter from "@onepeer/onepeer/adapters/cloudflare";
 *
 * const ws = adapter({ hooks: { message: (peer, message) => void peer.send(message) } });
 *
 * export class Room extends ws.durable(DurableObject) {}
 * export default ws.worker({ binding: "Room" });
 * ```
 *
 * @module
 */
import {
  checkCloudflare,
  checkWorker,
  type CloudflareOptions,
  type CloudflareWorker,
  type Heartbeat,
  type WorkerOptions,
} from "./cloudflare/options.ts";
import {
  type DurableClass,
  durableClass,
  type DurableMethods,
} from "./cloudflare/durable_class.ts";
import { DurableEndpoint } from "./cloudflare/durable_endpoint.ts";
import { IsolateEndpoint } from "./cloudflare/isolate_endpoint.ts";
import { defaultBinding, forward, stubOf } from "./cloudflare/stub.ts";
import { bindMethods } from "../common/bind_methods.ts";
import { logError } from "../common/errors.ts";
import type { EndpointPublishOptions } from "../endpoint/call_options.ts";
import type { AnyContext } from "../handshake/handshake.ts";
import type { WorkerContext } from "../shims/workerd/request_context.ts";
import { SharedAlarm } from "../shims/workerd/shared_alarm.ts";
import type {
  CloudflareSocket,
  DurableContext,
  DurableKv,
  DurableNamespace,
  DurableSql,
  DurableStorage,
  DurableStub,
} from "../shims/workerd/workerd.ts";

export type { CloudflareRequestRuntime } from "../shims/workerd/upgrade.ts";
export type {
  CloudflareOptions,
  CloudflareSocket,
  CloudflareWorker,
  DurableClass,
  DurableContext,
  DurableEndpoint,
  DurableKv,
  DurableMethods,
  DurableNamespace,
  DurableSql,
  DurableStorage,
  DurableStub,
  Heartbeat,
  IsolateEndpoint,
  WorkerContext,
  WorkerOptions,
};

/** The adapter for Cloudflare. */
export class CloudflareAdapter {
  readonly #options: CloudflareOptions;
  readonly #endpoints = new WeakMap<object, DurableEndpoint>();
  #isolate: IsolateEndpoint | undefined;
  #objectsHavePeers: boolean;

  /** @internal Called by {@linkcode adapter}. */
  constructor(options: CloudflareOptions) {
    checkCloudflare(options);
    bindMethods(this);
    this.#options = options;
    this.#objectsHavePeers = Boolean(options.bindingName || options.resolveDurableStub);
  }

  /**
   * Returns the response to an upgrade request. The response comes from the Durable Object that the
   * options select, or else from this Worker.
   *
   * @throws {TypeError} if the binding is missing in `env`, or a plain Worker passes no `ctx`.
   */
  handleUpgrade(request: Request, env: unknown, ctx: unknown): Promise<Response> {
    return this.#upgrade(request, env, ctx, {});
  }

  /** Serves an upgrade request. A binding of `worker()` counts before the adapter's options. */
  async #upgrade(
    request: Request,
    env: unknown,
    ctx: unknown,
    { binding, instance }: WorkerOptions,
  ): Promise<Response> {
    const { resolveDurableStub, bindingName, instanceName } = this.#options;
    if (resolveDurableStub && !binding) {
      return await forward(request, await resolveDurableStub(request, env, ctx));
    }
    const name = binding ?? bindingName ?? defaultBinding(env);
    if (name) return await forward(request, stubOf(request, env, name, instance ?? instanceName));
    return await this.isolate.handleUpgrade(request, env, ctx as WorkerContext);
  }

  /**
   * Endpoint of a plain Worker, for the peers **in this isolate**. Cloudflare runs a Worker in many
   * isolates at once. To reach all clients, use a Durable Object.
   *
   * @example
   * ```ts ignore
   * const ws = adapter({ hooks: { open: (peer) => peer.subscribe("news") } });
   * export default ws.worker({
   *   fetch: async (request) => Response.json(ws.isolate.publish("news", await request.text())),
   * });
   * ```
   */
  get isolate(): IsolateEndpoint {
    return this.#isolate ??= new IsolateEndpoint(this.#options);
  }

  /**
   * Peers of this isolate, by namespace. Same as `isolate.peers`.
   *
   * @throws {TypeError} if Durable Objects have the peers.
   */
  get peers(): IsolateEndpoint["peers"] {
    return this.#own("read peers").peers;
  }

  /**
   * Sends one message to each subscriber of a topic in this isolate. Same as `isolate.publish()`.
   *
   * @throws {TypeError} if Durable Objects have the peers.
   */
  publish(topic: string, data: unknown, options?: EndpointPublishOptions): number {
    return this.#own("publish").publish(topic, data, options);
  }

  #own(what: string): IsolateEndpoint {
    if (!this.#objectsHavePeers) return this.isolate;
    throw new TypeError(
      `Cannot ${what} here as each Durable Object has its own peers: use room(object) in the object, or webSocketPublish() of its stub`,
    );
  }

  /**
   * Creates a Worker that serves upgrade requests.
   *
   * With `export default ws.worker({ binding: "Room" })`, Durable Objects serve the requests. Without
   * a binding, the Worker itself serves them, see {@linkcode isolate}.
   */
  worker(options: WorkerOptions = {}): CloudflareWorker {
    checkWorker(options);
    const { fetch } = options;
    return {
      fetch: async (request, env, ctx) => {
        const isUpgrade = request.headers.get("upgrade")?.toLowerCase() === "websocket";
        if (fetch && !isUpgrade) return await fetch(request, env as never, ctx as never);
        try {
          return await this.#upgrade(request, env, ctx, options);
        } catch (error) {
          // If a Worker throws during an upgrade request, wrangler 4 shows a different error.
          logError("an upgrade request could not be served", error);
          return new Response("Internal Server Error\n", { status: 500 });
        }
      },
    };
  }

  /**
   * Creates a class of Durable Objects that serves this adapter's peers.
   *
   * @param base `DurableObject` of `cloudflare:workers`, or your own class that extends it. The class
   * is a parameter because only workerd can import `cloudflare:workers`. Sockets that your class has
   * accepted itself still reach its `webSocketMessage`, `webSocketClose` and `webSocketError`. In the
   * object's storage, keys that begin with `__onepeer__:` belong to the adapter.
   *
   * @example
   * ```ts ignore
   * export class Room extends ws.durable(DurableObject) {
   *   override async fetch(request: Request) {
   *     if (new URL(request.url).pathname === "/count") return new Response(`${ws.room(this).peers.size}`);
   *     return await super.fetch(request);
   *   }
   * }
   * ```
   */
  durable<Base extends DurableClass>(
    base: Base,
  ): new (...args: ConstructorParameters<Base>) => InstanceType<Base> & DurableMethods {
    this.#objectsHavePeers = true;
    return durableClass(
      base,
      (ctx) => this.#options.heartbeat && SharedAlarm.of(ctx).share(),
      (object, ctx, env) => this.handleDurableInit(object, ctx, env),
    );
  }

  /**
   * Returns `peers`, `stats`, `publish`, `closeAll` and `close` of a Durable Object.
   *
   * @throws {TypeError} if this adapter does not serve the object.
   */
  room(object: object): DurableEndpoint {
    const endpoint = this.#endpoints.get(object);
    if (endpoint) return endpoint;
    throw new TypeError(
      "Cannot serve this object as handleDurableInit(object, ctx, env) was not called in its constructor",
    );
  }

  /**
   * Starts to serve a Durable Object. Call this method in the object's constructor.
   *
   * @throws {TypeError} if the option `endpoint` is set.
   */
  handleDurableInit(object: object, ctx: DurableContext, env?: unknown): DurableEndpoint {
    const endpoint = new DurableEndpoint(this.#options, ctx, env);
    this.#objectsHavePeers = true;
    this.#endpoints.set(object, endpoint);
    return endpoint;
  }

  /** Returns the response to an upgrade request. Call this method in the object's `fetch`. */
  handleDurableUpgrade(object: object, request: Request): Promise<Response> {
    return this.room(object).handleUpgrade(request);
  }

  /** Handles a message. Call this method in `webSocketMessage`, and return the promise. */
  handleDurableMessage(
    object: object,
    socket: object,
    message: string | ArrayBuffer,
  ): Promise<void> {
    return this.room(object).handleMessage(socket as CloudflareSocket, message);
  }

  /** Handles a close. Call this method in `webSocketClose`, and return the promise. */
  handleDurableClose(
    object: object,
    socket: object,
    code: number,
    reason: string,
    wasClean: boolean,
  ): Promise<void> {
    return this.room(object).handleClose(socket as CloudflareSocket, code, reason, wasClean);
  }

  /** Handles an error. Call this method in `webSocketError`, and return the promise. */
  handleDurableError(object: object, socket: object, error: unknown): Promise<void> {
    return this.room(object).handleError(socket as CloudflareSocket, error);
  }

  /**
   * Handles the object's alarm, which the option `heartbeat` uses. Call this method in `alarm`.
   *
   * @returns Whether your own alarm is due. An object has only one alarm, so your class and the
   * adapter share the alarm.
   */
  handleDurableAlarm(object: object): Promise<boolean> {
    return this.room(object).handleAlarm();
  }

  /**
   * Sends one message to each subscriber of a topic in this object. Call this method in a method that
   * Workers call by RPC.
   *
   * @returns Number of peers that accepted the message.
   */
  handleDurablePublish(
    object: object,
    topic: string,
    data: unknown,
    options?: EndpointPublishOptions,
  ): number {
    return this.room(object).publish(topic, data, options);
  }
}

/**
 * Creates the adapter for Cloudflare.
 *
 * @throws {TypeError} for an option that does not exist or has the wrong type.
 * @throws {RangeError} for a number out of range.
 */
export function adapter<Context extends object = AnyContext>(
  options: CloudflareOptions<Context> = {},
): CloudflareAdapter {
  return new CloudflareAdapter(options as unknown as CloudflareOptions);
}

export default adapter;

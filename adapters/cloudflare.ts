/**
 * WebSockets on Cloudflare: in Durable Objects, whose peers outlive the object's memory, or in plain
 * Workers, whose peers hear each other as far as one isolate goes.
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
import type { AdapterOptions } from "../endpoint/adapter.ts";
import { checkCloudflare, checkWorker, type Heartbeat } from "./cloudflare/options.ts";
import { DurableEndpoint } from "./cloudflare/durable_endpoint.ts";
import type { Endpoint, EndpointPublishOptions } from "../endpoint/endpoint.ts";
import { logError } from "../common/errors.ts";
import {
  type AnyContext,
  isLegalHost,
  refusalResponse,
  validateHandshake,
} from "../handshake/handshake.ts";
import { IsolateEndpoint } from "./cloudflare/isolate_endpoint.ts";
import type { WorkerContext } from "../shims/workerd/request_context.ts";
import {
  type CloudflareSocket,
  type DurableContext,
  type DurableKv,
  type DurableNamespace,
  type DurableStorage,
  type DurableStub,
  handshakeOf,
} from "../shims/workerd/workerd.ts";

export type {
  CloudflareSocket,
  DurableContext,
  DurableEndpoint,
  DurableKv,
  DurableNamespace,
  DurableStorage,
  DurableStub,
  Heartbeat,
  IsolateEndpoint,
  WorkerContext,
};

/** Options of the adapter for Cloudflare. */
export interface CloudflareOptions<Context extends object = AnyContext>
  extends AdapterOptions<Context> {
  /** Shares peers, topics and limits with the other adapters over it: of plain Workers only, as each Durable Object has its own. */
  readonly endpoint?: Endpoint;
  /**
   * Name of the binding to the class of Durable Objects that serves upgrade requests.
   *
   * @default none: the plain Worker serves them, see {@linkcode CloudflareAdapter.isolate}
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

/** Options of {@linkcode CloudflareAdapter.worker}. */
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

/** A module Worker: what `export default` takes. */
export interface CloudflareWorker {
  /** Answers a request. */
  fetch(request: Request, env: unknown, ctx: unknown): Promise<Response>;
}

/** What {@linkcode CloudflareAdapter.durable} adds to a class of Durable Objects. */
export interface DurableMethods {
  /** Answers upgrade requests. */
  fetch(request: Request): Promise<Response>;
  /** Called by the runtime. */
  webSocketMessage(socket: object, message: string | ArrayBuffer): Promise<void>;
  /** Called by the runtime. */
  webSocketClose(socket: object, code: number, reason: string, wasClean: boolean): Promise<void>;
  /** Called by the runtime. */
  webSocketError(socket: object, error: unknown): Promise<void>;
  /** Called by the runtime; calls the `alarm` of the class below where that has set one. */
  alarm(info?: unknown): Promise<void>;
  /**
   * Sends one message to each subscriber of a topic in this object; call it on the object's stub.
   *
   * @returns how many peers took it.
   */
  webSocketPublish(topic: string, data: unknown, options?: EndpointPublishOptions): number;
}

/** `DurableObject` of `cloudflare:workers`, or a class that extends it. */
// deno-lint-ignore no-explicit-any -- a mixin's constructor must take any arguments (TypeScript error 2545)
export type DurableClass = abstract new (...args: any[]) => object;

/** WebSockets on Cloudflare. */
export class CloudflareAdapter {
  readonly #options: CloudflareOptions;
  readonly #rooms = new WeakMap<object, DurableEndpoint>();
  #isolate: IsolateEndpoint | undefined;

  /** @internal Made by {@linkcode adapter}. */
  constructor(options: CloudflareOptions) {
    checkCloudflare(options);
    this.#options = options;
  }

  /**
   * Answers an upgrade request: by the Durable Object that serves it, or by this Worker where the
   * options name none.
   *
   * @throws {TypeError} where the binding is missing from `env`, and for a plain Worker without `ctx`.
   */
  async handleUpgrade(request: Request, env: unknown, ctx: unknown): Promise<Response> {
    const { resolveDurableStub, bindingName, instanceName } = this.#options;
    if (resolveDurableStub) {
      return await forward(request, await resolveDurableStub(request, env, ctx));
    }
    if (bindingName) return await forward(request, stubOf(request, env, bindingName, instanceName));
    return await this.isolate.handleUpgrade(request, env, ctx as WorkerContext);
  }

  /**
   * What plain Workers serve **in this isolate**: `peers`, `stats`, `publish`, `closeAll`, `close`.
   * Cloudflare runs a Worker in many isolates at once, so these are not all clients of the Worker: who
   * must reach all of them uses a Durable Object.
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
   * A Worker that serves upgrade requests: `export default ws.worker({ binding: "Room" })` by Durable
   * Objects, `export default ws.worker()` by itself, see {@linkcode isolate}.
   */
  worker(options: WorkerOptions = {}): CloudflareWorker {
    checkWorker(options);
    const { bindingName, instanceName } = this.#options;
    const { binding = bindingName, instance = instanceName, fetch } = options;
    return {
      fetch: async (request, env, ctx) => {
        const isUpgrade = request.headers.get("upgrade")?.toLowerCase() === "websocket";
        if (fetch && !isUpgrade) return await fetch(request, env as never, ctx as never);
        try {
          if (!binding) return await this.handleUpgrade(request, env, ctx);
          return await forward(request, stubOf(request, env, binding, instance));
        } catch (error) {
          // Where a Worker throws at an upgrade request, wrangler 4 shows an error of its own.
          logError("an upgrade request could not be served", error);
          return new Response("Internal Server Error\n", { status: 500 });
        }
      },
    };
  }

  /**
   * A class of Durable Objects that serves this adapter's peers.
   *
   * @param base `DurableObject` of `cloudflare:workers`, which no other runtime can import, or a class of your own.
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
    // deno-lint-ignore no-this-alias -- of the class below, `this` is its own
    const ws = this;
    // deno-lint-ignore no-explicit-any -- as in DurableClass
    const Base = base as unknown as new (...args: any[]) => object;
    class Served extends Base implements DurableMethods {
      // deno-lint-ignore no-explicit-any -- as in DurableClass
      constructor(...args: any[]) {
        super(...args);
        ws.handleDurableInit(this, args[0], args[1]);
      }
      fetch(request: Request): Promise<Response> {
        return ws.handleDurableUpgrade(this, request);
      }
      webSocketMessage(socket: object, message: string | ArrayBuffer): Promise<void> {
        return ws.handleDurableMessage(this, socket, message);
      }
      webSocketClose(
        socket: object,
        code: number,
        reason: string,
        wasClean: boolean,
      ): Promise<void> {
        return ws.handleDurableClose(this, socket, code, reason, wasClean);
      }
      webSocketError(socket: object, error: unknown): Promise<void> {
        return ws.handleDurableError(this, socket, error);
      }
      async alarm(info?: unknown): Promise<void> {
        if (!(await ws.handleDurableAlarm(this))) return;
        const own = Base.prototype as { alarm?(info: unknown): unknown };
        await own.alarm?.call(this, info);
      }
      webSocketPublish(topic: string, data: unknown, options?: EndpointPublishOptions): number {
        return ws.handleDurablePublish(this, topic, data, options);
      }
    }
    return Served as unknown as ReturnType<typeof this.durable<Base>>;
  }

  /** What an object serves: `peers`, `stats`, `publish`, `closeAll`, `close`. */
  room(object: object): DurableEndpoint {
    const room = this.#rooms.get(object);
    if (room) return room;
    throw new TypeError(
      "Cannot serve this object as handleDurableInit(object, ctx, env) was not called in its constructor",
    );
  }

  /** Call it in the object's constructor. */
  handleDurableInit(object: object, ctx: DurableContext, env?: unknown): DurableEndpoint {
    const room = new DurableEndpoint(this.#options, ctx, env);
    this.#rooms.set(object, room);
    return room;
  }

  /** Answers an upgrade request: call it in the object's `fetch`. */
  handleDurableUpgrade(object: object, request: Request): Promise<Response> {
    return this.room(object).handleUpgrade(request);
  }

  /** Call it in the object's `webSocketMessage`, and return its promise. */
  handleDurableMessage(
    object: object,
    socket: object,
    message: string | ArrayBuffer,
  ): Promise<void> {
    return this.room(object).handleMessage(socket as CloudflareSocket, message);
  }

  /** Call it in the object's `webSocketClose`, and return its promise. */
  handleDurableClose(
    object: object,
    socket: object,
    code: number,
    reason: string,
    wasClean: boolean,
  ): Promise<void> {
    return this.room(object).handleClose(socket as CloudflareSocket, code, reason, wasClean);
  }

  /** Call it in the object's `webSocketError`, and return its promise. */
  handleDurableError(object: object, socket: object, error: unknown): Promise<void> {
    return this.room(object).handleError(socket as CloudflareSocket, error);
  }

  /**
   * Call it in the object's `alarm` where the option `heartbeat` is used: the object has one alarm.
   *
   * @returns whether it is the alarm that you have set.
   */
  handleDurableAlarm(object: object): Promise<boolean> {
    return this.room(object).handleAlarm();
  }

  /** Sends one message to each subscriber of a topic in this object: for a method that Workers call by RPC. */
  handleDurablePublish(
    object: object,
    topic: string,
    data: unknown,
    options?: EndpointPublishOptions,
  ): number {
    return this.room(object).publish(topic, data, options);
  }
}

/** Makes the adapter for Cloudflare. */
export function adapter<Context extends object = AnyContext>(
  options: CloudflareOptions<Context> = {},
): CloudflareAdapter {
  return new CloudflareAdapter(options as unknown as CloudflareOptions);
}

export default adapter;

function stubOf(
  request: Request,
  env: unknown,
  binding: string,
  instance: string | ((request: Request) => string) = "onepeer",
): DurableStub {
  const namespace = (env as Record<string, DurableNamespace | undefined>)?.[binding];
  if (typeof namespace?.idFromName !== "function") throw bindingMissing(binding);
  const name = typeof instance === "string" ? instance : instance(request);
  return namespace.get(namespace.idFromName(name) as never);
}

/** Has an object answer; refuses here what workerd 2026-11 would not get to it as it came. */
async function forward(request: Request, stub: DurableStub): Promise<Response> {
  const isWhole = request.method === "GET" && isLegalHost(request.headers.get("host"));
  const refusal = isWhole ? undefined : validateHandshake(handshakeOf(request));
  return refusal ? refusalResponse(refusal) : await stub.fetch(request);
}

function bindingMissing(binding: string): TypeError {
  return new TypeError(
    `Cannot find the Durable Object as env.${binding} is no binding to a class of them: add to wrangler.jsonc
  "durable_objects": { "bindings": [{ "name": "${binding}", "class_name": "${binding}" }] },
  "migrations": [{ "tag": "v1", "new_sqlite_classes": ["${binding}"] }]`,
  );
}

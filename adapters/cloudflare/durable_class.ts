import type { DurableEndpoint } from "./durable_endpoint.ts";
import type { EndpointPublishOptions } from "../../endpoint/call_options.ts";
import {
  answerClose,
  type CloudflareSocket,
  type DurableContext,
} from "../../shims/workerd/workerd.ts";

/** Methods that the adapter's `durable()` adds to a class of Durable Objects. */
export interface DurableMethods {
  /** Answers upgrade requests. */
  fetch(request: Request): Promise<Response>;
  /** Called by the runtime. Calls the base class for a socket that the base class has accepted. */
  webSocketMessage(socket: object, message: string | ArrayBuffer): Promise<void>;
  /** Called by the runtime, as {@linkcode webSocketMessage}. */
  webSocketClose(socket: object, code: number, reason: string, wasClean: boolean): Promise<void>;
  /** Called by the runtime, as {@linkcode webSocketMessage}. */
  webSocketError(socket: object, error: unknown): Promise<void>;
  /** Called by the runtime. Calls `alarm` of the base class if that alarm is due. */
  alarm(info?: unknown): Promise<void>;
  /**
   * Sends one message to each subscriber of a topic in this object. Call it on the object's stub.
   *
   * @returns Number of peers that accepted the message.
   */
  webSocketPublish(topic: string, data: unknown, options?: EndpointPublishOptions): number;
}

/** `DurableObject` of `cloudflare:workers`, or a class that extends it. */
// deno-lint-ignore no-explicit-any -- a mixin's constructor must take any arguments (TypeScript error 2545)
export type DurableClass = abstract new (...args: any[]) => object;

/** Handlers that the base class may have, for sockets and alarms of its own. */
interface BaseHandlers {
  alarm?(info: unknown): unknown;
  webSocketMessage?(socket: object, message: string | ArrayBuffer): unknown;
  webSocketClose?(socket: object, code: number, reason: string, wasClean: boolean): unknown;
  webSocketError?(socket: object, error: unknown): unknown;
}

/**
 * @internal Creates a class of Durable Objects. `prepare` runs before the constructor of the base
 * class, and `init` creates the endpoint of each object.
 */
export function durableClass<Base extends DurableClass>(
  base: Base,
  prepare: (ctx: DurableContext) => void,
  init: (object: object, ctx: DurableContext, env: unknown) => DurableEndpoint,
): new (...args: ConstructorParameters<Base>) => InstanceType<Base> & DurableMethods {
  // deno-lint-ignore no-explicit-any -- as in DurableClass
  const Base = base as unknown as new (...args: any[]) => object;
  const own = Base.prototype as BaseHandlers;
  class Served extends Base implements DurableMethods {
    readonly #endpoint: DurableEndpoint;

    // deno-lint-ignore no-explicit-any -- as in DurableClass
    constructor(...args: any[]) {
      prepare(args[0]);
      super(...args);
      this.#endpoint = init(this, args[0], args[1]);
    }

    fetch(request: Request): Promise<Response> {
      return this.#endpoint.handleUpgrade(request);
    }

    async webSocketMessage(socket: object, message: string | ArrayBuffer): Promise<void> {
      if (!this.#endpoint.isOurs(socket)) await own.webSocketMessage?.call(this, socket, message);
      else await this.#endpoint.handleMessage(socket as CloudflareSocket, message);
    }

    async webSocketClose(
      socket: object,
      code: number,
      reason: string,
      wasClean: boolean,
    ): Promise<void> {
      if (this.#endpoint.isOurs(socket)) {
        await this.#endpoint.handleClose(socket as CloudflareSocket, code, reason, wasClean);
      } else if (own.webSocketClose) {
        await own.webSocketClose.call(this, socket, code, reason, wasClean);
      } else answerClose(socket as CloudflareSocket, code, reason);
    }

    async webSocketError(socket: object, error: unknown): Promise<void> {
      if (!this.#endpoint.isOurs(socket)) await own.webSocketError?.call(this, socket, error);
      else await this.#endpoint.handleError(socket as CloudflareSocket, error);
    }

    async alarm(info?: unknown): Promise<void> {
      if (!(await this.#endpoint.handleAlarm())) return;
      let hasFailed = true;
      try {
        await own.alarm?.call(this, info);
        hasFailed = false;
      } finally {
        await this.#endpoint.alarmEnded(hasFailed);
      }
    }

    webSocketPublish(topic: string, data: unknown, options?: EndpointPublishOptions): number {
      return this.#endpoint.publish(topic, data, options);
    }
  }
  return Served as unknown as ReturnType<typeof durableClass<Base>>;
}

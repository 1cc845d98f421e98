/**
 * The protocol between the bench and the programs for Durable Objects. The first segment of a path is
 * the name of the object.
 *
 * - `GET /ROOM?topic=00042` upgrades, and subscribes to topic `00042`.
 * - `GET /ROOM?context=1024&messages=10&topics=3` upgrades a client with a context of 1,024 bytes that
 *   holds 10 messages, and subscribes to 3 topics.
 * - A text `p00042x10…` makes the object publish the text ten times in one turn to topic `00042`.
 * - The object answers a text `read` with `10/3 7`: the length of the context's history, its count, and
 *   the number of objects of the class that were created so far.
 * - A text `count` increases the count of the context, if there is a context, and gets no answer.
 * - A text `update` increases the count too, and gets the answer to `read`.
 * - `GET /ROOM/count?times=100` makes the object handle 100 messages `count` of its client.
 * - `POST /ROOM/evict` removes the object from memory.
 *
 * @module
 */

import type { DurableContext } from "../../adapters/cloudflare.ts";
import type { CloudflareSocket } from "../../shims/workerd/workerd.ts";
import { topicOf } from "./commands.ts";

/** The `ctx` of an object. */
export type Context = Omit<DurableContext, "getWebSockets"> & {
  getWebSockets(): CloudflareSocket[];
};

/** `DurableObject` of `cloudflare:workers`, which only workerd can import. */
export interface DurableClass<Instance extends object = object> {
  // deno-lint-ignore no-explicit-any -- a mixin's constructor must take any arguments (TypeScript error 2545)
  new (...args: any[]): Instance & { readonly ctx: Context };
}

/** The methods that the bench needs in an object. */
interface BenchObject {
  fetch(request: Request): Promise<Response>;
  webSocketMessage(socket: object, message: string): Promise<void> | void;
}

/** Makes the class of a program, from `DurableObject`. */
export type ClassOf = (base: DurableClass) => DurableClass<BenchObject>;

/** The context of a client, with a history of messages. */
export interface MemberContext {
  readonly name: string;
  count: number;
  readonly history: readonly {
    readonly id: number;
    readonly at: number;
    readonly text: string;
  }[];
}

/** Bytes of a message in the history, without its text. */
const MESSAGE = 44;

/** The context that the query of a client selects. */
export function contextOf(url: string): MemberContext | undefined {
  const size = numberIn(url, "context"), length = numberIn(url, "messages");
  if (size === 0) return undefined;
  const history = Array.from({ length }, (_, index) => ({
    id: 100_000 + index,
    at: 1_790_000_000_000 + index,
    text: `${index} and the peers of one room hear each other `.padEnd(
      size / length - MESSAGE,
      ".",
    ),
  }));
  return { name: "member", count: 0, history };
}

/** The topics that the query of a client selects: one by its number, or a number of topics. */
export function topicsOf(url: string): string[] {
  const length = numberIn(url, "topics");
  const many = Array.from({ length }, (_, index) => `room-${100_000 + index}`);
  return [...many, topicOf(url) ?? []].flat();
}

function numberIn(url: string, name: string): number {
  return Number(new URL(url).searchParams.get(name));
}

/** The answer to `read`. */
export function stateText(context: Partial<MemberContext> | undefined): string {
  return `${context?.history?.length ?? 0}/${context?.count ?? 0} ${instances}`;
}

let instances = 0;

/** Adds the bench's requests to the class of a program. */
export function benchObject(classOf: ClassOf, base: DurableClass): DurableClass {
  return class Room extends classOf(base) {
    // deno-lint-ignore no-explicit-any -- as in DurableClass
    constructor(...args: any[]) {
      super(...args);
      instances++;
    }

    override async fetch(request: Request): Promise<Response> {
      const times = /\/count\?times=(\d+)/.exec(request.url)?.[1];
      if (times === undefined) return await super.fetch(request);
      const [socket] = this.ctx.getWebSockets();
      for (let i = 0; i < Number(times); i++) await this.webSocketMessage(socket!, "count");
      return new Response(`${instances}`);
    }
  };
}

interface Env {
  readonly Room: { idFromName(name: string): object; get(id: object): Stub };
}

interface Stub {
  fetch(request: Request): Promise<Response>;
}

/** The Worker in front of the objects. */
export function benchWorker(evict: (stub: Stub) => Promise<void>): object {
  return {
    async fetch(request: Request, env: Env): Promise<Response> {
      const [, name = "", action] = new URL(request.url).pathname.split("/");
      const stub = env.Room.get(env.Room.idFromName(name));
      if (action !== "evict") return await stub.fetch(request);
      await evict(stub);
      return new Response();
    },
  };
}

/**
 * What the bench and every program for Durable Objects have agreed on. The first segment of a path
 * names the object.
 *
 * - `GET /ROOM?topic=00042` upgrades, and listens to that topic.
 * - `GET /ROOM?context=1024&messages=10&topics=3` upgrades a member with so large a context, of so
 *   many messages, in so many topics.
 * - A text `p00042x10…` is published, all of it, ten times in one turn, to topic `00042`.
 * - A text `stateText` is answered by `10/3 7`: the context's history and count, and how many objects of
 *   that class there have been. A text `count` is counted in the context, if there is one; nobody
 *   answers. A text `sign` is counted and answered.
 * - `GET /ROOM/count?times=100` has the object handle so many messages `count` of its member.
 * - `POST /ROOM/evict` takes the object out of memory.
 *
 * @module
 */

import type { DurableContext } from "../../adapters/cloudflare.ts";
import type { CloudflareSocket } from "../../shims/workerd/workerd.ts";
import { topicOf } from "./commands.ts";

/** What an object knows of itself. */
export type Context = Omit<DurableContext, "getWebSockets"> & {
  getWebSockets(): CloudflareSocket[];
};

/** `DurableObject` of `cloudflare:workers`, which only workerd can import. */
export interface DurableClass<Instance extends object = object> {
  // deno-lint-ignore no-explicit-any -- a mixin's constructor must take any arguments (TypeScript error 2545)
  new (...args: any[]): Instance & { readonly ctx: Context };
}

/** What an object has to be for the bench. */
interface BenchObject {
  fetch(request: Request): Promise<Response>;
  webSocketMessage(socket: object, message: string): Promise<void> | void;
}

/** The class that a program serves, made over `DurableObject`. */
export type ClassOf = (base: DurableClass) => DurableClass<BenchObject>;

/** What a member is known by: a history of its messages. */
export interface MemberContext {
  readonly name: string;
  count: number;
  readonly history: readonly {
    readonly id: number;
    readonly at: number;
    readonly text: string;
  }[];
}

/** Bytes of one message in a history, beside its text. */
const MESSAGE = 44;

/** The context that a client asks for. */
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

/** The topics that a client asks for: one by its number, or so many. */
export function topicsOf(url: string): string[] {
  const length = numberIn(url, "topics");
  const many = Array.from({ length }, (_, index) => `room-${100_000 + index}`);
  return [...many, topicOf(url) ?? []].flat();
}

function numberIn(url: string, name: string): number {
  return Number(new URL(url).searchParams.get(name));
}

/** The answer to `stateText`. */
export function stateText(context: Partial<MemberContext> | undefined): string {
  return `${context?.history?.length ?? 0}/${context?.count ?? 0} ${instances}`;
}

let instances = 0;

/** The class of a program as the bench serves it. */
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

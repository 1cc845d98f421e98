/**
 * A node of the fleet: `fleet_node.ts JSON`, with {@linkcode NodeOptions}. Prints `LISTENING` and its URL,
 * and ends with its standard input.
 *
 * @module
 */
import process from "node:process";
import { createClient } from "@redis/client";
import { Redis } from "ioredis";
import type { Peer } from "../../peer.ts";
import { serve } from "../../server/mod.ts";
import { redis } from "../../sync/redis.ts";
import type { SubscribeResult } from "../../pubsub/history/subscribe_options.ts";

/** Settings of a node. */
export interface NodeOptions {
  /** Port of Redis, or of a proxy before Redis. */
  readonly port: number;
  readonly library: "ioredis" | "node-redis";
  /** Most messages of a history. */
  readonly size: number;
  readonly ttl: number;
}

/** A message from a client to its node. */
export type Request =
  | { readonly subscribe: string; readonly since?: string | undefined }
  | { readonly publish: string; readonly topic: string }
  | { readonly commit: string; readonly topic: string; readonly key: string }
  /** Shifts the clock of the node by milliseconds. */
  | { readonly clock: number }
  | { readonly status: true };

/** A message from a node to a client. `text` has a position, and is a message of the topic. */
export type Notice =
  | { readonly text: string; readonly position: string }
  | { readonly subscribed: SubscribeResult }
  | { readonly gap: string }
  | { readonly committed: string; readonly position: string }
  | { readonly failed: string; readonly code: string }
  | { readonly status: { readonly up: number; readonly rss: number } };

const RealDate = Date;
const { port, library, size, ttl } = JSON.parse(process.argv[2]!) as NodeOptions;
const client = library === "ioredis"
  ? new Redis({ host: "127.0.0.1", port, lazyConnect: true })
  : createClient({ socket: { host: "127.0.0.1", port } });
const tell = (peer: Peer, notice: Notice) => void peer.send(notice);

const server = serve({
  port: 0,
  hostname: "127.0.0.1",
  websocket: {
    sync: redis({ client, prefix: "fleet", required: true }),
    topics: () => ({ history: { size, ttl } }),
    format: ({ data, position }) => ({ text: String(data), position }) satisfies Notice,
    onError: () => {},
    hooks: {
      message: (peer, message) => answer(peer, JSON.parse(message.text()) as Request),
      gap: (peer, { reason }) => tell(peer, { gap: reason }),
    },
  },
});
await server.ready();
console.log(`LISTENING ${server.url}`);
process.stdin.on("end", () => process.exit()).resume();

async function answer(peer: Peer, request: Request): Promise<void> {
  const { namespace } = peer;
  if ("subscribe" in request) {
    const { subscribe, since } = request;
    tell(peer, { subscribed: await peer.subscribe(subscribe, { since }) });
  } else if ("publish" in request) {
    server.ws.publish(request.topic, request.publish, { namespace });
  } else if ("commit" in request) {
    const { topic, commit, key } = request;
    try {
      const position = await server.ws.commit(topic, commit, { namespace, key });
      tell(peer, { committed: commit, position });
    } catch (error) {
      tell(peer, { failed: commit, code: String((error as { code?: unknown }).code) });
    }
  } else if ("clock" in request) shiftClock(request.clock);
  else {
    const { up } = server.ws.stats.sync!;
    tell(peer, { status: { up, rss: process.memoryUsage.rss() } });
  }
}

function shiftClock(ms: number): void {
  globalThis.Date = class extends RealDate {
    constructor(...args: ConstructorParameters<typeof Date> | []) {
      super(...(args.length > 0 ? args : [RealDate.now() + ms]) as [number]);
    }
    static override now(): number {
      return RealDate.now() + ms;
    }
  } as DateConstructor;
}

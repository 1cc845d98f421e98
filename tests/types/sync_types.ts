/** Types of `sync/*` against the real clients. `deno check` checks this file; no test runs it. */
import { createClient, createCluster } from "@redis/client";
import { Redis } from "ioredis";
import { Redis as Valkey } from "iovalkey";
import { redis } from "../../sync/redis.ts";

redis({ client: createClient(), prefix: "chat" });
redis({ client: createClient({ RESP: 2, url: "redis://localhost" }), prefix: "chat" });
redis({ client: new Redis({ lazyConnect: true }), prefix: "chat", required: true });
redis({ client: new Valkey({ lazyConnect: true }), prefix: "chat" });
redis({ url: "redis://localhost", prefix: "chat" });
// The signature of crossws.
redis({ client: new Redis(), channel: "chat", connector: "ioredis" });

// @ts-expect-error the prefix is missing
redis({ client: createClient() });
// @ts-expect-error a client and a URL exclude each other
redis({ client: createClient(), url: "redis://localhost", prefix: "chat" });
// @ts-expect-error a cluster is no single server
redis({ client: createCluster({ rootNodes: [] }), prefix: "chat" });
// @ts-expect-error a cluster is no single server
redis({ client: new Redis.Cluster([]), prefix: "chat" });

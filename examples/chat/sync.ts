import process from "node:process";
import type { SyncAdapter } from "../../mod.ts";

const PREFIX = "chat";

/**
 * Returns the option `sync` for the broker in the environment variable `SYNC`, such as
 * `redis://127.0.0.1:6379`, `nats://127.0.0.1:4222` or `postgres://127.0.0.1/chat`.
 */
export async function syncOfEnvironment(): Promise<SyncAdapter | undefined> {
  const url = process.env["SYNC"];
  if (!url) return undefined;
  switch (URL.parse(url)?.protocol) {
    case "redis:":
    case "rediss:": {
      const { redis } = await import("../../sync/redis.ts");
      return redis({ url, prefix: PREFIX });
    }
    case "nats:": {
      const { nats } = await import("../../sync/nats.ts");
      return nats({ servers: url, prefix: PREFIX });
    }
    case "postgres:":
    case "postgresql:": {
      const { postgres } = await import("../../sync/postgres.ts");
      return postgres({ url, prefix: PREFIX });
    }
    default:
      console.error("Cannot use SYNC as it must be a URL of redis:, nats: or postgres:");
      process.exit(1);
  }
}

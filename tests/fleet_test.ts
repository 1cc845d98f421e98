import assert from "node:assert/strict";
import { hasCommand } from "./brokers/server_process.ts";
import { Fleet } from "./fleet/fleet.ts";
import type { NodeOptions } from "./fleet/node.ts";
import { runtimes } from "./runtimes/native.ts";

/**
 * A fleet over Redis in random trouble: `FLEET_SECONDS` for each client library, `SEED` to choose the
 * same faults again.
 */

const SECONDS = Number(Deno.env.get("FLEET_SECONDS") ?? 12);
const CLIENTS = Number(Deno.env.get("FLEET_CLIENTS") ?? 36);
const LIBRARIES: readonly NodeOptions["library"][] = ["ioredis", "node-redis"];

const nodes = ["node24", "node24", "deno"].map((name) => runtimes.find((it) => it.name === name)!);
const command = await nodes[0]!.command();
const missing = !await hasCommand("redis-server")
  ? "redis-server"
  : "missing" in command
  ? command.missing
  : undefined;
if (missing) console.error(`\n*** NOT RUN: needs ${missing}: tests/fleet_test.ts ***\n`);

for (const library of LIBRARIES) {
  Deno.test({
    name:
      `a fleet over ${library} in trouble: no client misses or doubles a message without a word`,
    ignore: missing !== undefined,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const seed = Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 2 ** 31));
      const options = { seed, ms: SECONDS * 1000, clients: CLIENTS, library, runtimes: nodes };
      const { wrongs, faults, counts } = await new Fleet(options).run();
      const context = JSON.stringify({ SEED: seed, ...faults, ...counts });
      if (Deno.env.has("FLEET_SECONDS")) console.log(library, context);
      assert.deepEqual(wrongs, [], context);
      assert.ok(counts.messages! > 100 * SECONDS && counts.recovered! > SECONDS, context);
    },
  });
}

import assert from "node:assert/strict";
import { RedisServer } from "./brokers/redis_server.ts";
import { hasCommand } from "./brokers/server_process.ts";
import { runCrowd } from "./fleet/crowd.ts";
import { Fleet } from "./fleet/fleet.ts";
import { Ledger } from "./fleet/ledger.ts";
import type { NodeOptions } from "./fleet/fleet_node.ts";
import { type Ground, runRandomHistory } from "./fleet/random_history.ts";
import { runtimes } from "./runtimes/native.ts";

/**
 * Topics with history over Redis in random trouble: a fleet of processes, and many short histories.
 * `FLEET_SECONDS` and `HISTORIES` for each client library, `SEED` to choose the same faults again.
 */

const SECONDS = Number(Deno.env.get("FLEET_SECONDS") ?? 12);
const CLIENTS = Number(Deno.env.get("FLEET_CLIENTS") ?? 36);
const HISTORIES = Number(Deno.env.get("HISTORIES") ?? 40);
const CROWD = Number(Deno.env.get("CROWD") ?? 1000);
/** Histories that run at the same time, on a server each. Most of their time is waiting. */
const LANES = 4;
const LIBRARIES: readonly NodeOptions["library"][] = ["ioredis", "node-redis"];

const nodes = ["node24", "node24", "deno"].map((name) => runtimes.find((it) => it.name === name)!);
const command = await nodes[0]!.command(new URL("./fleet/fleet_node.ts", import.meta.url));
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

Deno.test({
  name: `${CROWD} clients that come back at once to two nodes miss nothing, with a read per topic`,
  ignore: missing !== undefined,
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const two = nodes.slice(0, 2), topics = 100;
    const report = await runCrowd({ clients: CROWD, topics, library: "ioredis", runtimes: two });
    if (Deno.env.has("CROWD")) console.log(JSON.stringify(report));
    assert.deepEqual(report.wrongs.slice(0, 10), []);
    assert.equal(report.recovered, CROWD);
    assert.ok(report.reads <= topics * two.length, `${report.reads} reads`);
  },
});

async function startGround(folder: string): Promise<Ground> {
  const server = await RedisServer.start("--dir", folder), ledger = new Ledger();
  await ledger.watch(server.port);
  return { server, ledger };
}

for (const library of LIBRARIES) {
  Deno.test({
    name: `random histories over ${library}: no client misses or doubles a message without a word`,
    ignore: missing !== undefined,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const given = Deno.env.get("SEED"), total: Record<string, number> = {};
      const seeds = given
        ? [Number(given)]
        : Array.from({ length: HISTORIES }, () => Math.floor(Math.random() * 2 ** 31));
      const count = seeds.length, began = performance.now();
      const lane = async () => {
        const folder = await Deno.makeTempDir(), { server, ledger } = await startGround(folder);
        for (let seed = seeds.pop(); seed !== undefined; seed = seeds.pop()) {
          const { wrongs, counts } = await runRandomHistory({ server, ledger }, library, seed);
          assert.deepEqual(wrongs, [], `SEED=${seed}`);
          for (const [name, n] of Object.entries(counts)) total[name] = (total[name] ?? 0) + n;
        }
        ledger.close();
        await server[Symbol.asyncDispose]();
        await Deno.remove(folder, { recursive: true });
      };
      await Promise.all(Array.from({ length: LANES }, lane));
      const context = JSON.stringify({ histories: count, ...total });
      if (Deno.env.has("HISTORIES")) {
        console.log(library, context, `${Math.round((performance.now() - began) / 1000)} s`);
      }
      if (given) return;
      // The test would prove nothing if no client had come back, or none had been told.
      assert.ok(total.recovered! > count && total.notRecovered! + total.gaps! > count, context);
    },
  });
}

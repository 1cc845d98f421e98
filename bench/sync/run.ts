/**
 * Measures onepeer's `sync/redis` beside crossws' `redis()`, with the same client library on the same
 * Redis: `deno task bench sync [client…]`. Writes `docs/benchmarks-sync.md`.
 *
 * Needs `redis-server`. Toolkits run in turn, so that a change of the machine hits both.
 *
 * @module
 */
import { builtProgram } from "../../tests/harness/processes/built_program.ts";
import { freePort, ServerProcess } from "../../tests/brokers/server_process.ts";
import { pinnedBinary } from "../../tests/runtimes/versions.ts";
import { FOLDER, installPackages } from "../packages.ts";
import { flood, NodeProcess } from "./cluster.ts";
import type { Cell, Toolkit } from "./cell.ts";
import { syncPage } from "./page.ts";
import { recoveries } from "./recovery.ts";

/** Runs of each cell. */
const RUNS = 3;
const TOOLKITS: readonly Toolkit[] = ["onepeer", "crossws"];
const CLIENTS = ["ioredis", "node-redis"] as const;

/** A load: `nodes` processes, of which the first publishes. */
interface Load {
  readonly nodes: number;
  readonly perTurn: number;
  readonly topics: number;
  /** Topics of each receiver: all, one of its own, or none of those that are published. */
  readonly heard: "all" | "own" | "none";
  readonly count: number;
}

const command = await commandOfNode();
const port = await freePort();
await using _server = await ServerProcess.start([
  "redis-server",
  ...["--bind", "127.0.0.1", "--port", `${port}`, "--save", ""],
], port);

const cells: Cell[] = [];
const named = CLIENTS.filter((client) => Deno.args.includes(client));
for (const client of named.length > 0 ? named : CLIENTS) {
  const spread = { nodes: 8, perTurn: 10, topics: 10, heard: "all", count: 10_000 } as const;
  const wide = await inTurn(client, spread);
  const isRedis = client === "node-redis";
  add("8 nodes, 10 topics a turn", client, "messages/s", wide.perSecond, isRedis ? 6 : 4);
  const folded = await inTurn(client, { ...spread, nodes: 6, topics: 1 });
  add("6 nodes, one topic, 10 messages a turn", client, "messages/s", folded.perSecond, 8);
  const distinct = await inTurn(client, { ...spread, nodes: 2, count: 20_000 });
  const one = await inTurn(client, { ...spread, nodes: 2, topics: 1, count: 20_000 });
  add("publisher, distinct topics", client, "µs", distinct.publisher, isRedis ? 0.35 : 0.65);
  add("publisher, one topic", client, "µs", one.publisher, isRedis ? 0.2 : 0.35);
  add("receiver, distinct topics", client, "µs", distinct.receivers, 0.65);
  add("receiver, one topic", client, "µs", one.receivers, 0.25);
  const foreign = await inTurn(client, { ...spread, nodes: 2, heard: "none", count: 20_000 });
  add("receiver of foreign topics", client, "µs", foreign.receivers, 0.1);
  const own = { ...spread, heard: "own", perTurn: 7, count: 14_000 } as const;
  const two = await inTurn(client, { ...own, nodes: 2, topics: 1 });
  const eight = await inTurn(client, { ...own, nodes: 8, topics: 7 });
  add("2 nodes, one receiver", client, "µs", two.receivers, 1);
  add("8 nodes, 7 receivers of a topic each", client, "µs", eight.receivers, 0.35);
  const latency = await latencies(client);
  add("one message a turn, p50", client, "µs latency", latency.p50, 1.1);
  add("one message a turn, p99", client, "µs latency", latency.p99, 1.1);
}
const file = new URL("../../docs/benchmarks-sync.md", import.meta.url).pathname;
await Deno.writeTextFile(file, syncPage(cells, await recoveries(), new Date()));
await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", file] }).output();
console.log(`${file} is written`);

function add(
  name: string,
  client: string,
  unit: string,
  values: Record<Toolkit, number[]>,
  target: number,
): void {
  cells.push({ name, client, unit, isRate: unit.endsWith("/s"), values, target });
  console.log(name, client, values);
}

async function commandOfNode(): Promise<readonly string[]> {
  await installPackages();
  const node = await pinnedBinary("node24", "bin/node");
  if (!node) throw new Error("Cannot measure without Node 24 for Linux on x64");
  return [node, await builtProgram(new URL("./node.ts", import.meta.url), "node", FOLDER)];
}

async function start(toolkit: string, client: string, { nodes, heard, topics }: Load) {
  const processes = Array.from({ length: nodes }, (_, i) => {
    const [from, to] = { all: [0, topics], own: [i - 1, i], none: [0, 0] }[heard];
    // The first node publishes, and hears nothing.
    const range = i === 0 ? [0, 0] : [from, to];
    return new NodeProcess([...command, toolkit, client, `${port}`, ...range.map(String)]);
  });
  await Promise.all(processes.map((node) => node.event((event) => "ready" in event)));
  return processes;
}

/** Runs a load on both toolkits in turn, with new processes each time. */
async function inTurn(client: string, load: Load) {
  const result = {
    perSecond: { onepeer: [] as number[], crossws: [] as number[] },
    publisher: { onepeer: [] as number[], crossws: [] as number[] },
    receivers: { onepeer: [] as number[], crossws: [] as number[] },
  };
  for (let run = 0; run < RUNS; run++) {
    for (const toolkit of TOOLKITS) {
      const nodes = await start(toolkit, client, load);
      const { perTurn, topics, count, heard } = load;
      const share = { all: 1, own: 1 / (load.nodes - 1), none: 0 }[heard];
      await flood(nodes, { publish: count / 4, perTurn, topics }, share); // until the code is compiled
      const figures = await flood(nodes, { publish: count, perTurn, topics }, share);
      for (const key of ["perSecond", "publisher", "receivers"] as const) {
        result[key][toolkit].push(figures[key]);
      }
      await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
    }
  }
  return result;
}

async function latencies(client: string) {
  const p50 = { onepeer: [] as number[], crossws: [] as number[] };
  const p99 = { onepeer: [] as number[], crossws: [] as number[] };
  const load = { nodes: 2, perTurn: 1, topics: 1, heard: "all", count: 0 } as const;
  for (let run = 0; run < RUNS; run++) {
    for (const toolkit of TOOLKITS) {
      const nodes = await start(toolkit, client, load);
      const [publisher, receiver] = nodes as [NodeProcess, NodeProcess];
      const done = receiver.event((event) => "latencies" in event);
      publisher.tell({ pace: 1000 });
      const event = await done;
      const sorted = "latencies" in event ? event.latencies.toSorted((a, b) => a - b) : [];
      p50[toolkit].push(sorted[Math.floor(sorted.length * 0.5)]!);
      p99[toolkit].push(sorted[Math.floor(sorted.length * 0.99)]!);
      await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
    }
  }
  return { p50, p99 };
}

/**
 * Measures how a node of one driver recovers, and prints milliseconds as JSON: `figures.ts DRIVER`.
 *
 * - `restored`: from the moment at which a restarted server accepts connections, until a node with
 *   5,000 topics hears all of them again.
 * - `detected`: from the moment at which the server is frozen, until the node knows.
 * - `thawed`: from the moment at which the server goes on, until the node is connected again.
 *
 * @module
 */
import process from "node:process";
import type { BrokerServer } from "./driver.ts";
import { drivers } from "./drivers.ts";
import { TestNode, until } from "./test_node.ts";

const TOPICS = 5000, ROUNDS = 5;

const driver = drivers.find(({ name }) => name === process.argv[2]);
if (!driver) throw new Error(`There is no driver ${process.argv[2]}`);
const server = await driver.start();
try {
  console.log(JSON.stringify({ driver: driver.name, ...await measure(server) }));
} finally {
  await server[Symbol.asyncDispose]();
}

async function measure({ sync, faults }: BrokerServer): Promise<Record<string, number[]>> {
  if (!faults) throw new Error("this broker has no server");
  await using node = new TestNode({
    sync: sync("figures", { required: true }),
    limits: { maxTopicsPerPeer: TOPICS },
  });
  await node.ready();
  const is = (up: 0 | 1) => until(() => node.stats.sync!.up === up);
  await node.client("/room", ...Array.from({ length: TOPICS }, (_, i) => `news${i}`));
  await node.endpoint.topicsConfirmed();
  const figures = {
    restored: [] as number[],
    detected: [] as number[],
    thawed: [] as number[],
  };
  for (let i = 0; i < ROUNDS; i++) {
    await faults.kill();
    await is(0);
    await faults.restart();
    figures.restored.push(await timed(() => is(1)));
    await new Promise((resolve) => setTimeout(resolve, 100 * i));
    faults.freeze();
    figures.detected.push(await timed(() => is(0)));
    faults.thaw();
    figures.thawed.push(await timed(() => is(1)));
  }
  return figures;
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return Math.round(performance.now() - start);
}

/**
 * Runs the broker cases of one driver on the runtime that runs this program, and prints a line of
 * JSON for each: `program.ts DRIVER [CASE…]`.
 *
 * @module
 */
import process from "node:process";
import { abilitiesOf, type BrokerCase, Cluster, reasonToSkip } from "./case.ts";
import { brokerCases } from "./cases.ts";
import { CHILD, type ChildOptions, runChild } from "./child_node.ts";
import type { BrokerDriver, BrokerServer } from "./driver.ts";
import { drivers } from "./drivers.ts";
import { TimeLimit } from "../harness/time_limit.ts";

/** A line of the program's output. */
export interface CaseResult {
  readonly id: string;
  /** Reason why the case has failed; absent if the case has passed. */
  readonly failure?: string;
}

/** Cases with a server of their own that run at the same time. Most of their time is waiting. */
const OWN_AT_ONCE = 2;

const [first, ...rest] = process.argv.slice(2);
if (first === CHILD) {
  const options: ChildOptions = JSON.parse(rest[0]!);
  await runChild(options, driverOf(options.driver));
} else {
  const driver = driverOf(first);
  if (!await driver.runsElsewhere?.()) await runCases(driver, rest);
}

function driverOf(name: string | undefined): BrokerDriver {
  const driver = drivers.find((driver) => driver.name === name);
  if (!driver) throw new Error(`There is no driver ${name}: ${drivers.map(({ name }) => name)}`);
  return driver;
}

async function runCases(driver: BrokerDriver, ids: readonly string[]): Promise<void> {
  // One server for all cases that leave it alone: each case is a cluster of its own.
  const shared = await driver.start();
  checkAbilities(driver, shared);
  let hasFailed = false;
  const needed = brokerCases.filter((it) => {
    return (ids.length === 0 || ids.includes(it.id)) && reasonToSkip(it, driver) === undefined;
  });
  const runInTurn = async (queue: [number, BrokerCase][]) => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const [number, brokerCase] = next;
      const result = await resultOf(driver, shared, brokerCase, `case${number}`);
      console.log(JSON.stringify(result));
      hasFailed ||= result.failure !== undefined;
    }
  };
  const numbered = [...needed.entries()];
  const own = numbered.filter(([, it]) => it.needsServer && !it.runsAlone);
  await Promise.all([
    runInTurn(numbered.filter(([, it]) => !it.needsServer && !it.runsAlone)),
    ...Array.from({ length: OWN_AT_ONCE }, () => runInTurn(own)),
  ]);
  await runInTurn(numbered.filter(([, it]) => it.runsAlone));
  await shared[Symbol.asyncDispose]();
  // A failed case may wait for ever. Otherwise the process must end by itself.
  if (hasFailed) process.exit();
}

/** Throws if a driver declares other abilities than its server has: cases would be left out. */
function checkAbilities(driver: BrokerDriver, server: BrokerServer): void {
  const found = abilitiesOf(driver, server).sort().join(), declared = driver.abilities;
  if (declared.toSorted().join() === found) return;
  throw new Error(`The driver ${driver.name} declares the abilities ${declared}: found ${found}`);
}

async function resultOf(
  driver: BrokerDriver,
  shared: BrokerServer,
  { id, needsServer = false, maxMs = 10_000, run }: BrokerCase,
  name: string,
): Promise<CaseResult> {
  try {
    await using own = needsServer ? await driver.start() : undefined;
    await using cluster = new Cluster(own ?? shared, name, driver.name);
    await new TimeLimit(maxMs).race(run(cluster), `took longer than ${maxMs} ms`);
    return { id };
  } catch (error) {
    return { id, failure: error instanceof Error ? `${error.stack}` : String(error) };
  }
}

/**
 * Runs the broker cases of one driver on the runtime that runs this program, and prints a line of
 * JSON for each: `program.ts DRIVER [CASE…]`.
 *
 * @module
 */
import process from "node:process";
import { type BrokerCase, Cluster, lack } from "./case.ts";
import { brokerCases } from "./cases.ts";
import { CHILD, type ChildOptions, runChild } from "./child_node.ts";
import type { BrokerDriver, BrokerServer } from "./driver.ts";
import { drivers } from "./drivers.ts";

/** A line of the program's output. */
export interface CaseResult {
  readonly id: string;
  readonly status: "passed" | "failed" | "skipped";
  readonly detail?: string;
}

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
  let hasFailed = false;
  const needed = brokerCases.filter(({ id }) => ids.length === 0 || ids.includes(id));
  for (const [i, brokerCase] of needed.entries()) {
    const result = await resultOf(driver, shared, brokerCase, `case${i}`);
    console.log(JSON.stringify({ id: brokerCase.id, ...result } satisfies CaseResult));
    hasFailed ||= result.status === "failed";
  }
  await shared[Symbol.asyncDispose]();
  // A failed case may wait for ever. Otherwise the process must end by itself.
  if (hasFailed) process.exit();
}

async function resultOf(
  driver: BrokerDriver,
  shared: BrokerServer,
  brokerCase: BrokerCase,
  name: string,
): Promise<Omit<CaseResult, "id">> {
  const { needsServer = false, maxMs = 10_000, run } = brokerCase;
  const lacking = lack(brokerCase, driver, shared);
  if (lacking) return { status: "skipped", detail: `${driver.name} has no ${lacking}` };
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    await using own = needsServer ? await driver.start() : undefined;
    await using cluster = new Cluster(own ?? shared, name, driver.name);
    const tooLate = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`took longer than ${maxMs} ms`)), maxMs);
    });
    await Promise.race([run(cluster), tooLate]);
    return { status: "passed" };
  } catch (error) {
    return { status: "failed", detail: error instanceof Error ? `${error.stack}` : String(error) };
  } finally {
    clearTimeout(timer);
  }
}

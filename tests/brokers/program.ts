/**
 * Runs the broker cases of one driver on the runtime that runs this program, and prints a line of
 * JSON for each: `program.ts DRIVER [CASE…]`.
 *
 * @module
 */
import process from "node:process";
import { type BrokerCase, Cluster } from "./case.ts";
import { brokerCases } from "./cases.ts";
import type { BrokerDriver, BrokerServer } from "./driver.ts";
import { drivers } from "./drivers.ts";

/** A line of the program's output. */
export interface CaseResult {
  readonly id: string;
  readonly status: "passed" | "failed" | "skipped";
  readonly detail?: string;
}

const [name, ...ids] = process.argv.slice(2);
const driver = drivers.find((driver) => driver.name === name);
if (!driver) throw new Error(`There is no driver ${name}: ${drivers.map(({ name }) => name)}`);

if (!await driver.runsElsewhere?.()) await runCases(driver);

async function runCases(driver: BrokerDriver): Promise<void> {
  // One server for all cases that leave it alone: each case is a cluster of its own.
  const shared = await driver.start();
  const needed = brokerCases.filter(({ id }) => ids.length === 0 || ids.includes(id));
  for (const [i, brokerCase] of needed.entries()) {
    const result = await resultOf(driver, shared, brokerCase, `case${i}`);
    console.log(JSON.stringify({ id: brokerCase.id, ...result } satisfies CaseResult));
  }
  await shared[Symbol.asyncDispose]();
}

async function resultOf(
  driver: BrokerDriver,
  shared: BrokerServer,
  { needsServer = false, maxMs = 10_000, run }: BrokerCase,
  name: string,
): Promise<Omit<CaseResult, "id">> {
  if (needsServer && !shared.faults) return { status: "skipped" };
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const server = needsServer
      ? await driver.start()
      : { ...shared, sync: shared.sync.bind(shared) };
    await using cluster = new Cluster(
      needsServer ? server : { ...server, [Symbol.asyncDispose]: () => Promise.resolve() },
      name,
    );
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

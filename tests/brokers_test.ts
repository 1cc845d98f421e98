import assert from "node:assert/strict";
import { brokerCases } from "./brokers/cases.ts";
import { drivers } from "./brokers/drivers.ts";
import type { CaseResult } from "./brokers/program.ts";
import { chosenRuntimes, ONLY_RUNTIME, runtimesOf } from "./harness/runtime_suites.ts";
import { runtimes } from "./runtimes/native.ts";
import { run } from "../scripts/npm/command.ts";

const program = new URL("./brokers/program.ts", import.meta.url);
/** Milliseconds for all cases of one driver. */
const MAX_MS = 300_000;

const named = runtimes.filter(({ name }) => name === Deno.env.get(ONLY_RUNTIME));
for (const runtime of named.length > 0 ? named : chosenRuntimes(runtimesOf.brokers)) {
  const command = await runtime.command(program);
  for (const driver of drivers) {
    const missing = "missing" in command
      ? command.missing
      : driver.isSlow && !Deno.env.get("TEST_SLOW_BROKERS")
      ? "TEST_SLOW_BROKERS=1"
      : await driver.missing?.();
    if (missing !== undefined) {
      console.error(
        `\n*** NOT RUN: needs ${missing}: broker ${driver.name} on ${runtime.title} ***\n`,
      );
    }
    let results: Promise<Map<string, CaseResult>> | undefined;
    for (const { id, fact } of brokerCases) {
      Deno.test({
        name: `${runtime.title}, broker ${driver.name}, ${id}: ${fact}`,
        ignore: missing !== undefined,
        async fn() {
          results ??= resultsOf(command as readonly string[], driver.name);
          const result = (await results).get(id);
          assert.ok(result, "the program ended before this case");
          if (result.status === "failed") throw new Error(result.detail);
        },
      });
    }
  }
}

async function resultsOf(
  [command, ...args]: readonly string[],
  driver: string,
): Promise<Map<string, CaseResult>> {
  const output = await run(command!, [...args, driver], { timeout: MAX_MS });
  const results = output.trim().split("\n").map((line) => JSON.parse(line) as CaseResult);
  return new Map(results.map((result) => [result.id, result]));
}

import assert from "node:assert/strict";
import { brokerCases } from "./brokers/cases.ts";
import { drivers } from "./brokers/drivers.ts";
import { DriverPrograms } from "./brokers/driver_programs.ts";
import { chosenRuntimes, ONLY_RUNTIME, runtimesOf } from "./harness/runtime_suites.ts";
import { runtimes } from "./runtimes/native.ts";

const program = new URL("./brokers/program.ts", import.meta.url);
const named = runtimes.filter(({ name }) => name === Deno.env.get(ONLY_RUNTIME));
for (const runtime of named.length > 0 ? named : chosenRuntimes(runtimesOf.brokers)) {
  const command = await runtime.command(program);
  const programs = new DriverPrograms(command as readonly string[]);
  for (const driver of drivers) {
    const missing = "missing" in command
      ? command.missing
      : driver.isExtra && !Deno.env.get("TEST_ALL_BROKERS")
      ? "TEST_ALL_BROKERS=1"
      : await driver.missing?.();
    if (missing !== undefined) {
      console.error(
        `\n*** NOT RUN: needs ${missing}: broker ${driver.name} on ${runtime.title} ***\n`,
      );
    }
    if (missing === undefined) programs.add(driver.name);
    for (const { id, fact } of brokerCases) {
      Deno.test({
        name: `${runtime.title}, broker ${driver.name}, ${id}: ${fact}`,
        ignore: missing !== undefined,
        // The programs of other drivers go on while this test runs.
        sanitizeOps: false,
        sanitizeResources: false,
        async fn() {
          const result = (await programs.resultsOf(driver.name)).get(id);
          assert.ok(result, "the program ended before this case");
          if (result.status === "failed") throw new Error(result.detail);
          if (result.status === "skipped") {
            console.error(`NOT RUN: ${id} over ${driver.name}: ${result.detail}`);
          }
        },
      });
    }
  }
}

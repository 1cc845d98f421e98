import { reasonToSkip } from "./brokers/case.ts";
import { brokerCases } from "./brokers/cases.ts";
import { drivers } from "./brokers/drivers.ts";
import { DriverPrograms } from "./brokers/driver_programs.ts";
import { chosenRuntimes, runtimesOf } from "./harness/runtime_suites.ts";
import { runtimes } from "./runtimes/native.ts";

const program = new URL("./brokers/program.ts", import.meta.url);
for (const runtime of chosenRuntimes(runtimesOf.brokers, runtimes)) {
  const command = await runtime.command(program);
  const programs = new DriverPrograms(command as readonly string[]);
  for (const driver of drivers) {
    const missing = "missing" in command
      ? command.missing
      : driver.isExtra && !Deno.env.get("TEST_ALL_BROKERS")
      ? "TEST_ALL_BROKERS=1"
      : await driver.missing?.();
    if (missing === undefined) programs.add(driver.name);
    else {
      console.error(
        `\n*** NOT RUN: needs ${missing}: broker ${driver.name} on ${runtime.title} ***\n`,
      );
    }
    for (const brokerCase of brokerCases) {
      const { id, fact } = brokerCase, skipped = reasonToSkip(brokerCase, driver);
      if (missing === undefined && skipped !== undefined) {
        console.error(`NOT RUN: ${id} over ${driver.name} on ${runtime.title}: ${skipped}`);
      }
      Deno.test({
        name: `${runtime.title}, broker ${driver.name}, ${id}: ${fact}`,
        ignore: missing !== undefined || skipped !== undefined,
        // The programs of other drivers go on while this test runs.
        sanitizeOps: false,
        sanitizeResources: false,
        async fn() {
          const result = (await programs.resultsOf(driver.name)).get(id);
          if (!result) throw new Error("the program ended before this case");
          if (result.failure !== undefined) throw new Error(result.failure);
        },
      });
    }
  }
}

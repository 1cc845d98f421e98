import assert from "node:assert/strict";
import { type RowOutcome, runBattery } from "./protocol/battery.ts";
import { sections } from "./protocol/mod.ts";
import { writeReport } from "./harness/report.ts";
import { chosenRuntimes, runtimesOf } from "./harness/runtime_suites.ts";

const outcomesOf = new Map<string, readonly RowOutcome[]>();

for (const runtime of chosenRuntimes(runtimesOf.protocol)) {
  const { name, title } = runtime;
  const command = await runtime.command();
  if ("missing" in command) {
    console.log(`\n*** ${title} was NOT tested: needs ${command.missing} ***\n`);
    Deno.test({
      name: `${title} was NOT tested: needs ${command.missing}`,
      ignore: true,
      fn() {},
    });
    continue;
  }

  let battery: Promise<void> | undefined;
  const run = async () => {
    const outcomes = await runBattery(runtime, sections);
    assert.ok(Array.isArray(outcomes));
    outcomesOf.set(name, outcomes);
  };
  for (const section of sections) {
    Deno.test({
      name: `${title}: ${section.title}`,
      sanitizeOps: false,
      sanitizeResources: false,
      async fn() {
        await (battery ??= run());
        const failed = outcomesOf.get(name)!
          .filter((it) => it.section === section.name && it.status === "failed")
          .map(({ id, fact, detail }) => `${id}: ${fact}\n  ${detail}`);
        assert.deepEqual(failed, [], `see one: deno task protocol ${name} --case=ID`);
      },
    });
  }
}

Deno.test.afterAll(() => writeReport("protocol", outcomesOf));

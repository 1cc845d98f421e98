import assert from "node:assert/strict";
import { type RowOutcome, runBattery } from "./protocol/battery.ts";
import { protocolGaps } from "./protocol/gaps.ts";
import { sections } from "./protocol/mod.ts";
import { writeReport } from "./harness/report.ts";
import { runtimes } from "./runtimes/native.ts";

const outcomesOf = new Map<string, readonly RowOutcome[]>();

for (const runtime of runtimes) {
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

Deno.test("the protocol's report for the compatibility table is written", () =>
  writeReport("protocol", outcomesOf));

Deno.test("Rows of the battery have ids of their own, and begin with their section", () => {
  const ids = sections.flatMap(({ name, rows }) => {
    for (const { id } of rows) assert.ok(id.startsWith(`${name}.`), id);
    return rows.map(({ id }) => id);
  });
  assert.deepEqual(ids.filter((id, index) => ids.indexOf(id) !== index), []);
});

Deno.test("Every gap of the battery is one of a row and a runtime that exist", () => {
  const ids = sections.flatMap(({ rows }) => rows.map(({ id }) => id));
  for (const [name, gaps] of Object.entries(protocolGaps)) {
    assert.ok(runtimes.some((it) => it.name === name), name);
    for (const { rows } of gaps) assert.ok(ids.some((id) => rows.test(id)), String(rows));
  }
});

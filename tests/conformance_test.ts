import { cases } from "./cases/mod.ts";
import { runtimes } from "./runtimes.ts";
import { type Outcome, runSuite } from "./suite.ts";
import { writeReport } from "./report.ts";

const outcomesOf = new Map<string, readonly Outcome[]>();

for (const runtime of runtimes) {
  const command = await runtime.command();
  if ("missing" in command) {
    console.log(`\n*** ${runtime.title} was NOT tested: needs ${command.missing} ***\n`);
    Deno.test({
      name: `${runtime.title} was NOT tested: needs ${command.missing}`,
      ignore: true,
      fn() {},
    });
    continue;
  }

  // Cases run side by side in one server process, from the first test of this runtime on.
  const found = new Map(cases.map(({ id }) => [id, Promise.withResolvers<Outcome>()]));
  let suite: Promise<unknown> | undefined;
  const start = async () => {
    const outcomes = await runSuite(
      runtime,
      () => true,
      (outcome) => found.get(outcome.id)!.resolve(outcome),
    );
    if (Array.isArray(outcomes)) outcomesOf.set(runtime.name, outcomes);
  };

  for (const { id, fact } of cases) {
    Deno.test({
      name: `${runtime.title} ${id}: ${fact}${runtime.gaps[id] ? " (gap)" : ""}`,
      sanitizeOps: false,
      sanitizeResources: false,
      async fn() {
        suite ??= start();
        const { status, detail } = await Promise.race([
          found.get(id)!.promise,
          suite.then(() => found.get(id)!.promise),
        ]);
        if (status === "failed") throw new Error(detail);
      },
    });
  }

  Deno.test({
    name: `${runtime.title}: the server ends with the suite`,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: () => suite as Promise<void>,
  });
}

Deno.test("the report for the compatibility table is written", () => writeReport(outcomesOf));

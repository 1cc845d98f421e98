import type { Case } from "../fixtures/case.ts";
import type { Runtime } from "../runtimes/native.ts";
import { chosenRuntimes } from "./runtime_suites.ts";
import { type Outcome, runSuite, type SuiteOptions } from "./suite.ts";

/**
 * Registers a test for each case on each runtime. The cases of a runtime share one server process,
 * which starts with the first test. Cases with `runsAlone` run first, the others in parallel.
 *
 * @returns outcomes of the cases by the name of the runtime, complete once all tests have run.
 */
export async function registerCases(
  cases: readonly Case[],
  options: Omit<SuiteOptions, "onOutcome">,
  on: readonly Runtime[],
): Promise<ReadonlyMap<string, readonly Outcome[]>> {
  const outcomesOf = new Map<string, readonly Outcome[]>();
  for (const runtime of chosenRuntimes(on)) {
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

    const found = new Map(cases.map(({ id }) => [id, Promise.withResolvers<Outcome>()]));
    let suite: Promise<unknown> | undefined;
    const start = async () => {
      const onOutcome = (outcome: Outcome) => found.get(outcome.id)!.resolve(outcome);
      const outcomes = await runSuite(runtime, cases, { ...options, onOutcome });
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
      name: `${runtime.title}: the server runs until all cases are done`,
      sanitizeOps: false,
      sanitizeResources: false,
      fn: () => suite as Promise<void>,
    });
  }
  return outcomesOf;
}

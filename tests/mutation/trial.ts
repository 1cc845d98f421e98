import { type Failure, runCheck } from "./check.ts";
import { type Check, type Fault, wideChecks } from "./fault.ts";
import type { Tree } from "./tree.ts";

/** What came of one fault. */
export interface Verdict {
  readonly fault: Fault;
  /** What noticed; nothing did where it is left out. */
  readonly caught?: Failure;
  readonly seconds: number;
}

/** Plants a fault, and runs tests until one of them notices. */
export async function tryFault(tree: Tree, fault: Fault): Promise<Verdict> {
  const started = performance.now();
  const verdict = (caught?: Failure): Verdict => ({
    fault,
    ...(caught ? { caught } : {}),
    seconds: Math.round((performance.now() - started) / 100) / 10,
  });
  for (const check of new Set<Check>([...fault.caughtBy, ...wideChecks(fault)])) {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      await tree.plant(fault);
      const [failure] = await runCheck(tree, check);
      if (!failure) break;
      if (await isTheFault(tree, failure)) return verdict(failure);
    }
  }
  await tree.restore();
  return verdict();
}

/** How often a part of the tests is run that stops at a test which fails by the machine's load. */
const ATTEMPTS = 3;

/** Whether a test fails again with the fault, by itself, and passes without. */
async function isTheFault(tree: Tree, { check, test, how }: Failure): Promise<boolean> {
  // What crashed or hung without a failing test is looked at from the other side alone.
  if (how === "failed" && (await runCheck(tree, check, { test })).length === 0) return false;
  await tree.restore();
  return (await runCheck(tree, check, { test })).length === 0;
}

/** All tests that notice a fault, of the unit tests and of the runtimes that it concerns. */
export async function countCatches(tree: Tree, fault: Fault): Promise<Failure[]> {
  await tree.plant(fault);
  const failures: Failure[] = [];
  for (const check of wideChecks(fault)) {
    failures.push(...await runCheck(tree, check, { all: true }));
  }
  await tree.restore();
  return failures;
}

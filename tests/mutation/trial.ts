import { type Failure, runCheck } from "./check.ts";
import { type Check, type Fault, wideChecks } from "./fault.ts";
import type { Tree } from "./tree.ts";

/** Result of one fault. */
export interface Verdict {
  readonly fault: Fault;
  /** Failure that detected the fault; left out if none did. */
  readonly caught?: Failure;
  readonly seconds: number;
}

/** Plants a fault, and runs tests until one detects it. */
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

/** Number of attempts: a run ends at its first failure, which may come from load, not the fault. */
const ATTEMPTS = 3;

/** Whether a test fails again alone with the fault, and passes without it. */
async function isTheFault(tree: Tree, { check, test, how }: Failure): Promise<boolean> {
  // A crash or hang without a failing test is only checked without the fault.
  if (how === "failed" && (await runCheck(tree, check, { test })).length === 0) return false;
  await tree.restore();
  return (await runCheck(tree, check, { test })).length === 0;
}

/** Returns all unit tests and cases of the affected runtimes that detect a fault. */
export async function countCatches(tree: Tree, fault: Fault): Promise<Failure[]> {
  await tree.plant(fault);
  const failures: Failure[] = [];
  for (const check of wideChecks(fault)) {
    failures.push(...await runCheck(tree, check, { all: true }));
  }
  await tree.restore();
  return failures;
}

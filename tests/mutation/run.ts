import { endAll, type Failure, runCheck } from "./check.ts";
import { type Check, type Fault, partsOf, wideChecks } from "./fault.ts";
import { Tree } from "./tree.ts";
import { countCatches, tryFault, type Verdict } from "./trial.ts";

/** Options for trying faults. */
export interface RunOptions {
  /** Number of parallel trials, each in a separate tree. */
  readonly parallel: number;
  readonly onVerdict: (verdict: Verdict) => void;
}

/** Returns the parts of the tests that must pass before their failures count. */
export function checksOf(chosen: readonly Fault[], isAll: boolean): Check[] {
  const checks = chosen.flatMap(({ caughtBy }) => caughtBy);
  if (!isAll) return [...new Set(checks)];
  const tests = checks.filter((check) => partsOf(check).kind === "test");
  return [...new Set([...chosen.flatMap(wideChecks), ...tests])];
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** Creates trees, and runs the work in them until none is left. */
export async function inTrees<T>(
  parallel: number,
  items: readonly T[],
  work: (tree: Tree, item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  const trees = await Promise.all(
    Array.from({ length: Math.min(parallel, items.length) }, () => Tree.copy()),
  );
  const removeAll = () => Promise.all(trees.map((tree) => tree[Symbol.asyncDispose]()));
  const stop = () => {
    endAll();
    removeAll().finally(() => Deno.exit(130));
  };
  for (const signal of SIGNALS) Deno.addSignalListener(signal, stop);
  try {
    await Promise.all(trees.map(async (tree) => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        await work(tree, next);
      }
    }));
  } finally {
    for (const signal of SIGNALS) Deno.removeSignalListener(signal, stop);
    endAll();
    await removeAll();
  }
}

/** Runs checks on unchanged trees. Returns the failures that happen again alone. */
export async function runUnchanged(checks: readonly Check[], parallel: number): Promise<Failure[]> {
  const failures: Failure[] = [];
  await inTrees(parallel, checks, async (tree, check) => {
    failures.push(...await runCheck(tree, check));
  });
  const again: Failure[] = [];
  await inTrees(1, failures, async (tree, { check }) => {
    again.push(...await runCheck(tree, check));
  });
  return again;
}

/** Plants faults, one at a time in each tree. Returns the verdicts in the order of the faults. */
export async function runFaults(
  chosen: readonly Fault[],
  { parallel, onVerdict }: RunOptions,
): Promise<Verdict[]> {
  const verdicts = new Map<Fault, Verdict>();
  await inTrees(parallel, chosen, async (tree, fault) => {
    const verdict = await tryFault(tree, fault);
    verdicts.set(fault, verdict);
    onVerdict(verdict);
  });
  return chosen.map((fault) => verdicts.get(fault)!);
}

/** Counts the tests that detect each fault. */
export async function countAll(
  chosen: readonly Fault[],
  parallel: number,
  onCount: (fault: Fault, failures: readonly Failure[]) => void,
): Promise<void> {
  await inTrees(parallel, chosen, async (tree, fault) => {
    onCount(fault, await countCatches(tree, fault));
  });
}

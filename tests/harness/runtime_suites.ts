import { durableObjects, durableVariants } from "../runtimes/durable.ts";
import { type Runtime, runtimes } from "../runtimes/native.ts";
import { sseRuntimes, sseVariants } from "../runtimes/sse.ts";
import { workers, workerVariants } from "../runtimes/workers.ts";

/** All runtimes on which the contract is executed. */
export const contractRuntimes: readonly Runtime[] = [
  ...runtimes,
  durableObjects,
  workers,
  ...sseRuntimes,
];

/** Test files that run on several runtimes: `tests/conformance_test.ts`, and so on. */
export type SplitFile =
  | "conformance"
  | "durable"
  | "worker"
  | "sse"
  | "protocol"
  | "faults"
  | "fuzz"
  | "brokers"
  | "middleboxes";

/** Runtimes on which the gate tests the brokers. `TEST_RUNTIME=node20` and others run if asked. */
const BROKER_RUNTIMES = ["deno", "node24"];

/** Runtimes of each test file that runs on several. `deno task test` runs each alone. */
export const runtimesOf: Readonly<Record<SplitFile, readonly Runtime[]>> = {
  conformance: contractRuntimes,
  durable: [durableObjects, ...durableVariants],
  worker: [workers, ...workerVariants],
  sse: [...sseRuntimes, ...sseVariants],
  protocol: runtimes,
  faults: runtimes,
  fuzz: runtimes,
  brokers: runtimes.filter(({ name }) => BROKER_RUNTIMES.includes(name)),
  middleboxes: runtimes.filter(({ name }) => ["deno", "node24", "bun"].includes(name)),
};

/** Environment variable with the name of the only runtime on which a test file runs. */
export const ONLY_RUNTIME = "TEST_RUNTIME";

/**
 * Returns the runtimes for this process: the usual ones, unless {@linkcode ONLY_RUNTIME} names one.
 *
 * @param possible runtimes that may be named. Default: the usual ones.
 */
export function chosenRuntimes(
  usual: readonly Runtime[],
  possible: readonly Runtime[] = usual,
): readonly Runtime[] {
  const only = Deno.env.get(ONLY_RUNTIME);
  return only === undefined ? usual : possible.filter(({ name }) => name === only);
}

import { cases } from "./cases/mod.ts";
import { TestBed } from "./clients/test_bed.ts";
import type { Case } from "./fixtures/case.ts";
import type { Runtime } from "./runtimes.ts";
import { ServerProcess } from "./server_process.ts";

/** What came of one case on one runtime. */
export interface Outcome {
  readonly id: string;
  readonly clause: string;
  readonly fact: string;
  readonly status: "passed" | "failed" | "gap";
  /** Of a gap, why it is one; of a failure, what went wrong. */
  readonly detail?: string;
  readonly link?: string;
  readonly ms: number;
}

const MAX_CASE_MS = 3000;
/** Cases mostly wait, for time-outs and for each other's halves. */
const PARALLEL = 4;

/** Runs all cases on one runtime, in a process of its own. */
export async function runSuite(
  runtime: Runtime,
  only: (it: Case) => boolean = () => true,
  onOutcome: (outcome: Outcome) => void = () => {},
): Promise<Outcome[] | { missing: string }> {
  const command = await runtime.command();
  if ("missing" in command) return command;
  await using server = await ServerProcess.start(command);
  const outcomes: Outcome[] = [];
  const work = async (queue: Case[]) => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const outcome = await runCase(runtime, server, next);
      outcomes.push(outcome);
      onOutcome(outcome);
    }
  };
  const wanted = cases.filter(only);
  await work(wanted.filter((it) => it.runsAlone));
  const rest = wanted.filter((it) => !it.runsAlone);
  await Promise.all(Array.from({ length: PARALLEL }, () => work(rest)));
  const order = new Map(cases.map(({ id }, index) => [id, index]));
  return outcomes.sort((a, b) => order.get(a.id)! - order.get(b.id)!);
}

async function runCase(runtime: Runtime, server: ServerProcess, it: Case): Promise<Outcome> {
  const gap = runtime.gaps[it.id];
  const base = { id: it.id, clause: it.id.split(".")[0]!, fact: it.fact };
  const started = performance.now();
  const failure = await attempt(server, it);
  const ms = Math.round(performance.now() - started);
  if (gap) {
    if (failure) return { ...base, status: "gap", detail: gap.reason, link: gap.link, ms };
    return {
      ...base,
      status: "failed",
      detail: "declared as a gap, and passes: remove the gap",
      ms,
    };
  }
  return failure
    ? { ...base, status: "failed", detail: failure, ms }
    : { ...base, status: "passed", ms };
}

/** Runs one case; returns what went wrong. */
async function attempt(server: ServerProcess, it: Case): Promise<string | undefined> {
  const t = new TestBed(server.port, `${it.id}-${crypto.randomUUID().slice(0, 8)}`);
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`took longer than ${MAX_CASE_MS} ms`)),
    MAX_CASE_MS,
  );
  let failure: string | undefined;
  try {
    await t.open(it.id);
    await Promise.race([it.run(t), late]);
  } catch (error) {
    failure = error instanceof Error ? error.stack ?? error.message : JSON.stringify(error);
  } finally {
    clearTimeout(timer);
  }
  try {
    await t.close();
  } catch (error) {
    failure ??= server.exited ?? String(error);
  }
  return failure && server.exited ? `${server.exited}\n${failure}` : failure;
}

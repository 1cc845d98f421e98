import { CaseClient } from "./clients/case_client.ts";
import type { Case } from "../fixtures/case.ts";
import type { Runtime } from "../runtimes/native.ts";
import { ServerProcess } from "./processes/server_process.ts";
import { WALL_CLOCK } from "./machine.ts";
import { TimeLimit } from "./time_limit.ts";

/**
 * Milliseconds for a case that is declared as a gap. Counts all time: most gaps end only at this
 * limit, so a limit that counts only idle time would take minutes on a busy machine. On an idle
 * machine nearly every case passes in a third of this time, so the suite finds a closed gap there.
 */
const MAX_GAP_MS = 1500;

/** Milliseconds after a case that fills the memory: event streams have fewer heartbeats there. */
const MAX_LEAVE_MS = 6000;

/** Result of one case on one runtime. */
export interface Outcome {
  readonly id: string;
  readonly clause: string;
  readonly fact: string;
  readonly status: "passed" | "failed" | "gap";
  /** Reason of a gap, or error of a failure. */
  readonly detail?: string;
  readonly link?: string;
  readonly ms: number;
}

/** Options for running cases. */
export interface SuiteOptions {
  readonly onOutcome?: (outcome: Outcome) => void;
  /** Number of parallel cases: a case mostly waits, for time-outs or for its other half. */
  readonly parallel?: number;
  readonly maxCaseMs?: number;
  /** Address on which the server listens. Default: 127.0.0.1. */
  readonly host?: string;
}

/** Runs cases on one runtime, in a separate process. */
export async function runSuite(
  runtime: Runtime,
  cases: readonly Case[],
  { onOutcome, parallel = 4, maxCaseMs = 3000, host = "127.0.0.1" }: SuiteOptions = {},
): Promise<Outcome[] | { missing: string }> {
  const command = await runtime.command();
  if ("missing" in command) return command;
  await using server = await ServerProcess.start(["env", `HOST=${host}`, ...command]);
  const outcomes: Outcome[] = [];
  const work = async (queue: Case[]) => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const outcome = await runCase(runtime, server, next, maxCaseMs);
      outcomes.push(outcome);
      onOutcome?.(outcome);
    }
  };
  await work(cases.filter((it) => it.runsAlone));
  const heavy = cases.filter((it) => it.fillsMemory && !it.runsAlone);
  const rest = cases.filter((it) => !it.fillsMemory && !it.runsAlone);
  await Promise.all([
    work(heavy).then(() => work(rest)), // one after another
    ...Array.from({ length: parallel - 1 }, () => work(rest)),
  ]);
  const order = new Map(cases.map(({ id }, index) => [id, index]));
  return outcomes.sort((a, b) => order.get(a.id)! - order.get(b.id)!);
}

async function runCase(
  runtime: Runtime,
  server: ServerProcess,
  it: Case,
  maxMs: number,
): Promise<Outcome> {
  const base = { id: it.id, clause: it.id.split(".")[0]!, fact: it.fact };
  const started = performance.now();
  const client = new CaseClient(
    server,
    `${it.id}-${crypto.randomUUID().slice(0, 8)}`,
    runtime.transport,
  );
  const declared = runtime.gaps[it.id];
  const failure = await attempt(
    client,
    it,
    () => declared ? new TimeLimit(MAX_GAP_MS, WALL_CLOCK) : new TimeLimit(it.maxMs ?? maxMs),
  );
  const ms = Math.round(performance.now() - started);
  const gap = declared ?? (client.lacksLine ? runtime.lineGap : undefined);
  if (gap) {
    if (failure || gap.mayPass) {
      return { ...base, status: "gap", detail: gap.reason, link: gap.link, ms };
    }
    return {
      ...base,
      status: "failed",
      detail: "declared as a gap, but passes: remove the gap",
      ms,
    };
  }
  return failure
    ? { ...base, status: "failed", detail: failure, ms }
    : { ...base, status: "passed", ms };
}

/** Runs one case. Returns the error, if it failed. */
async function attempt(
  client: CaseClient,
  it: Case,
  startLimit: () => TimeLimit,
): Promise<string | undefined> {
  const { server } = client;
  let failure: string | undefined;
  try {
    await client.open(it.id);
    const limit = startLimit();
    await limit.race(it.run(client), `took longer than ${limit.ms} ms`);
  } catch (error) {
    failure = error instanceof Error ? error.stack ?? error.message : JSON.stringify(error);
  }
  // After a failure, as of every gap, resources that stay are no news: the next case starts at once.
  const wait = failure !== undefined ? 0 : it.fillsMemory ? MAX_LEAVE_MS : undefined;
  try {
    await client.close(wait);
  } catch (error) {
    failure ??= server.exited ?? String(error);
  }
  return failure && server.exited ? `${server.exited}\n${failure}` : failure;
}

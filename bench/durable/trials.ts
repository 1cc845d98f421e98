import { cpuTime, machineCpuTime } from "../cpu_time.ts";
import { type Toolkit, toolkits as all } from "../toolkits.ts";
import type { ToolkitName } from "../toolkits.ts";
import { DurableInstance } from "./instance.ts";

/** A plan of trials: each round runs one trial of each toolkit's object, one after the other. */
export interface TrialPlan {
  /**
   * `wake`: milliseconds from a message to the answer of an object that was evicted just before.
   * `save`: extra nanoseconds of CPU time for a message that changes the client's context, compared
   * with a client without a context.
   */
  readonly kind: "wake" | "save";
  /** The message of the client: see `bench/servers/durable.ts`. */
  readonly message: "read" | "update" | "count";
  /** The query of the client; none for the toolkit `empty`. */
  readonly query: string;
  readonly rounds: number;
  /** Rounds before the reported ones. */
  readonly warmup: number;
}

/** The result of one trial. Times are seconds of CPU or wall time. */
export interface Trial {
  readonly scenario: TrialPlan["kind"];
  readonly name: ToolkitName;
  readonly round: number;
  /** Milliseconds or nanoseconds. */
  readonly value: number;
  readonly wall: number;
  readonly cpu: number;
  readonly ownCpu: number;
  /** CPU time of all programs of the machine. */
  readonly machineCpu: number;
}

/** Messages in a trial of `save`: 20 to 100 ms of work. */
const MESSAGES = 20_000;

/** Runs the trials of these toolkits in turn; every second round in reverse order. */
export async function runInTurn(
  trials: TrialPlan,
  names: readonly ToolkitName[],
): Promise<Trial[]> {
  await using instances = new AsyncDisposableStack();
  const runs: (() => Promise<Trial>)[] = [];
  for (const toolkit of all) {
    if (!names.includes(toolkit.name)) continue;
    const start = async (query: string) =>
      instances.use(await DurableInstance.start(toolkit, query));
    runs.push(await trialOf(trials, toolkit, start));
  }
  const found: Trial[] = [];
  for (let round = 1 - trials.warmup; round <= trials.rounds; round++) {
    const order = round % 2 ? runs : runs.toReversed();
    for (const trial of order) found.push({ ...await trial(), round });
  }
  return found.filter(({ round }) => round > 0);
}

async function trialOf(
  { kind, message, query }: TrialPlan,
  toolkit: Toolkit,
  start: (query: string) => Promise<DurableInstance>,
): Promise<() => Promise<Trial>> {
  const instance = await start(toolkit.name === "empty" ? "" : query);
  if (kind === "wake") return () => timed(kind, instance, () => wake(instance, message));
  const without = await start("");
  const cost = async (it: DurableInstance): Promise<number> => {
    const before = cpuTime(it.pid);
    await it.count(MESSAGES);
    return (cpuTime(it.pid) - before) * 1e9 / MESSAGES;
  };
  return () => timed(kind, instance, async () => await cost(instance) - await cost(without));
}

async function wake(instance: DurableInstance, message: string): Promise<number> {
  const before = await instance.ask("read");
  await instance.evict();
  const start = performance.now();
  const answer = await instance.ask(message);
  const time = performance.now() - start;
  const expected = afterEviction(before, message);
  if (answer !== expected) {
    throw new Error(`${instance.toolkit.name} answered ${answer} in place of ${expected}`);
  }
  return time;
}

/** The answer expected after eviction: `10/3 7` becomes `10/3 8`, or `10/4 8` for `update`. */
function afterEviction(before: string, message: string): string {
  const [history, count, life] = before.split(/[/ ]/).map(Number) as [number, number, number];
  const isCounted = message === "update" && history > 0;
  return `${history}/${isCounted ? count + 1 : count} ${life + 1}`;
}

async function timed(
  scenario: TrialPlan["kind"],
  { pid, toolkit: { name } }: DurableInstance,
  trial: () => Promise<number>,
): Promise<Trial> {
  const times = () => [performance.now() / 1000, cpuTime(pid), cpuTime(Deno.pid), machineCpuTime()];
  const before = times();
  const value = await trial();
  const [wall, cpu, ownCpu, machineCpu] = times().map((time, index) => time - before[index]!) as [
    number,
    number,
    number,
    number,
  ];
  return { scenario, name, round: 0, value, wall, cpu, ownCpu, machineCpu };
}

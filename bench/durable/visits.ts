import { cpuTime, machineCpuTime } from "../cpu_time.ts";
import { type Toolkit, toolkits as all } from "../toolkits.ts";
import type { ToolkitName } from "../toolkits.ts";
import { Room } from "./room.ts";

/** What is done to an object of each toolkit in turn, round after round. */
export interface Visits {
  /**
   * `wake`: milliseconds from a message to its answer, by an object that has just been evicted.
   * `save`: nanoseconds of CPU by which messages that change the member's context take longer than
   * those of a member without one.
   */
  readonly kind: "wake" | "save";
  /** What the member says: see `bench/servers/durable.ts`. */
  readonly message: "look" | "sign" | "count";
  /** What the member asks for, of `empty` nothing. */
  readonly query: string;
  readonly rounds: number;
  /** Rounds before those, of which nothing is told. */
  readonly warmup: number;
}

/** One visit. Times in seconds of CPU or wall, over all of it. */
export interface Visit {
  readonly scenario: Visits["kind"];
  readonly name: ToolkitName;
  readonly round: number;
  /** Milliseconds or nanoseconds. */
  readonly value: number;
  readonly wall: number;
  readonly cpu: number;
  readonly ownCpu: number;
  /** Of all that ran on the machine. */
  readonly machineCpu: number;
}

/** Messages of a visit that saves: 20 to 100 ms of work. */
const MESSAGES = 20_000;

/** Visits the rooms of these toolkits in turn, in the other direction every other round. */
export async function visitInTurn(
  visits: Visits,
  names: readonly ToolkitName[],
): Promise<Visit[]> {
  await using rooms = new AsyncDisposableStack();
  const visitors: (() => Promise<Visit>)[] = [];
  for (const toolkit of all) {
    if (!names.includes(toolkit.name)) continue;
    const enter = async (query: string) => rooms.use(await Room.start(toolkit, query));
    visitors.push(await visitorOf(visits, toolkit, enter));
  }
  const found: Visit[] = [];
  for (let round = 1 - visits.warmup; round <= visits.rounds; round++) {
    const order = round % 2 ? visitors : visitors.toReversed();
    for (const visit of order) found.push({ ...await visit(), round });
  }
  return found.filter(({ round }) => round > 0);
}

async function visitorOf(
  { kind, message, query }: Visits,
  toolkit: Toolkit,
  enter: (query: string) => Promise<Room>,
): Promise<() => Promise<Visit>> {
  const room = await enter(toolkit.name === "empty" ? "" : query);
  if (kind === "wake") return () => watched(kind, room, () => wake(room, message));
  const without = await enter("");
  const cost = async (it: Room): Promise<number> => {
    const before = cpuTime(it.pid);
    await it.count(MESSAGES);
    return (cpuTime(it.pid) - before) * 1e9 / MESSAGES;
  };
  return () => watched(kind, room, async () => await cost(room) - await cost(without));
}

async function wake(room: Room, message: string): Promise<number> {
  const before = await room.ask("look");
  await room.evict();
  const start = performance.now();
  const answer = await room.ask(message);
  const time = performance.now() - start;
  const expected = afterEviction(before, message);
  if (answer !== expected) {
    throw new Error(`${room.toolkit.name} answered ${answer} in place of ${expected}`);
  }
  return time;
}

/** `10/3 7`: a history of ten, counted three times, in the seventh object; then `10/4 8` to `sign`. */
function afterEviction(before: string, message: string): string {
  const [history, count, life] = before.split(/[/ ]/).map(Number) as [number, number, number];
  const isCounted = message === "sign" && history > 0;
  return `${history}/${isCounted ? count + 1 : count} ${life + 1}`;
}

async function watched(
  scenario: Visits["kind"],
  { pid, toolkit: { name } }: Room,
  visit: () => Promise<number>,
): Promise<Visit> {
  const times = () => [performance.now() / 1000, cpuTime(pid), cpuTime(Deno.pid), machineCpuTime()];
  const before = times();
  const value = await visit();
  const [wall, cpu, ownCpu, machineCpu] = times().map((time, index) => time - before[index]!) as [
    number,
    number,
    number,
    number,
  ];
  return { scenario, name, round: 0, value, wall, cpu, ownCpu, machineCpu };
}

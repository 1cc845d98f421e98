import { CaseClient, sleep } from "../harness/clients/case_client.ts";
import type { Runtime } from "../runtimes/native.ts";
import { ServerProcess } from "../harness/processes/server_process.ts";
import { Cycle } from "./cycle.ts";
import { Latencies, type LatencySummary } from "./latency.ts";
import { Ledger, type Wrongs } from "./ledger.ts";
import { probe } from "./probe.ts";
import type { Held } from "./soak_server.ts";

/** Resources of the server's process without clients. Sizes are bytes. */
export interface AtRest extends Held {
  /** Seconds since the start. */
  readonly at: number;
  readonly rss: number;
  readonly fds: number;
  readonly peers: number;
  readonly topics: number;
  readonly namespaces: number;
  readonly timers: number;
}

/** Result of a soak. */
export interface SoakResult {
  readonly seconds: number;
  readonly connects: number;
  readonly received: number;
  readonly wrongs: Wrongs;
  readonly latency: { readonly echo: LatencySummary; readonly publish: LatencySummary };
  /** Resources after each cycle. The first cycle warms up, and is the reference for the others. */
  readonly atRest: readonly AtRest[];
  /** Descriptions of failures; empty if the run passed. */
  readonly failures: readonly string[];
}

/** Bytes by which the heap may grow after the first cycle, as code is compiled. */
const HEAP_GROWTH = 4 * 1024 * 1024;
/**
 * Bytes by which the resident memory may grow in the second half. In the first half, allocators and
 * collectors adapt: with a flat heap, Node 24 keeps 70 MiB more.
 */
const RSS_GROWTH = 32 * 1024 * 1024;
const CYCLES = 10;
const MIN_CYCLE_MS = 8000;

/**
 * Puts a mixed load on a runtime in cycles. All clients leave after each cycle, and the server must
 * be as empty as before.
 */
export async function soak(
  runtime: Runtime,
  seconds: number,
  onCycle: (atRest: AtRest) => void = () => {},
): Promise<SoakResult | { missing: string }> {
  const command = await runtime.command();
  if ("missing" in command) return command;
  await using server = await ServerProcess.start(command);
  const client = new CaseClient(server, `soak-${crypto.randomUUID().slice(0, 8)}`);
  await client.open("soak");
  const ledger = new Ledger(), failures: string[] = [], atRest: AtRest[] = [];
  const run = { url: client.url(), ledger, complain: (words: string) => failures.push(words) };
  const measures = { echo: new Latencies(), publish: new Latencies() };
  const started = performance.now();
  const count = Math.max(2, Math.min(CYCLES, Math.floor(seconds * 1000 / MIN_CYCLE_MS)));
  let connects = 0;
  for (let n = 0; n < count && !server.exited; n++) {
    const end = started + seconds * 1000 * (n + 1) / count;
    const cycle = new Cycle(run), ms = end - performance.now();
    const [probed] = await Promise.all([
      probe({ url: run.url, ms }),
      cycle.pass(ms, {
        start: () => client.command("start"),
        stop: () => client.command("stop"),
      }),
    ]);
    measures.echo.merge(probed.echo);
    measures.publish.merge(probed.publish);
    failures.push(...probed.remarks);
    connects += cycle.connects;
    atRest.push(await rest(client, server, (performance.now() - started) / 1000));
    onCycle(atRest.at(-1)!);
  }
  const { drops } = await client.stats();
  if (drops > 0) failures.push(`the server dropped ${drops} messages`);
  if (!ledger.isClean) failures.push(...ledger.remarks);
  failures.push(...grown(atRest));
  await client.close();
  if (server.exited) failures.push(server.exited);
  return {
    seconds: Math.round((performance.now() - started) / 1000),
    connects,
    received: ledger.received,
    wrongs: ledger.wrongs,
    latency: { echo: measures.echo.summary(), publish: measures.publish.summary() },
    atRest,
    failures: failures.slice(0, 40),
  };
}

/** Waits until the server has closed all peers, and measures its resources. */
async function rest(client: CaseClient, server: ServerProcess, at: number): Promise<AtRest> {
  let stats = await client.stats();
  for (let n = 0; n < 100 && stats.peers + stats.timers + stats.topics > 0; n++) {
    await sleep(50);
    stats = await client.stats();
  }
  const held = await client.command<Held>("held");
  const { peers, topics, namespaces, timers } = stats;
  const { rss, fds } = await processOf(server.pid);
  return { at: Math.round(at), ...held, rss, fds, peers, topics, namespaces, timers };
}

async function processOf(pid: number): Promise<{ rss: number; fds: number }> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const fds = await Array.fromAsync(Deno.readDir(`/proc/${pid}/fd`));
  return { rss: Number(/VmRSS:\s+(\d+)/.exec(status)![1]) * 1024, fds: fds.length };
}

/** Describes the resources that grew. */
export function grown(atRest: readonly AtRest[]): string[] {
  const first = atRest[0]!, last = atRest.at(-1)!, middle = atRest[atRest.length >> 1]!;
  const left = atRest.flatMap(({ at, peers, topics, namespaces, timers }) =>
    peers + topics + namespaces + timers === 0 ? [] : [
      `after ${at} s: ${peers} peers, ${topics} topics, ${namespaces} namespaces, ${timers} timers`,
    ]
  );
  const limits: [what: "heap" | "external" | "fds", growth: number][] = [
    ["heap", HEAP_GROWTH],
    ["external", HEAP_GROWTH],
    ["fds", 0],
  ];
  if (last.rss > middle.rss + RSS_GROWTH) left.push(`rss: ${middle.rss} became ${last.rss}`);
  for (const [what, growth] of limits) {
    if (last[what] > first[what] + growth) {
      left.push(`${what}: ${first[what]} became ${last[what]}`);
    }
  }
  return left;
}

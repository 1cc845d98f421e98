/// <reference lib="webworker" />
import { sleep } from "../harness/clients/case_client.ts";
import { Chatting, Room } from "./chatting.ts";
import { Echoing } from "./echoing.ts";
import { type Counts, Latencies } from "./latency.ts";
import { Ledger } from "./ledger.ts";
import { PLAN } from "./plan.ts";

/** Task of the probe. */
export interface ProbeTask {
  readonly url: string;
  readonly ms: number;
}

/** Measurements of the probe. */
export interface ProbeResult {
  readonly echo: Counts;
  readonly publish: Counts;
  readonly remarks: readonly string[];
}

/** Number of the probe's room; the load uses the lower numbers. */
const ROOM = 1000;

/** Measures latencies in a separate thread, so that they do not include the work of the load. */
export function probe(task: ProbeTask): Promise<ProbeResult> {
  const worker = new Worker(import.meta.url, { type: "module" });
  return new Promise<ProbeResult>((resolve, reject) => {
    worker.onmessage = ({ data }) => data === READY ? worker.postMessage(task) : resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
  }).finally(() => worker.terminate());
}

const READY = "ready";

if (typeof DedicatedWorkerGlobalScope === "function") {
  const scope = self as unknown as DedicatedWorkerGlobalScope;
  scope.onmessage = async ({ data }) => scope.postMessage(await measure(data));
  scope.postMessage(READY);
}

async function measure({ url, ms }: ProbeTask): Promise<ProbeResult> {
  const ledger = new Ledger(), remarks: string[] = [];
  const run = { url, ledger, complain: (words: string) => remarks.push(words) };
  const echo = new Latencies(), publish = new Latencies();
  const room = new Room(ROOM, publish);
  const { clients, perSecond, length } = PLAN.probing;
  const echoing = Array.from({ length: clients }, (_, n) =>
    new Echoing(run, `probe${n}`, {
      length: () => length,
      isBinary: n % 2 === 0,
      deflate: false,
      latencies: echo,
    }));
  const chatting = Array.from(
    { length: clients },
    (_, n) =>
      new Chatting(run, `probe${n}`, room, { deflate: false, isSteady: true, isReliable: true }),
  );
  const members = [...echoing, ...chatting];
  await Promise.all(members.map((member) => member.join()));
  const end = performance.now() + ms;
  // One client sends at a time, so that no message waits for the client's work on another.
  for (let turn = 0; performance.now() < end; turn++) {
    members[turn % members.length]!.speak();
    await sleep(1000 / perSecond / members.length);
  }
  await sleep(500);
  await Promise.all(members.map((member) => member.leave()));
  return { echo: echo.counts, publish: publish.counts, remarks: [...remarks, ...ledger.remarks] };
}

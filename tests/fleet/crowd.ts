import type { Runtime } from "../runtimes/native.ts";
import { Line } from "./client.ts";
import { FleetBroker, FleetNode, sleep } from "./cluster.ts";
import { Journey } from "./journey.ts";
import { Ledger } from "./ledger.ts";
import { TimeLimit } from "../harness/time_limit.ts";
import type { NodeOptions, Notice } from "./fleet_node.ts";

/** Clients that come back at once. */
export interface CrowdOptions {
  readonly clients: number;
  readonly topics: number;
  readonly library: NodeOptions["library"];
  readonly runtimes: readonly Runtime[];
}

/** Figures of a crowd. */
export interface CrowdReport {
  readonly wrongs: readonly string[];
  readonly recovered: number;
  /** Reads of Redis. */
  readonly reads: number;
  /** Milliseconds: until all sockets are open, and from the first subscription until the last result. */
  readonly connectMs: number;
  readonly recoverMs: number;
  /** Most MiB of memory of a node before and after. */
  readonly memory: readonly [number, number];
}

/** Most milliseconds that a crowd takes on an idle machine. */
const MAX_MS = 30_000;
/** Messages of each topic that every client has missed, and messages while they come back. */
const MISSED = 10, LIVE = 5;

/** Lets clients of many topics come back to the nodes at once, while messages are published. */
export function runCrowd(options: CrowdOptions): Promise<CrowdReport> {
  return new TimeLimit(MAX_MS).race(run(options), "the clients did not all come back");
}

async function run(
  { clients, topics, library, runtimes }: CrowdOptions,
): Promise<CrowdReport> {
  const ledger = new Ledger(), broker = await FleetBroker.start(ledger);
  const { port, admin } = broker.server, settings = { library, size: 100, ttl: 600_000 };
  const nodes = await Promise.all(runtimes.map((it) => FleetNode.start(it, port, settings)));
  const control = nodes.map((node) => new Control(node));
  const lines: Line[] = [];
  try {
    await Promise.all(control.map((it) => it.line.opened));
    const names = Array.from({ length: topics }, (_, i) => `t${i}`);
    const since = new Map<string, string>();
    for (const name of names) since.set(name, await control[0]!.commit(name, `${name}: 0`));
    for (let i = 1; i <= MISSED; i++) {
      await Promise.all(names.map((name) => control[0]!.commit(name, `${name}: ${i}`)));
    }
    const before = await memoryOf(control), readsBefore = await readsOf(admin);
    const journeys: Journey[] = [], waiting = new Set<number>();
    const began = performance.now();
    for (let i = 0; i < clients; i++) {
      const topic = names[i % topics]!, journey = new Journey(ledger, `client ${i}`, topic);
      journey.resume(since.get(topic)!);
      journeys.push(journey);
      waiting.add(i);
      lines.push(
        new Line(nodes[Math.floor(i / topics) % nodes.length]!.url!, (notice) => {
          journey.take(notice);
          if ("subscribed" in notice) waiting.delete(i);
        }),
      );
      if (lines.length % 200 === 0) await lines.at(-1)!.opened;
    }
    await Promise.all(lines.map((line) => line.opened));
    const opened = performance.now();
    lines.forEach((line, i) => {
      line.send({ subscribe: journeys[i]!.topic, since: journeys[i]!.begin() });
    });
    for (let i = 1; i <= LIVE; i++) {
      await Promise.all(names.map((name) => control[i % 2]!.commit(name, `${name}: live ${i}`)));
    }
    while (waiting.size > 0 && lines.every(({ isOpen }) => isOpen)) await sleep(5);
    const done = performance.now();
    const late = () => journeys.filter(({ latest, topic }) => latest !== `${topic}: live ${LIVE}`);
    for (let i = 0; i < 1000 && late().length > 0; i++) await sleep(10);
    const reads = await readsOf(admin) - readsBefore, after = await memoryOf(control);
    for (const journey of journeys) journey.finish();
    return {
      wrongs: [
        ...journeys.flatMap(({ wrongs }) => wrongs),
        ...ledger.wrongs,
        ...late().map(({ topic, latest }) => `a client of ${topic} has only ${latest}`),
        ...journeys.filter(({ counts: { messages } }) => messages !== MISSED + LIVE)
          .map(({ topic, counts: { messages } }) => `${messages} messages of ${topic}`),
      ],
      recovered: journeys.filter(({ counts }) => counts.recovered === 1).length,
      reads,
      connectMs: Math.round(opened - began),
      recoverMs: Math.round(done - opened),
      memory: [before, after],
    };
  } finally {
    for (const line of [...lines, ...control.map(({ line }) => line)]) line.end();
    await Promise.all(nodes.map((node) => node.stop()));
    ledger.close();
    await broker.stop();
  }
}

/** Connection that commits, and asks for the status. */
class Control {
  readonly line: Line;
  readonly #taken = new Map<string, (notice: Notice) => void>();

  constructor(node: FleetNode) {
    this.line = new Line(node.url!, (notice) => {
      const key = "committed" in notice
        ? notice.committed
        : "failed" in notice
        ? notice.failed
        : "status" in notice
        ? "status"
        : "";
      this.#taken.get(key)?.(notice);
    });
  }

  async commit(topic: string, text: string): Promise<string> {
    for (;;) {
      const notice = await this.#ask(text, () => {
        this.line.send({ commit: text, topic, key: text });
      });
      // A node or Redis that is busy for two seconds may confirm no commit. The key prevents doubles.
      if ("committed" in notice) return notice.position;
    }
  }

  async rss(): Promise<number> {
    const notice = await this.#ask("status", () => this.line.send({ status: true }));
    return (notice as { readonly status: { readonly rss: number } }).status.rss;
  }

  #ask(key: string, send: () => void): Promise<Notice> {
    return new Promise((resolve) => {
      this.#taken.set(key, resolve);
      send();
    });
  }
}

async function memoryOf(control: readonly Control[]): Promise<number> {
  const bytes = await Promise.all(control.map((it) => it.rss()));
  return Math.round(Math.max(...bytes) / 2 ** 20);
}

/** Number of reads. Each read of less than 16 messages calls XREVRANGE once. */
async function readsOf(admin: { info(section: string): Promise<string> }): Promise<number> {
  const text = await admin.info("commandstats");
  return Number(/cmdstat_xrevrange:calls=(\d+)/.exec(text)?.[1] ?? 0);
}

import { Random } from "../fuzz/random.ts";
import type { Runtime } from "../runtimes/native.ts";
import { FleetClient } from "./client.ts";
import { FleetBroker, FleetNode, sleep } from "./cluster.ts";
import { Journey } from "./journey.ts";
import { Ledger } from "./ledger.ts";
import type { NodeOptions } from "./fleet_node.ts";
import { Publisher } from "./publisher.ts";

/** Settings of a run. */
export interface FleetOptions {
  readonly seed: number;
  /** Milliseconds with faults. */
  readonly ms: number;
  readonly clients: number;
  readonly library: NodeOptions["library"];
  /** A node for each. */
  readonly runtimes: readonly Runtime[];
}

/** Result of a run. */
export interface FleetReport {
  /** What contradicts the model. Empty if the fleet is right. */
  readonly wrongs: readonly string[];
  /** Faults, by name. */
  readonly faults: Readonly<Record<string, number>>;
  readonly counts: Readonly<Record<string, number>>;
}

const TOPICS = ["h0", "h1", "h2", "h3"];
/** Small: clients that stay away are late for it. */
const SIZE = 150;
/** Milliseconds until all clients have the last messages, after the last fault. */
const MAX_SETTLE = 30_000;

/** A chance for each fault. */
const FAULTS = {
  "node killed": 3,
  "node stopped": 2,
  "node cut off": 3,
  "clock shifted": 2,
  "snapshot": 3,
  "broker killed": 2,
  "flushed": 1,
  "failover": 1,
  "all come back": 2,
};
type Fault = keyof typeof FAULTS;

/** Nodes with clients and publishers, and a random sequence of faults. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #random: Random;
  readonly #ledger = new Ledger();
  readonly #clients: FleetClient[] = [];
  readonly #faults: Record<string, number> = {};
  #publishers: Publisher[] = [];
  #nodes: FleetNode[] = [];
  #broker!: FleetBroker;
  #isOver = false;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
  }

  async run(): Promise<FleetReport> {
    const { clients, library, runtimes, ms } = this.#options;
    this.#broker = await FleetBroker.start(this.#ledger);
    const { port } = this.#broker.server;
    const settings = { library, size: SIZE, ttl: 60_000 };
    try {
      this.#nodes = await Promise.all(runtimes.map((it) => FleetNode.start(it, port, settings)));
      const address = () => this.#address();
      const pause = () => this.#random.chance(0.7) ? 0 : this.#random.below(1500);
      for (let i = 0; i < clients; i++) {
        const topic = TOPICS[i % TOPICS.length]!;
        const journey = new Journey(this.#ledger, `client ${i}`, topic);
        this.#clients.push(new FleetClient(journey, topic, address, pause));
      }
      this.#publishers = ["a", "b", "c"].map((name) => new Publisher(name, address));
      await Promise.race([sleep(5000), this.#allSubscribed()]);
      const work = [...this.#publishers.map((it) => this.#publish(it)), this.#comeAndGo()];
      for (const end = performance.now() + ms; performance.now() < end;) {
        await sleep(this.#random.below(700));
        await this.#do(this.#random.weighted(FAULTS));
      }
      this.#isOver = true;
      await Promise.all(work);
      const late = await this.#settled();
      return this.#report(late);
    } finally {
      this.#isOver = true;
      await Promise.all(this.#clients.map((client) => client.close()));
      for (const publisher of this.#publishers) publisher.close();
      await Promise.all(this.#nodes.map((node) => node.stop()));
      this.#ledger.close();
      await this.#broker.stop();
    }
  }

  /** URL of a node. A node that is dead, stopped or cut off still gets clients, as in production. */
  #address(): string {
    const urls = this.#nodes.flatMap(({ url }) => url ?? []);
    return urls.length > 0 ? this.#random.pick(urls) : "ws://127.0.0.1:1";
  }

  async #publish(publisher: Publisher): Promise<void> {
    while (!this.#isOver) {
      const topic = this.#random.pick(TOPICS);
      if (this.#random.chance(0.3)) await publisher.commit(topic, () => !this.#isOver);
      else await publisher.publish(topic, this.#random.between(1, 5));
      await sleep(this.#random.below(30));
    }
  }

  async #comeAndGo(): Promise<void> {
    while (!this.#isOver) {
      await sleep(this.#random.below(100));
      this.#random.pick(this.#clients).leave();
    }
  }

  async #do(fault: Fault): Promise<void> {
    this.#faults[fault] = (this.#faults[fault] ?? 0) + 1;
    const node = this.#random.pick(this.#nodes);
    if (fault === "node killed") {
      // In the middle of what it publishes.
      for (const publisher of this.#publishers) void publisher.publish(TOPICS[0]!, 20);
      await sleep(this.#random.below(5));
      node.kill();
      await sleep(this.#random.below(300));
      await node.start();
    } else if (fault === "node stopped") {
      node.signal("SIGSTOP");
      await sleep(this.#random.below(1500));
      node.signal("SIGCONT");
    } else if (fault === "node cut off") {
      const heal = node.proxy.cutOff();
      await sleep(this.#random.below(3000));
      heal();
    } else if (fault === "clock shifted") {
      node.shiftClock(this.#random.between(-3_600_000, 3_600_000));
    } else if (fault === "all come back") { for (const client of this.#clients) client.leave(); }
    else await this.#harm(fault);
  }

  async #harm(fault: Fault): Promise<void> {
    const { server } = this.#broker;
    if (fault === "snapshot") await server.admin.call("SAVE").catch(() => {});
    else if (fault === "flushed") await server.admin.flushall().catch(() => {});
    else if (fault === "broker killed") {
      await server.kill();
      await sleep(this.#random.below(500));
      await server.restart();
    } else {
      const promote = await this.#broker.laggingReplica();
      await sleep(this.#random.below(400));
      await promote(this.#nodes.map(({ proxy }) => proxy));
    }
  }

  async #allSubscribed(): Promise<void> {
    while (!this.#clients.every(({ isSubscribed }) => isSubscribed)) await sleep(20);
  }

  /** Publishes a last message on each topic. Returns the clients that do not get it. */
  async #settled(): Promise<string[]> {
    const end = performance.now() + MAX_SETTLE, isInTime = () => performance.now() < end;
    let late: string[] = [];
    while (isInTime()) {
      await Promise.race([this.#allSubscribed(), sleep(end - performance.now())]);
      // Again if clients miss it: the loss of the last connection may not be noticed yet.
      const last = new Map<string, string | undefined>();
      for (const topic of TOPICS) {
        last.set(topic, await this.#publishers[0]!.commit(topic, isInTime));
      }
      await sleep(500);
      late = this.#clients.flatMap(({ journey }, i) => {
        const { topic, latest } = journey;
        return latest !== undefined && latest === last.get(topic)
          ? []
          : [`client ${i} of ${topic} did not get ${last.get(topic)}: it has ${latest}`];
      });
      if (late.length === 0) return [];
    }
    return late;
  }

  #report(late: readonly string[]): FleetReport {
    const counts: Record<string, number> = { kept: this.#ledger.size };
    const add = (more: Readonly<Record<string, number>>) => {
      for (const [name, count] of Object.entries(more)) counts[name] = (counts[name] ?? 0) + count;
    };
    for (const { journey } of this.#clients) {
      journey.finish();
      add(journey.counts);
    }
    for (const publisher of this.#publishers) add(publisher.counts);
    const wrongs = [
      ...this.#ledger.wrongs,
      ...this.#clients.flatMap(({ journey }) => journey.wrongs),
      ...late,
    ];
    return { wrongs, faults: this.#faults, counts };
  }
}

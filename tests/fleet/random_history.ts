import { createClient } from "@redis/client";
import { Redis } from "ioredis";
import { redis } from "../../sync/redis.ts";
import { Proxy } from "../brokers/proxy.ts";
import type { RedisServer } from "../brokers/redis_server.ts";
import { type TestClient, TestNode } from "../brokers/test_node.ts";
import { Random } from "../fuzz/random.ts";
import { sleep } from "./cluster.ts";
import { Journey } from "./journey.ts";
import type { Ledger } from "./ledger.ts";
import type { NodeOptions } from "./fleet_node.ts";

const STEPS = 50, NODES = 2, CLIENTS = 6;
/** Small: a client that stays away for some steps is late for it. */
const SIZE = 12;
/** Milliseconds until all clients have the last message. */
const MAX_SETTLE = 10_000;

/** A chance for each step. */
const STEPS_BY_CHANCE = {
  publish: 40,
  commit: 12,
  come: 25,
  leave: 15,
  cut: 5,
  stall: 4,
  flush: 1.5,
  snapshot: 2,
  restart: 0.7,
};

/** Server that a history may harm, and the ledger that watches the server. */
export interface Ground {
  readonly server: RedisServer;
  readonly ledger: Ledger;
}

/** Client without a network. */
class Comer {
  readonly journey: Journey;
  #client: TestClient | undefined;

  constructor(journey: Journey) {
    this.journey = journey;
  }

  get isHere(): boolean {
    return this.#client !== undefined;
  }

  isPeer(peer: unknown): boolean {
    return this.#client?.peer === peer;
  }

  async come(node: TestNode): Promise<void> {
    this.leave();
    const client = await node.client("/");
    this.leave(); // another call was quicker
    this.#client = client;
    client.onMessage = (message) => this.journey.take(JSON.parse(String(message)));
    const since = this.journey.begin();
    void client.peer.subscribe(this.journey.topic, { since }).then((subscribed) => {
      if (this.#client === client) this.journey.take({ subscribed });
    });
  }

  leave(): void {
    if (!this.#client) return;
    this.#client.onMessage = () => {};
    this.#client.leave();
    this.#client = undefined;
    this.journey.end();
  }
}

/** One random history on a real Redis. Returns what contradicts the model, and counts. */
export async function runRandomHistory(
  { server, ledger }: Ground,
  library: NodeOptions["library"],
  seed: number,
): Promise<{ readonly wrongs: readonly string[]; readonly counts: Journey["counts"] }> {
  const random = new Random(seed), topic = `h${seed}`;
  const proxies = await Promise.all(Array.from({ length: NODES }, () => Proxy.start(server.port)));
  const comers = Array.from({ length: CLIENTS }, (_, i) => {
    return new Comer(new Journey(ledger, `client ${i}`, topic));
  });
  const nodes = proxies.map(({ port }) =>
    new TestNode({
      sync: redis({ client: clientOf(library, port), prefix: "fleet", required: true }),
      topics: () => ({ history: { size: SIZE, ttl: 60_000 } }),
      format: ({ data, position }) => ({ text: String(data), position }),
      hooks: {
        gap: (peer, { reason }) => {
          comers.find((comer) => comer.isPeer(peer))?.journey.take({ gap: reason });
        },
      },
    })
  );
  await Promise.all(nodes.map((node) => node.ready()));
  let number = 0;
  const publish = () => random.pick(nodes).publish(topic, `${++number}`, { namespace: "/" });
  const commit = async (node: TestNode) => {
    const text = `${++number}`;
    return await node.commit(topic, text, { namespace: "/", key: text }).then(() => text, () => {});
  };
  const heals: (() => void)[] = [];
  for (let step = 0; step < STEPS; step++) {
    const what = random.weighted(STEPS_BY_CHANCE), proxy = random.pick(proxies);
    if (what === "publish") { for (let i = random.between(1, 4); i > 0; i--) publish(); }
    else if (what === "commit") void commit(random.pick(nodes));
    else if (what === "come") void random.pick(comers).come(random.pick(nodes));
    else if (what === "leave") random.pick(comers).leave();
    else if (what === "cut") proxy.lead(server.port);
    else if (what === "stall") heals.push(proxy.cutOff());
    else if (what === "flush") await server.admin.flushall().catch(() => {});
    else if (what === "snapshot") await server.admin.call("SAVE").catch(() => {});
    else await server.restart();
    if (random.chance(0.2)) heals.pop()?.();
    await sleep(random.below(4));
  }
  for (const heal of heals) heal();
  const late = await settle(nodes, comers, commit);
  for (const comer of comers) comer.leave();
  await Promise.all(nodes.map((node) => node.close({ timeout: 0 })));
  for (const proxy of proxies) await proxy[Symbol.asyncDispose]();
  const counts = { messages: 0, recovered: 0, replayed: 0, notRecovered: 0, gaps: 0 };
  for (const { journey } of comers) {
    journey.finish();
    for (const name of Object.keys(counts) as (keyof typeof counts)[]) {
      counts[name] += journey.counts[name];
    }
  }
  const wrongs = [...comers.flatMap(({ journey }) => journey.wrongs), ...ledger.wrongs, ...late];
  return { wrongs, counts };
}

/** Commits a last message until all clients have it. Returns the clients that do not get it. */
async function settle(
  nodes: readonly TestNode[],
  comers: readonly Comer[],
  commit: (node: TestNode) => Promise<string | void>,
): Promise<string[]> {
  let late: Comer[] = [], last: string | void = undefined;
  for (const end = performance.now() + MAX_SETTLE; performance.now() < end;) {
    last = nodes.every((node) => node.stats.sync!.up === 1) ? await commit(nodes[0]!) : undefined;
    for (let i = 0; i < 25; i++) {
      late = comers.filter(({ isHere, journey }) => isHere && journey.latest !== last);
      if (last !== undefined && late.length === 0) return [];
      await sleep(2);
    }
  }
  return [`${late.length} clients did not get the last message ${last}`];
}

function clientOf(library: NodeOptions["library"], port: number) {
  return library === "ioredis"
    ? new Redis({ host: "127.0.0.1", port, lazyConnect: true })
    : createClient({ socket: { host: "127.0.0.1", port } });
}

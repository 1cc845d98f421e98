import assert from "node:assert/strict";
import type { Broker, BrokerHost, HistoryStore, Publication } from "../../../pubsub/broker.ts";
import { overBroker } from "../../../pubsub/broker_link.ts";
import { parsePosition, type Position, randomEpoch } from "../../../pubsub/history/position.ts";
import type { SubscribeResult } from "../../../pubsub/history/subscribe_options.ts";
import { type TestClient, TestNode } from "../../brokers/test_node.ts";
import { Random } from "../../fuzz/random.ts";

/**
 * Random histories over a broker that loses connections, messages, answers and data. A model knows
 * what the broker has kept. No client may miss or double a message without having been told.
 */

const HISTORIES = Number(Deno.env.get("HISTORIES") ?? 300), STEPS = 60;
const SIZE = 6;

/** What the broker has kept of the only topic. */
class Stream {
  epoch = randomEpoch();
  frames: Uint8Array[] = [];
  top = 0;
  /** Whether no message is lost any more. */
  isCalm = false;
  /** Numbers of all messages by position. */
  readonly kept = new Map<string, number>();
  /** Positions of messages that a healthy connection has lost, which no broker does. */
  readonly unseen = new Set<string>();

  reset(): void {
    this.epoch = randomEpoch();
    this.frames = [];
    this.top = 0;
  }
}

class FaultyBroker implements Broker {
  isUp = false;
  /** Whether channels bring messages: some turns before {@linkcode isUp}. */
  #hears = false;
  readonly #nodes: Set<FaultyBroker>;
  readonly #stream: Stream;
  readonly #random: () => number;
  readonly #channels = new Set<string>();
  #host: BrokerHost | undefined;
  #wasUp = false;

  constructor(nodes: Set<FaultyBroker>, stream: Stream, random: () => number) {
    this.#nodes = nodes;
    this.#stream = stream;
    this.#random = random;
    nodes.add(this);
  }

  readonly history: HistoryStore = {
    append: async (channel, frames) => {
      await this.#wait();
      const stream = this.#stream, first = { epoch: stream.epoch, offset: stream.top + 1 };
      stream.frames.push(...frames);
      stream.frames.splice(0, stream.frames.length - SIZE);
      for (const frame of frames) {
        const payload = frame.subarray(frame[1]! & 4 ? 14 : 2);
        stream.kept.set(
          `${stream.epoch}.${++stream.top}`,
          Number(new TextDecoder().decode(payload)),
        );
      }
      for (const node of this.#nodes) void node.#appended(channel, first, frames);
      await this.#wait(); // the answer may be lost
      return first;
    },
    read: async (_channel, since, { limit }) => {
      await this.#wait();
      const { epoch, top, frames } = this.#stream;
      const count = since?.epoch === epoch ? Math.min(limit, top - since.offset) : limit;
      const page = { top: { epoch, offset: top }, frames: count > 0 ? frames.slice(-count) : [] };
      await this.#wait();
      return page;
    },
  };

  open(host: BrokerHost): void {
    this.#host = host;
    void this.connect();
  }

  /** Takes some turns. Rejects if the connection is lost meanwhile. */
  async #wait(): Promise<void> {
    for (let turns = Math.floor(this.#random() * 6); turns >= 0; turns--) {
      if (!this.isUp) throw new Error("lost");
      await undefined;
    }
  }

  async #appended(channel: string, first: Position, frames: readonly Uint8Array[]): Promise<void> {
    // In order, as each message takes the same number of turns.
    for (let turns = 0; turns < 3; turns++) await undefined;
    const isLost = !this.#stream.isCalm && this.#random() < 0.05;
    if (isLost) {
      frames.forEach((_, i) => this.#stream.unseen.add(`${first.epoch}.${first.offset + i}`));
    }
    if (isLost || !this.#hears || !this.#channels.has(channel)) return;
    this.#host?.appended(channel, first, frames);
  }

  async connect(): Promise<void> {
    if (this.#hears) return;
    this.#hears = true;
    // The channels are restored one after another, and messages come meanwhile.
    for (let turns = Math.floor(this.#random() * 12); turns > 0; turns--) await undefined;
    if (!this.#hears || this.isUp) return;
    this.isUp = true;
    this.#host!.up(this.#wasUp);
    this.#wasUp = true;
  }

  lose(): void {
    this.#hears = false;
    if (!this.isUp) return;
    this.isUp = false;
    this.#host!.down(new Error("lost"));
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    for (const channel of channels) this.#channels.add(channel);
    await undefined;
  }

  unsubscribe(channels: readonly string[]): void {
    for (const channel of channels) this.#channels.delete(channel);
  }

  publish(_batch: readonly Publication[]): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#nodes.delete(this);
    return Promise.resolve();
  }
}

/** A client's time on one node. */
interface Session {
  readonly client: TestClient;
  readonly since: string | undefined;
  result: SubscribeResult | undefined;
  gaps: number;
}

interface Received {
  readonly n: number;
  readonly position: Position;
}

const receivedBy = ({ client }: Session): Received[] =>
  client.messages.map((text) => {
    const { n, position } = JSON.parse(String(text));
    return { n, position: parsePosition(position)! };
  });

/** Checks what a client has got, with the position that it had before. */
function check(session: Session, { kept, unseen }: Stream): void {
  const isMissed = ({ epoch, offset }: Position) => {
    const next = `${epoch}.${offset + 1}`;
    return kept.has(next) && !unseen.has(next);
  };
  const { result, since, gaps } = session, all = receivedBy(session);
  for (const { n, position: { epoch, offset } } of all) {
    assert.equal(kept.get(`${epoch}.${offset}`), n, "the message of this position");
  }
  let before = since !== undefined && result?.recovered ? parsePosition(since) : undefined;
  if (before && result) assert.ok(all.length >= result.replayed, "all messages to recover came");
  let holes = 0;
  for (const { position } of all) {
    if (before?.epoch === position.epoch) {
      assert.ok(position.offset > before.offset, "no message twice, and none out of order");
      if (position.offset > before.offset + 1) holes++;
    } else if (before && (position.offset !== 1 || isMissed(before))) holes++;
    before = position;
  }
  if (holes > 0) assert.ok(gaps > 0, `${holes} holes, and the client was not told`);
}

async function runHistory(seed: number): Promise<{ recovered: number; told: number }> {
  const choices = new Random(seed),
    random = () => choices.fraction(),
    stream = new Stream(),
    nodes = new Set<FaultyBroker>();
  const pick = <Item>(items: readonly Item[]) => choices.pick(items);
  const sessions: Session[] = [], live = new Set<Session>();
  const brokers: FaultyBroker[] = [];
  const made = Array.from({ length: 2 }, () => {
    const sync = overBroker(() => {
      const broker = new FaultyBroker(nodes, stream, random);
      brokers.push(broker);
      return broker;
    });
    return new TestNode({
      sync,
      topics: () => ({ history: { size: SIZE, ttl: 60_000 } }),
      format: ({ data, position }) => ({ n: Number(data), position }),
      hooks: {
        gap: (peer) => {
          for (const session of sessions) if (session.client.peer === peer) session.gaps++;
        },
      },
    });
  });
  const positions: (string | undefined)[] = [undefined];
  let published = 0;
  for (let step = 0; step < STEPS; step++) {
    const dice = random();
    if (dice < 0.4) {
      made[Math.floor(random() * 2)]!.publish("t", `${++published}`, { namespace: "/" });
    } else if (dice < 0.6) {
      const since = pick(positions), client = await pick(made).client("/");
      const session: Session = { client, since, result: undefined, gaps: 0 };
      sessions.push(session);
      live.add(session);
      void client.peer.subscribe("t", { since }).then((result) => {
        session.result = result;
        positions.push(result.position);
      });
    } else if (dice < 0.7 && live.size > 0) {
      const session = pick([...live]);
      live.delete(session);
      const last = session.client.messages.at(-1);
      if (last !== undefined) positions.push(JSON.parse(String(last)).position);
      session.client.leave();
    } else if (dice < 0.78) pick(brokers).lose();
    else if (dice < 0.9) void pick(brokers).connect();
    else if (dice < 0.93) stream.reset();
    for (let turns = Math.floor(random() * 12); turns > 0; turns--) await undefined;
  }
  stream.isCalm = true;
  await Promise.all(brokers.map((broker) => broker.connect()));
  const isDone = () => sessions.every((session) => session.result || !live.has(session));
  while (!isDone()) await new Promise((resolve) => setTimeout(resolve, 1));
  // The topic goes on until every client has got its last message, or has been told.
  for (let i = 0; i < 3; i++) {
    made[0]!.publish("t", `${++published}`, { namespace: "/" });
    for (let turns = 0; turns < 200; turns++) await undefined;
  }
  await new Promise((resolve) => setTimeout(resolve, 0));
  for (const session of sessions) check(session, stream);
  for (const session of live) {
    const last = receivedBy(session).at(-1);
    assert.deepEqual(
      last?.position,
      { epoch: stream.epoch, offset: stream.top },
      "the last message",
    );
  }
  await Promise.all(made.map((node) => node.close({ timeout: 0 })));
  return {
    recovered: sessions.filter(({ result }) => result?.recovered).length,
    told: sessions.filter(({ result, gaps }) => gaps > 0 || result?.reason).length,
  };
}

Deno.test("no client misses or doubles a message of a history without having been told", async () => {
  const given = Deno.env.get("SEED");
  const seeds = given
    ? [Number(given)]
    : Array.from({ length: HISTORIES }, () => Math.floor(Math.random() * 2 ** 31));
  let recovered = 0, told = 0;
  for (const seed of seeds) {
    try {
      const counts = await runHistory(seed);
      recovered += counts.recovered;
      told += counts.told;
    } catch (error) {
      throw new Error(`SEED=${seed}: ${error}`, { cause: error });
    }
  }
  if (given) return;
  // The test would prove nothing if no client had come back, or none had been told.
  assert.ok(recovered > seeds.length && told > seeds.length, `${recovered}, ${told}`);
});

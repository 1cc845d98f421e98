import assert from "node:assert/strict";
import { parsePosition, type Position } from "../../pubsub/history/position.ts";
import type { SubscribeResult } from "../../pubsub/history/subscribe_options.ts";
import type { SyncAdapter } from "../../pubsub/sync_adapter.ts";
import { nameOf } from "../../sync/postgres/notification.ts";
import type { PostgresServer } from "./drivers/postgres_server.ts";
import { sleep, type TestClient, TestNode } from "./test_node.ts";
import { Random } from "../fuzz/random.ts";

/**
 * Random histories over a real PostgreSQL that loses connections and data, and gets old data back.
 * The seed gives the steps, but not the times of the server.
 */

const STEPS = 60, SIZE = 6, AT_ONCE = 8;
/** Part of the steps that lose the data or the connections of all histories. */
const RARE = 0.001;
const namespace = "/";

/** A client's time on one node. */
interface Session {
  readonly client: TestClient;
  readonly since: string | undefined;
  /** Newest confirmed offset of the epoch of `since`, before the client came. */
  readonly least: number;
  result: SubscribeResult | undefined;
  gaps: number;
  isAway: boolean;
}

/** What is known of the messages of one topic. */
class Known {
  /** Numbers of messages by their positions. */
  readonly #numbers = new Map<string, number>();
  readonly #tops = new Map<number, number>();

  /** Adds a message. One position has one message for all time. */
  add(text: string, n: number): void {
    const { epoch, offset } = parsePosition(text)!, before = this.#numbers.get(text);
    assert.ok(before === undefined || before === n, `${text} is ${before} and ${n}`);
    this.#numbers.set(text, n);
    this.#tops.set(epoch, Math.max(this.#tops.get(epoch) ?? 0, offset));
  }

  /** Newest offset that is confirmed. */
  top(since: string | undefined): number {
    return (since !== undefined && this.#tops.get(parsePosition(since)!.epoch)) || 0;
  }
}

interface Received {
  readonly n: number;
  readonly position: string;
}

/** Checks what a client has got. */
function check({ client, since, result, gaps, least, isAway }: Session, known: Known): void {
  const all: Received[] = client.messages.map((text) => JSON.parse(String(text)));
  for (const { n, position } of all) known.add(position, n);
  let before: Position | undefined;
  if (result?.recovered && since !== undefined) {
    before = parsePosition(since)!;
    const top = parsePosition(result.position!)!;
    assert.equal(top.epoch, before.epoch, "the same history");
    assert.equal(top.offset, before.offset + result.replayed, "as many as were missed");
    assert.ok(all.length >= result.replayed, "all that was missed has come");
    // The newest may be on their way when the client comes: then they come as new messages.
    const got = all.map(({ position }) => parsePosition(position)!);
    const last = got.filter(({ epoch }) => epoch === top.epoch).at(-1)?.offset ?? top.offset;
    const isOver = !isAway || got.some(({ epoch }) => epoch !== top.epoch);
    if (isOver && gaps === 0) {
      assert.ok(last >= least, `got ${last} at most, and ${least} was confirmed before`);
    }
  }
  let holes = 0;
  for (const { position: text } of all) {
    const position = parsePosition(text)!;
    if (before?.epoch === position.epoch) {
      assert.ok(position.offset > before.offset, "no message twice, and none out of order");
      if (position.offset > before.offset + 1) holes++;
    } else if (before && position.offset !== 1) holes++;
    before = position;
  }
  if (holes > 0) assert.ok(gaps > 0, `${holes} holes, and the client was not told`);
}

/** Faults of the data of one topic, and those of all. */
class Faults {
  readonly #server: PostgresServer;
  readonly #name: string;
  #saved: readonly string[] = [];

  constructor(server: PostgresServer, name: string) {
    this.#server = server;
    this.#name = name;
  }

  /** Remembers the rows of the topic, as a dump does. */
  async save(): Promise<void> {
    const topic = `onepeer_1.topic where name = '${this.#name}'`;
    const rows = async (table: string, from: string) => {
      const { rows } = await this.#server.query(`select t::text as row from ${from}`);
      return rows.map(({ row }) =>
        `insert into onepeer_1.${table} select ('${
          row.replaceAll("'", "''")
        }'::onepeer_1.${table}).*`
      );
    };
    const ofTopic = `where epoch in (select epoch from ${topic})`;
    this.#saved = [
      ...await rows("topic", `onepeer_1.topic t where name = '${this.#name}'`),
      ...await rows("message", `onepeer_1.message t ${ofTopic}`),
      ...await rows("key", `onepeer_1.key t ${ofTopic}`),
    ];
  }

  /** Puts remembered rows in the place of the present ones, as a restored dump does. */
  async restore(): Promise<void> {
    const name = this.#name;
    const gone = ["message", "key"].map((table) =>
      `delete from onepeer_1.${table} where epoch in ` +
      `(select epoch from onepeer_1.topic where name = '${name}')`
    );
    const all = [
      ...gone,
      `delete from onepeer_1.topic where name = '${name}'`,
      ...this.#saved.map((insert) => `${insert} on conflict do nothing`),
    ];
    await this.#server.query(all.join(";")); // one transaction
  }

  async lose(): Promise<void> {
    await this.#server.query(`delete from onepeer_1.topic where name = '${this.#name}'`);
  }

  async cut(): Promise<void> {
    await this.#server.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where backend_type = " +
        "'client backend' and pid <> pg_backend_pid()",
    );
  }

  async rare(dice: number): Promise<void> {
    if (dice < 0.3) await this.#server.query("truncate onepeer_1.topic, onepeer_1.message");
    else if (dice < 0.6) await this.#server.query("drop schema onepeer_1 cascade");
    else await this.#server.crash();
  }
}

/** Runs one history on a topic of its own. */
async function runHistory(
  seed: number,
  server: PostgresServer,
  nodes: readonly TestNode[],
  sessions: Set<Session>,
): Promise<{ recovered: number; told: number }> {
  const choices = new Random(seed),
    random = () => choices.fraction(),
    topic = `h${seed}`,
    known = new Known();
  const pick = <Item>(items: readonly Item[]) => choices.pick(items);
  const faults = new Faults(server, nameOf("chat", `=2F.${topic}`));
  // A fault may meet a server that starts again, or a schema that is missing.
  const attempt = (fault: Promise<void>) => fault.catch(() => {});
  const own: Session[] = [], positions: (string | undefined)[] = [undefined];
  const running: Promise<void>[] = [];
  let published = 0;
  for (let step = 0; step < STEPS; step++) {
    const dice = random(), live = own.filter(({ isAway }) => !isAway);
    if (dice < 0.25) {
      pick(nodes).publish(topic, `${++published}`, { namespace });
    } else if (dice < 0.45) {
      const n = ++published;
      running.push(
        pick(nodes).commit(topic, `${n}`, { namespace, key: `${n}` }).then((position) => {
          known.add(position, n);
        }, () => {}),
      );
    } else if (dice < 0.65) {
      const since = pick(positions.slice(-5)), client = await pick(nodes).client(namespace);
      const session: Session = {
        ...{ client, since, least: known.top(since), result: undefined, gaps: 0, isAway: false },
      };
      own.push(session);
      sessions.add(session);
      running.push(
        client.peer.subscribe(topic, { since }).then((result) => {
          session.result = result;
          positions.push(result.position);
        }),
      );
    } else if (dice < 0.75 && live.length > 0) {
      const session = pick(live), last = session.client.messages.at(-1);
      session.isAway = true;
      if (last !== undefined) positions.push(JSON.parse(String(last)).position);
      session.client.leave();
    } else if (dice < 0.79) await attempt(faults.save());
    else if (dice < 0.81) await attempt(faults.restore());
    else if (dice < 0.82) await attempt(faults.lose());
    else if (dice < 0.823) await attempt(faults.cut());
    else if (dice < 0.823 + RARE) await attempt(faults.rare(random()));
    else await sleep(random() * 10);
  }
  await Promise.all(running);
  // The topic goes on until every client has got its last message.
  const last = async () => {
    for (const n = ++published;; await sleep(20)) {
      try {
        const position = await nodes[0]!.commit(topic, `${n}`, { namespace });
        known.add(position, n);
        return position;
      } catch { /* the server is away */ }
    }
  };
  const left = () => own.filter(({ isAway, client }) => !isAway && !client.messages.some(isEnd));
  let end = "";
  const isEnd = (text: unknown) => JSON.parse(String(text)).position === end;
  for (let round = 0; round < 200; round++) {
    end = await last();
    for (let wait = 0; wait < 40 && left().length > 0; wait++) await sleep(5);
    if (left().length === 0) break;
  }
  assert.equal(left().length, 0, "the last message");
  for (const session of own) check(session, known);
  for (const session of own) {
    sessions.delete(session);
    if (!session.isAway) session.client.leave();
  }
  return {
    recovered: own.filter(({ result }) => result?.recovered).length,
    told: own.filter(({ result, gaps }) => gaps > 0 || result?.reason).length,
  };
}

/**
 * Runs histories, several at once.
 *
 * @param sync makes the option `sync` of a node, with the prefix `chat`.
 * @returns how many clients were recovered, and how many were told that they have missed messages.
 */
export async function runHistories(
  server: PostgresServer,
  sync: () => SyncAdapter,
  count: number,
  seed: number,
): Promise<{ recovered: number; told: number }> {
  const sessions = new Set<Session>(), total = { recovered: 0, told: 0 };
  const nodes = Array.from({ length: 2 }, () =>
    new TestNode({
      sync: sync(),
      topics: () => ({ history: { size: SIZE, ttl: 60_000 } }),
      format: ({ data, position }) => ({ n: Number(data), position }),
      hooks: {
        gap: (peer) => {
          for (const session of sessions) if (session.client.peer === peer) session.gaps++;
        },
      },
    }));
  while (nodes.some(({ stats }) => stats.sync!.up === 0)) await sleep(5);
  let next = 0;
  const work = async () => {
    while (next < count) {
      const own = seed + next++;
      try {
        const { recovered, told } = await runHistory(own, server, nodes, sessions);
        total.recovered += recovered;
        total.told += told;
      } catch (error) {
        throw new Error(`history ${own}`, { cause: error });
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  } finally {
    await Promise.all(nodes.map((node) => node.close({ timeout: 0 })));
  }
  return total;
}

import assert from "node:assert/strict";
import fc from "fast-check";
import { DEFAULT_LIMITS } from "../../../common/limits.ts";
import { Hub } from "../../../pubsub/hub.ts";
import { checkEnter } from "../../../pubsub/presence/entries.ts";
import { Presence, type PresenceKeeper } from "../../../pubsub/presence/presence.ts";
import type { PresenceChange } from "../../../pubsub/presence/presence_change.ts";
import {
  MAX_PRESENCE_DATA,
  memberOf,
  type PresenceMember,
} from "../../../pubsub/presence/presence_member.ts";
import type { Member } from "../../../pubsub/pubsub.ts";
import { Subscriptions } from "../../../pubsub/subscriptions.ts";
import { Users } from "../../../pubsub/users.ts";
import { TopicRules } from "../../../pubsub/topic_options.ts";
import type { NativeSendQueue } from "../../../socket/socket.ts";
import { FakeTimers } from "../fake_timers.ts";

/** A peer that keeps a list of the members of each topic, as a client does. */
class FakePeer implements Member {
  readonly id: string;
  readonly namespace = "n";
  readonly broadcastDomain = undefined;
  readonly sendQueue = {} as NativeSendQueue;
  readonly changes: PresenceChange[] = [];
  /** Lists by topic: data as JSON text by id. */
  readonly lists = new Map<string, Map<string, string>>();

  constructor(id: string) {
    this.id = id;
  }

  deliver(): boolean {
    return true;
  }

  apply(change: PresenceChange): void {
    this.changes.push(change);
    const { topic, joined, updated, left } = change, list = this.lists.get(topic);
    const ids = [...joined, ...updated, ...left].map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length, "a member is in one list");
    assert(ids.length > 0, "a change has a member");
    for (const { id, data } of [...joined, ...updated]) list?.set(id, textOf(data));
    for (const { id } of left) list?.delete(id);
  }
}

const textOf = (data: unknown) => JSON.stringify(data) ?? "none";
const listOf = (members: readonly PresenceMember[]) =>
  new Map(members.map(({ id, data }) => [id, textOf(data)]));

function presenceOf(keeper?: PresenceKeeper<FakePeer>) {
  const hub = new Hub<FakePeer>(), timers = new FakeTimers();
  const presence = new Presence<FakePeer>({
    rules: new TopicRules((topic) => ({ presence: topic !== "plain" })),
    timers,
    keeper,
    subscribers: (topic, namespace) => hub.subscribers(topic, namespace),
    tell: (peer, change) => peer.apply(change),
  });
  const add = (id: string) => {
    const peer = new FakePeer(id);
    const host = { hub, users: new Users(hub), limits: DEFAULT_LIMITS, presence };
    return { peer, topics: new Subscriptions("n", peer, peer, host) };
  };
  const enter = ({ peer, topics }: ReturnType<typeof add>, topic: string, data?: unknown) =>
    topics.enter(topic, checkEnter(peer, topic, data, presence));
  return { hub, timers, presence, add, enter };
}

const TOPICS = ["a", "b"], PEERS = [0, 1, 2, 3];
const step = fc.oneof(
  fc.record({ kind: fc.constant("enter" as const), data: fc.nat({ max: 2 }) }),
  fc.record({
    kind: fc.constantFrom("subscribe", "unsubscribe", "exit", "end", "list", "pass" as const),
  }),
).chain((step) =>
  fc.record({
    step: fc.constant(step),
    peer: fc.constantFrom(...PEERS),
    topic: fc.constantFrom(...TOPICS),
    ms: fc.constantFrom(1, 25, 50),
  })
);

Deno.test("a list that is read at any time, and every later change, give the members", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { timers, presence, add, enter } = presenceOf();
      const peers = PEERS.map((id) => add(`${id}`));
      const model = new Map<string, Map<string, string>>(TOPICS.map((topic) => [topic, new Map()]));
      const stateOf = async (topic: string) => {
        const { members, stale } = await presence.state({ namespace: "n", topic });
        assert.equal(stale, false);
        return listOf(members);
      };
      for (const { step: { kind, ...given }, peer: index, topic, ms } of steps) {
        const it = peers[index]!, { peer, topics } = it, members = model.get(topic)!;
        if (kind === "subscribe") topics.subscribe(topic);
        else if (kind === "pass") timers.pass(ms);
        else if (kind === "enter") {
          const { data } = given as { data: number };
          if (!topics.topics.has(topic)) {
            assert.throws(() => enter(it, topic, data), TypeError);
            continue;
          }
          enter(it, topic, data || undefined);
          members.set(peer.id, textOf(data || undefined));
        } else if (kind === "list") {
          if (topics.topics.has(topic)) peer.lists.set(topic, await stateOf(topic));
        } else if (kind === "exit") {
          topics.exit(topic);
          members.delete(peer.id);
        } else if (kind === "unsubscribe") {
          topics.unsubscribe(topic);
          members.delete(peer.id);
          peer.lists.delete(topic);
        } else {
          topics.end();
          peer.lists.clear();
          for (const members of model.values()) members.delete(peer.id);
        }
        for (const topic of TOPICS) assert.deepEqual(await stateOf(topic), model.get(topic));
        const entered = [...topics.entries.keys()].toSorted();
        assert.deepEqual(entered, TOPICS.filter((topic) => model.get(topic)!.has(peer.id)));
      }
      timers.pass(50);
      assert.equal(timers.size, 0);
      for (const { peer } of peers) {
        for (const [topic, list] of peer.lists) assert.deepEqual(list, model.get(topic));
      }
      for (const { topics } of peers) topics.end();
      assert.equal(presence.size, 0, "nothing is left");
      timers.pass(50);
      assert.equal(timers.size, 0);
    }),
    { numRuns: 300 },
  );
});

Deno.test("a change is told 50 ms after the first one, once to each subscriber of the topic", () => {
  const { timers, add, enter } = presenceOf();
  const one = add("1"), two = add("2"), other = add("3");
  one.topics.subscribe("a");
  two.topics.subscribe("a");
  other.topics.subscribe("b");
  enter(one, "a", 1);
  timers.pass(30);
  enter(two, "a");
  enter(one, "a", 1); // the same data
  timers.pass(19);
  assert.equal(one.peer.changes.length, 0);
  timers.pass(1);
  const change = {
    topic: "a",
    joined: [{ id: "1", data: 1 }, { id: "2" }],
    updated: [],
    left: [],
  };
  assert.deepEqual([one.peer.changes, two.peer.changes], [[change], [change]]);
  assert.deepEqual(other.peer.changes, []);
  assert(Object.isFrozen(one.peer.changes[0]!.joined));
  enter(one, "a", 1);
  assert.equal(timers.size, 0);
});

Deno.test("a peer that comes and goes before others are told is only in the list of those who left", () => {
  const { timers, add, enter } = presenceOf();
  const one = add("1"), two = add("2");
  one.topics.subscribe("a");
  two.topics.subscribe("a");
  enter(one, "a", "short");
  one.topics.end();
  timers.pass(50);
  const left = [{ id: "1", data: "short" }];
  assert.deepEqual(two.peer.changes, [{ topic: "a", joined: [], updated: [], left }]);
  assert.deepEqual(one.peer.changes, []);
});

Deno.test("close() tells nobody, and leaves no timer", () => {
  const { timers, presence, add, enter } = presenceOf();
  const one = add("1");
  one.topics.subscribe("a");
  enter(one, "a");
  assert.equal(timers.size, 1);
  presence.close();
  assert.equal(timers.size, 0);
  timers.pass(100);
  assert.deepEqual(one.peer.changes, []);
});

Deno.test("data of at most 4,096 bytes of JSON are copied and frozen", () => {
  const fits = "x".repeat(MAX_PRESENCE_DATA - 2), data = { a: [{ b: 1 }], c: "\ud800" };
  assert.equal(memberOf("1", "t", fits).data, fits);
  assert.throws(() => memberOf("1", "t", `${fits}x`), {
    name: "TypeError",
    message: 'Cannot enter "t" with 4097 bytes of data as JSON: at most 4096 are allowed',
  });
  const member = memberOf("1", "t", data);
  data.a[0]!.b = 2;
  assert.deepEqual(member, { id: "1", data: { a: [{ b: 1 }], c: "\ud800" } });
  const copy = member.data as typeof data;
  for (const part of [member, copy, copy.a, copy.a[0]]) assert(Object.isFrozen(part));
  assert.deepEqual(Object.keys(memberOf("1", "t", undefined)), ["id"]);
  for (const json of [null, false, 0, "", [], {}]) {
    assert.deepEqual(memberOf("1", "t", json), { id: "1", data: json });
  }
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    if (JSON.stringify(value).length > 1000) return;
    const text = JSON.stringify(value), copy = memberOf("1", "t", value).data;
    assert.deepEqual(copy, JSON.parse(text));
  }));
});

Deno.test("a keeper is asked before an entry changes, and can refuse the change", async () => {
  const grown: number[] = [];
  const told: Promise<void>[] = [];
  const { timers, presence, add, enter } = presenceOf({
    changing(_, growth) {
      if (growth > 1000) throw new RangeError("too large");
      grown.push(growth);
    },
    gathering: (promise) => void told.push(promise),
  });
  const one = add("1");
  one.topics.subscribe("a");
  enter(one, "a");
  assert.throws(() => enter(one, "a", "x".repeat(2000)), RangeError);
  enter(one, "a", "x".repeat(100));
  assert.deepEqual(one.topics.entries.get("a"), { id: "1", data: "x".repeat(100) });
  one.topics.unsubscribe("a");
  assert.equal(grown.length, 3);
  assert.equal(grown.reduce((sum, growth) => sum + growth, 0), 0);
  assert.equal(told.length, 1);
  const settled = told[0]!.then(() => "settled");
  assert.equal(await Promise.race([settled, Promise.resolve("waits")]), "waits");
  timers.pass(50);
  assert.equal(await settled, "settled");
  one.topics.subscribe("a");
  one.topics.restore([["a", 1]]);
  assert.deepEqual(await presence.state({ namespace: "n", topic: "a" }), {
    members: [{ id: "1", data: 1 }],
    stale: false,
  });
  assert.equal(timers.size, 0, "nobody is told of a peer that returns from hibernation");
});

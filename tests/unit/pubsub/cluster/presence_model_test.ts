import assert from "node:assert/strict";
import fc from "fast-check";
import type { Broker, BrokerHost, Publication } from "../../../../pubsub/broker.ts";
import { BrokerLink } from "../../../../pubsub/broker_link.ts";
import { LEASE } from "../../../../pubsub/cluster/node_directory.ts";
import { Hub } from "../../../../pubsub/hub.ts";
import { Notifier } from "../../../../pubsub/hub_observer.ts";
import { Presence } from "../../../../pubsub/presence/presence.ts";
import type { PresenceChange } from "../../../../pubsub/presence/presence_change.ts";
import { memberOf } from "../../../../pubsub/presence/presence_member.ts";
import type { Member } from "../../../../pubsub/pubsub.ts";
import type { RemoteNodes } from "../../../../pubsub/remote_nodes.ts";
import { TopicRules } from "../../../../pubsub/topic_options.ts";
import type { NativeSendQueue } from "../../../../socket/socket.ts";
import { FakeTimers } from "../../fake_timers.ts";

const TOPICS = ["a", "b"], NODES = [0, 1, 2], PEERS = [0, 1];
const rules = new TopicRules(() => ({ presence: true }));
const nameOf = (topic: string) => ({ namespace: "n", topic });

/** Carries frames between the nodes of one run, unless the run loses them. */
class Wire {
  readonly nodes: WireBroker[] = [];
  /** Number of frames that are lost next, without notice. */
  losses = 0;
}

class WireBroker implements Broker {
  readonly #wire: Wire;
  readonly #channels = new Set<string>();
  host!: BrokerHost;
  isUp = false;

  constructor(wire: Wire) {
    this.#wire = wire;
    wire.nodes.push(this);
  }

  open(host: BrokerHost): void {
    this.host = host;
    this.up();
  }
  up(): void {
    this.isUp = true;
    this.host.up(true);
  }
  down(): void {
    this.isUp = false;
    this.host.down(new Error("down"));
  }
  async subscribe(channels: readonly string[]): Promise<void> {
    for (const channel of channels) this.#channels.add(channel);
    await undefined;
  }
  unsubscribe(channels: readonly string[]): void {
    for (const channel of channels) this.#channels.delete(channel);
  }
  async publish(batch: readonly Publication[]): Promise<void> {
    await undefined;
    if (!this.isUp) throw new Error("down");
    for (const { channel, frame } of batch) {
      if (this.#wire.losses > 0) this.#wire.losses--;
      else for (const node of this.#wire.nodes) node.#receive(channel, frame);
    }
  }
  close(): Promise<void> {
    this.isUp = false;
    return Promise.resolve();
  }

  #receive(channel: string, frame: Uint8Array<ArrayBuffer>): void {
    if (this.isUp && this.#channels.has(channel)) this.host.received(channel, frame);
  }
}

/** A peer whose client keeps the list of each topic, from one read and all later changes. */
class ListPeer implements Member {
  readonly id: string;
  readonly namespace = "n";
  readonly broadcastDomain = undefined;
  readonly sendQueue = {} as NativeSendQueue;
  readonly lists = new Map<string, Map<string, unknown>>();
  /** Changes that came before the list, by topic. */
  readonly early = new Map<string, PresenceChange[]>();

  constructor(id: string) {
    this.id = id;
  }
  deliver(): boolean {
    return true;
  }
  apply(change: PresenceChange): void {
    const { topic, joined, updated, left } = change, early = this.early.get(topic);
    if (early) return void early.push(change);
    const list = this.lists.get(topic);
    for (const { id, data } of [...joined, ...updated]) list?.set(id, data);
    for (const { id } of left) list?.delete(id);
  }
}

class Node {
  readonly timers: FakeTimers;
  readonly broker: WireBroker;
  readonly link: BrokerLink;
  readonly hub: Hub<ListPeer>;
  readonly presence: Presence<ListPeer>;
  readonly remote: RemoteNodes;
  readonly peers: readonly ListPeer[];
  isKilled = false;

  constructor(wire: Wire, timers: FakeTimers, number: number) {
    this.timers = timers;
    const broker = this.broker = new WireBroker(wire);
    const counts = { framesOut: 0, bytesOut: 0, framesIn: 0, bytesIn: 0, invalid: 0 };
    const none = () => {};
    const host = { timers, counts, deliver: none, up: none, down: none, dropped: none };
    this.link = new BrokerLink(broker, `000000000000000${number}`, host);
    const hub = this.hub = new Hub<ListPeer>(new Notifier<ListPeer>(this.link.observers));
    this.link.open();
    const presence: Presence<ListPeer> = this.presence = new Presence<ListPeer>({
      rules,
      timers,
      subscribers: (topic, namespace) => hub.subscribers(topic, namespace),
      tell: (peer, change) => peer.apply(change),
    });
    this.remote = this.link.cluster({
      peers: 0,
      hasPresence: () => true,
      membersOf: (name) => presence.membersOf(name),
      presenceChanged: (name, from, to) => presence.remoteChanged(name, from, to),
      close: () => 0,
    });
    presence.remote = this.remote.presence;
    this.peers = PEERS.map((peer) => new ListPeer(`${number}.${peer}`));
  }

  subscribe(peer: ListPeer, topic: string): void {
    if (this.hub.subscribers(topic, "n").has(peer)) return;
    this.hub.subscribe("n", topic, peer);
    peer.lists.set(topic, new Map());
    const early: PresenceChange[] = [];
    peer.early.set(topic, early);
    void this.presence.state(nameOf(topic)).then(({ members }) => {
      if (peer.early.get(topic) !== early) return; // unsubscribed meanwhile
      peer.early.delete(topic);
      for (const { id, data } of members) peer.lists.get(topic)!.set(id, data);
      for (const change of early) peer.apply(change);
    });
  }

  enter(peer: ListPeer, topic: string, data: number): void {
    this.subscribe(peer, topic);
    this.presence.enter(nameOf(topic), memberOf(peer.id, topic, data), peer);
  }

  exit(peer: ListPeer, topic: string): void {
    const member = this.presence.membersOf(nameOf(topic)).find(({ id }) => id === peer.id);
    if (member) this.presence.exit(nameOf(topic), member, peer);
  }

  unsubscribe(peer: ListPeer, topic: string): void {
    this.exit(peer, topic);
    this.hub.unsubscribe("n", topic, peer);
    peer.lists.delete(topic);
    peer.early.delete(topic);
  }

  /** Ends without a word, as a process that is killed. */
  kill(): void {
    if (this.broker.isUp) this.broker.down();
    this.broker.isUp = false;
    this.isKilled = true;
    this.broker.host.received = () => {};
  }
}

type Step =
  | {
    kind: "enter" | "exit" | "subscribe" | "unsubscribe";
    peer: number;
    topic: string;
    data: number;
  }
  | { kind: "lose"; count: number }
  | { kind: "down" }
  | { kind: "up" }
  | { kind: "kill" }
  | { kind: "pass"; ms: number };

const step: fc.Arbitrary<{ node: number; step: Step }> = fc.record({
  node: fc.constantFrom(...NODES),
  step: fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constantFrom("enter", "exit", "subscribe", "unsubscribe" as const),
        peer: fc.constantFrom(...PEERS),
        topic: fc.constantFrom(...TOPICS),
        data: fc.nat({ max: 2 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("lose" as const),
        count: fc.integer({ min: 1, max: 3 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("down", "up", "kill" as const) }) },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant("pass" as const),
        ms: fc.constantFrom(0, 60, 300, 2500, 7000),
      }),
    },
  ),
}) as fc.Arbitrary<{ node: number; step: Step }>;

/** Lets time pass in small steps, with all that follows from each. */
async function pass(timers: FakeTimers, ms: number): Promise<void> {
  const end = timers.now + ms;
  do {
    for (let i = 0; i < 30; i++) await undefined;
    timers.pass(Math.min(50, end - timers.now));
  } while (timers.now < end);
  for (let i = 0; i < 30; i++) await undefined;
}

function take({ nodes, wire }: { nodes: readonly Node[]; wire: Wire }, number: number, step: Step) {
  const node = nodes[number]!;
  if (step.kind === "lose") return void (wire.losses = step.count);
  if (step.kind === "pass" || node.isKilled) return;
  if (step.kind === "down") return node.broker.isUp && node.broker.down();
  if (step.kind === "up") return !node.broker.isUp && node.broker.up();
  if (step.kind === "kill") return number > 0 && node.kill(); // one node always lives
  const peer = node.peers[step.peer]!;
  if (step.kind === "enter") node.enter(peer, step.topic, step.data);
  else node[step.kind](peer, step.topic);
}

const RUNS = Number(Deno.env.get("HISTORIES") ?? 200), seed = Deno.env.get("SEED");

Deno.test("Presence over nodes: whatever is lost, all lists are the same in the end", async () => {
  const property = fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
    const timers = new FakeTimers(), wire = new Wire();
    const nodes = NODES.map((number) => new Node(wire, timers, number));
    await pass(timers, 300);
    for (const { node, step } of steps) {
      take({ nodes, wire }, node, step);
      if (step.kind === "pass") await pass(timers, step.ms);
    }
    wire.losses = 0;
    const alive = nodes.filter(({ isKilled }) => !isKilled);
    for (const { broker } of alive) if (!broker.isUp) broker.up();
    await pass(timers, 40_000); // a round of repeated versions, and the lease
    for (const topic of TOPICS) {
      const expected = new Map(
        alive.flatMap(({ presence }) => presence.membersOf(nameOf(topic)))
          .map(({ id, data }) => [id, data]),
      );
      for (const node of alive) {
        const reading = node.presence.state(nameOf(topic));
        await pass(timers, 300);
        const { members, stale } = await reading;
        assert.equal(members.length, expected.size, "each member once");
        assert.deepEqual(new Map(members.map(({ id, data }) => [id, data])), expected);
        assert.equal(stale, false);
        for (const peer of node.hub.subscribers(topic, "n")) {
          assert.deepEqual(peer.lists.get(topic), expected, `list of ${peer.id} of ${topic}`);
        }
      }
    }
    await Promise.all(alive.map(({ link }) => link.close()));
    for (const { presence } of nodes) presence.close();
  });
  await fc.assert(property, { numRuns: RUNS, ...(seed && { seed: Number(seed) }) });
});

/** Starts the nodes, and returns two of them with a peer of the first one. */
async function startedNodes() {
  const timers = new FakeTimers(), wire = new Wire();
  const [first, second] = NODES.map((number) => new Node(wire, timers, number));
  await pass(timers, 300);
  return { timers, wire, first: first!, second: second!, watcher: first!.peers[0]! };
}

Deno.test("Presence over nodes: a killed node's members leave after the lease, not before", async () => {
  const { timers, first, second, watcher } = await startedNodes();
  first.subscribe(watcher, "a");
  second.enter(second.peers[0]!, "a", 1);
  await pass(timers, 100);
  assert.deepEqual([...watcher.lists.get("a")!.keys()], ["1.0"]);
  second.kill();
  await pass(timers, LEASE - 2200);
  assert.deepEqual([...watcher.lists.get("a")!.keys()], ["1.0"]);
  await pass(timers, 2700);
  assert.deepEqual([...watcher.lists.get("a")!.keys()], []);
});

Deno.test("Presence over nodes: nobody leaves while the own connection is down, and a lease longer", async () => {
  const { timers, first, second, watcher } = await startedNodes(), left: string[] = [];
  first.subscribe(watcher, "a");
  second.enter(second.peers[0]!, "a", 1);
  await pass(timers, 100);
  const apply = watcher.apply.bind(watcher);
  watcher.apply = (change) => {
    left.push(...change.left.map(({ id }) => id));
    apply(change);
  };
  first.broker.down();
  second.kill(); // nobody can tell this from a failure of the own connection
  await pass(timers, 60_000);
  const { members, stale } = await first.presence.state(nameOf("a"));
  assert.deepEqual([members.map(({ id }) => id), stale, left], [["1.0"], true, []]);
  first.broker.up();
  await pass(timers, LEASE - 200);
  assert.deepEqual(left, []);
  await pass(timers, 700);
  assert.deepEqual(left, ["1.0"]);
});

Deno.test("Presence over nodes: the members of a node that closes leave at once", async () => {
  const { timers, first, second, watcher } = await startedNodes();
  first.subscribe(watcher, "a");
  second.enter(second.peers[0]!, "a", 1);
  await pass(timers, 100);
  await second.link.close();
  await pass(timers, 100);
  assert.deepEqual([...watcher.lists.get("a")!.keys()], []);
  assert.equal(first.remote.nodes.length, 1); // the third one
});

Deno.test("Presence over nodes: a process that was stopped lets nobody leave when it goes on", async () => {
  const { timers, first, second, watcher } = await startedNodes();
  first.subscribe(watcher, "a");
  second.enter(second.peers[0]!, "a", 1);
  await pass(timers, 100);
  timers.now += 60_000; // all timers fire late, and before anything is read
  timers.pass(0);
  assert.deepEqual([...watcher.lists.get("a")!.keys()], ["1.0"]);
  await pass(timers, 10_000);
  assert.deepEqual([...watcher.lists.get("a")!.keys()], ["1.0"]);
});

Deno.test("Presence over nodes: a change that was lost without notice arrives in the next round", async () => {
  const { timers, wire, first, second, watcher } = await startedNodes();
  first.subscribe(watcher, "a");
  await pass(timers, 1000); // no beat is sent now
  wire.losses = 1;
  second.enter(second.peers[0]!, "a", 1);
  await pass(timers, 100);
  assert.deepEqual([wire.losses, watcher.lists.get("a")!.size], [0, 0]);
  await pass(timers, 30_000);
  assert.deepEqual([...watcher.lists.get("a")!.keys()], ["1.0"]);
});

Deno.test("Presence over nodes: what changed while a node's connection was down arrives when it is back", async () => {
  const { timers, first, second, watcher } = await startedNodes();
  const topics = Array.from({ length: 100 }, (_, i) => `t${i}`); // more than one beat tells of
  for (const topic of topics) first.subscribe(watcher, topic);
  await pass(timers, 100);
  second.broker.down();
  for (const topic of topics) second.enter(second.peers[0]!, topic, 1);
  await pass(timers, 1000);
  second.broker.up();
  await pass(timers, 500);
  for (const topic of topics) assert.deepEqual([...watcher.lists.get(topic)!.keys()], ["1.0"]);
});

import assert from "node:assert/strict";
import { resolveLimits } from "../../../common/limits.ts";
import { Endpoint } from "../../../endpoint/endpoint.ts";
import type { Peer } from "../../../peer.ts";
import { Hub } from "../../../pubsub/hub.ts";
import { type HubObserver, Notifier } from "../../../pubsub/hub_observer.ts";
import { NativeDomain } from "../../../pubsub/native_broadcast.ts";
import type { Member } from "../../../pubsub/pubsub.ts";
import { Frame } from "../../../socket/frame.ts";
import type { BroadcastDomain, NativeSendQueue } from "../../../socket/socket.ts";
import { FakeAdapter } from "../fake_adapter.ts";
import { FakeSocket } from "../fake_socket.ts";

const NAMES = [
  "topicAdded",
  "topicRemoved",
  "subscribed",
  "unsubscribed",
  "joined",
  "left",
] as const;

/** An observer that records each notice as one line of text. */
function recorder<M>(lines: string[], nameOf: (member: M) => string): HubObserver<M> {
  const write = (name: string) => (...values: (string | M)[]) =>
    void lines.push(
      [name, ...values.map((it) => typeof it === "string" ? it : nameOf(it))].join(" "),
    );
  return Object.fromEntries(NAMES.map((name) => [name, write(name)]));
}

/** A member that changes its broadcast domain, as a slow peer does. */
class FakeMember implements Member {
  readonly name: string;
  broadcastDomain: BroadcastDomain | undefined;
  readonly sendQueue: NativeSendQueue;

  constructor(name: string, domain?: BroadcastDomain) {
    this.name = name;
    this.broadcastDomain = domain;
    const socket = new FakeSocket({ topics: true });
    socket.topics!.domain = domain;
    this.sendQueue = { socket, broadcast() {}, checkBackpressure: () => 0 };
  }

  deliver(): boolean {
    return true;
  }
}

const nameOf = ({ name }: FakeMember): string => name;

/** Waits until all microtasks have run. */
const turn = () => new Promise<void>((go) => setTimeout(go));

/** Takes the lines written so far. */
const take = (lines: string[]): string[] => lines.splice(0);

/** Runs `work`, and returns what it logs. */
function logged(work: () => void): unknown[] {
  const said: unknown[] = [];
  const original = console.error;
  console.error = (...words) => void said.push(...words);
  try {
    work();
  } finally {
    console.error = original;
  }
  return said;
}

Deno.test("a hub reports the first and the last subscriber of a topic, in each namespace", () => {
  const lines: string[] = [];
  const hub = new Hub(new Notifier([recorder(lines, nameOf)]));
  const [a, b] = [new FakeMember("a"), new FakeMember("b")];
  hub.subscribe("/x", "t", a);
  hub.subscribe("/x", "t", b);
  hub.subscribe("/y", "t", a);
  assert.deepEqual(take(lines), [
    "topicAdded /x t",
    "subscribed /x t a",
    "subscribed /x t b",
    "topicAdded /y t",
    "subscribed /y t a",
  ]);
  hub.unsubscribe("/x", "t", a);
  hub.unsubscribe("/y", "t", a);
  hub.unsubscribe("/x", "t", b);
  assert.deepEqual(take(lines), [
    "unsubscribed /x t a",
    "unsubscribed /y t a",
    "topicRemoved /y t",
    "unsubscribed /x t b",
    "topicRemoved /x t",
  ]);
  hub.subscribe("/x", "t", b);
  assert.deepEqual(take(lines), ["topicAdded /x t", "subscribed /x t b"]);
});

Deno.test("a hub reports joins and leaves once each", () => {
  const lines: string[] = [];
  const hub = new Hub(new Notifier([recorder(lines, nameOf)]));
  const a = new FakeMember("a");
  for (const namespace of ["/x", "/x", "/y"]) hub.join(namespace, a);
  for (const namespace of ["/x", "/x", "/other"]) hub.leave(namespace, a);
  assert.deepEqual(lines, ["joined /x a", "joined /y a", "left /x a"]);
});

Deno.test("a hub sends no notice for a call that changes nothing", () => {
  const domain = NativeDomain.under(resolveLimits());
  for (const member of [new FakeMember("alone"), new FakeMember("native", domain)]) {
    const lines: string[] = [];
    const hub = new Hub(new Notifier([recorder(lines, nameOf)]));
    const other = new FakeMember("other", domain);
    hub.subscribe("/", "t", member);
    take(lines);
    hub.subscribe("/", "t", member);
    hub.unsubscribe("/", "t", other);
    hub.unsubscribe("/", "u", member);
    hub.unsubscribe("/other", "t", member);
    hub.publish("t", new Frame("x"));
    assert.deepEqual(lines, [], member.name);
  }
});

Deno.test("a hub sends no notice if a member moves between broadcast domains", () => {
  const lines: string[] = [];
  const hub = new Hub(new Notifier([recorder(lines, nameOf)]));
  const domain = NativeDomain.under(resolveLimits());
  const member = new FakeMember("a", domain);
  for (const topic of ["t", "u"]) hub.subscribe("/", topic, member);
  take(lines);
  for (const [from, to] of [[domain, undefined], [undefined, domain]]) {
    member.broadcastDomain = to;
    hub.changeDomain("/", ["t", "u"], member, from);
  }
  assert.deepEqual(lines, []);
  hub.unsubscribe("/", "t", member);
  assert.deepEqual(lines, ["unsubscribed / t a", "topicRemoved / t"]);
});

Deno.test("an observer sees the state of the hub after the change", () => {
  const counts: (string | number | undefined)[][] = [];
  const look = (name: string) => () =>
    void counts.push([name, hub.memberCount, hub.topicCount, hub.namespaces.get("/")?.size]);
  const hub: Hub<FakeMember> = new Hub(
    new Notifier([
      Object.fromEntries(NAMES.map((name) => [name, look(name)])),
    ]),
  );
  const a = new FakeMember("a");
  hub.join("/", a);
  hub.subscribe("/", "t", a);
  hub.unsubscribe("/", "t", a);
  hub.leave("/", a);
  assert.deepEqual(counts, [
    ["joined", 1, 0, 1],
    ["topicAdded", 1, 1, 1],
    ["subscribed", 1, 1, 1],
    ["unsubscribed", 1, 0, 1],
    ["topicRemoved", 1, 0, 1],
    ["left", 0, 0, undefined],
  ]);
});

Deno.test("an observer may change the hub, and every observer gets the notices in order", () => {
  const lines: string[] = [];
  const a = new FakeMember("a");
  let isFirst = true;
  const meddler: HubObserver<FakeMember> = {
    topicAdded(namespace, topic) {
      assert.equal(hub.publish(topic, new Frame("x"), { namespace }), 1);
      if (!isFirst) return;
      isFirst = false;
      hub.unsubscribe(namespace, topic, a);
      assert.equal(hub.topicCount, 0, "topics right after the change");
      hub.subscribe(namespace, topic, a);
    },
  };
  const hub: Hub<FakeMember> = new Hub(new Notifier([meddler, recorder(lines, nameOf)]));
  hub.subscribe("/", "t", a);
  assert.deepEqual(lines, [
    "topicAdded / t",
    "subscribed / t a",
    "unsubscribed / t a",
    "topicRemoved / t",
    "topicAdded / t",
    "subscribed / t a",
  ]);
  assert.equal(hub.topicCount, 1);
});

Deno.test("an observer that throws does not affect the change, the caller or other observers", () => {
  for (const name of NAMES) {
    const lines: string[] = [];
    const broken: HubObserver<FakeMember> = {
      [name]() {
        throw new Error(`${name} fails`);
      },
    };
    const hub = new Hub(new Notifier([broken, recorder(lines, nameOf)]));
    const a = new FakeMember("a");
    const said = logged(() => {
      hub.join("/", a);
      hub.subscribe("/", "t", a);
      assert.equal(hub.publish("t", new Frame("x")), 1);
      hub.unsubscribe("/", "t", a);
      hub.leave("/", a);
    });
    assert.match(String(said[0]), /an observer of the hub failed/);
    assert.equal(said.filter((it) => String(it).includes(`${name} fails`)).length, 1, name);
    assert.deepEqual(lines, [
      "joined / a",
      "topicAdded / t",
      "subscribed / t a",
      "unsubscribed / t a",
      "topicRemoved / t",
      "left / a",
    ]);
    assert.deepEqual([hub.memberCount, hub.topicCount, hub.namespaces.size], [0, 0, 0]);
  }
});

Deno.test("a hub without observers creates no notices", () => {
  const { notify } = Notifier.prototype;
  Notifier.prototype.notify = () => assert.fail("a notice was created");
  try {
    const hub = new Hub<FakeMember>(), a = new FakeMember("a");
    hub.join("/", a);
    hub.subscribe("/", "t", a);
    hub.unsubscribe("/", "t", a);
    hub.leave("/", a);
  } finally {
    Notifier.prototype.notify = notify;
  }
});

// --- With peers and endpoints ---

/** An endpoint that records the notices of its hub. Peers are numbered in order of joining. */
function observed(...more: HubObserver<Peer>[]) {
  const lines: string[] = [];
  const numbers = new Map<Peer, number>();
  const numberOf = (peer: Peer): string => {
    if (!numbers.has(peer)) numbers.set(peer, numbers.size + 1);
    return `#${numbers.get(peer)}`;
  };
  const hub = new Hub<Peer>(new Notifier([...more, recorder(lines, numberOf)]));
  return { lines, hub, endpoint: new Endpoint({}, { hub }) };
}

Deno.test("a peer that closes ends its subscriptions before it leaves", async () => {
  const { lines, hub, endpoint } = observed();
  const adapter = new FakeAdapter({ endpoint });
  const [socket, first] = await adapter.connect();
  const [, second] = await adapter.connect();
  for (const topic of ["a", "b", "c"]) first.subscribe(topic);
  first.subscribe("a");
  second.subscribe("b");
  assert.deepEqual(take(lines), [
    "joined / #1",
    "joined / #2",
    "topicAdded / a",
    "subscribed / a #1",
    "topicAdded / b",
    "subscribed / b #1",
    "topicAdded / c",
    "subscribed / c #1",
    "subscribed / b #2",
  ]);
  socket.closed({ code: 1000, reason: "", wasClean: true });
  await turn();
  assert.deepEqual(take(lines), [
    "unsubscribed / a #1",
    "topicRemoved / a",
    "unsubscribed / b #1",
    "unsubscribed / c #1",
    "topicRemoved / c",
    "left / #1",
  ]);
  second.terminate();
  assert.deepEqual(lines, ["unsubscribed / b #2", "topicRemoved / b", "left / #2"]);
  assert.deepEqual([hub.memberCount, hub.topicCount], [0, 0]);
});

Deno.test("adapters of one endpoint share one hub, so a topic is added once for all", async () => {
  const { lines, endpoint } = observed();
  const [, first] = await new FakeAdapter({ endpoint }).connect("/room");
  const [, second] = await new FakeAdapter({ endpoint }).connect("/room");
  for (const peer of [first, second]) peer.subscribe("t");
  for (const peer of [first, second]) peer.unsubscribe("t");
  assert.deepEqual(lines, [
    "joined /room #1",
    "joined /room #2",
    "topicAdded /room t",
    "subscribed /room t #1",
    "subscribed /room t #2",
    "unsubscribed /room t #1",
    "unsubscribed /room t #2",
    "topicRemoved /room t",
  ]);
});

Deno.test("an observer may end a peer during its subscribe, and the hub keeps nothing of the peer", async () => {
  const endings: ((peer: Peer) => void)[] = [
    (peer) => peer.terminate(),
    (peer) => peer.unsubscribe("t"),
    (peer) => peer.close(),
  ];
  for (const end of endings) {
    const { lines, hub, endpoint } = observed({ subscribed: (_, __, peer) => end(peer) });
    const [socket, peer] = await new FakeAdapter({ endpoint }).connect();
    peer.subscribe("t");
    socket.closed({ code: 1000, reason: "", wasClean: true });
    await turn();
    assert.deepEqual([hub.memberCount, hub.topicCount, peer.topics.size], [0, 0, 0]);
    assert.deepEqual(lines, [
      "joined / #1",
      "topicAdded / t",
      "subscribed / t #1",
      "unsubscribed / t #1",
      "topicRemoved / t",
      "left / #1",
    ]);
  }
});

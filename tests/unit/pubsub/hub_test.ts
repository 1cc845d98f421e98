import assert from "node:assert/strict";
import fc from "fast-check";
import { Hub } from "../../../pubsub/hub.ts";
import type { Member } from "../../../pubsub/pubsub.ts";
import { Frame } from "../../../socket/frame.ts";
import type { NativeSendQueue, OutgoingFrame } from "../../../socket/socket.ts";

const FRAME = new Frame("x");

/** Receivers and frames of all deliveries, in order. */
type Journal = [member: FakeMember, frame: OutgoingFrame, compress: boolean][];

class FakeMember implements Member {
  readonly name: string;
  readonly accepts: boolean;
  readonly broadcastDomain = undefined;
  readonly #journal: Journal;

  constructor(name: string, journal: Journal, accepts = true) {
    this.name = name;
    this.#journal = journal;
    this.accepts = accepts;
  }

  get sendQueue(): NativeSendQueue {
    throw new Error("a member without a domain has no broadcasts: see native_broadcast_test.ts");
  }

  deliver(frame: OutgoingFrame, compress: boolean): boolean {
    this.#journal.push([this, frame, compress]);
    return this.accepts;
  }
}

function room(...names: string[]): { hub: Hub<FakeMember>; journal: Journal; all: FakeMember[] } {
  const journal: Journal = [];
  return { hub: new Hub(), journal, all: names.map((name) => new FakeMember(name, journal)) };
}

const namesIn = (journal: Journal): string[] => journal.map(([member]) => member.name);

Deno.test("Hub.publish() reaches each subscriber except one, once, in order of subscription", () => {
  const { hub, journal, all: [a, b, c] } = room("a", "b", "c");
  for (const member of [b!, a!, c!, a!]) hub.subscribe("/", "news", member);
  assert.equal(hub.publish("news", FRAME, { namespace: "/", except: a }), 2);
  assert.deepEqual(namesIn(journal), ["b", "c"]);
  assert.ok(journal.every(([, frame]) => frame === FRAME), "subscribers got different frames");
});

Deno.test("Hub.publish() compresses by default", () => {
  for (const [compress, expected] of [[undefined, true], [true, true], [false, false]] as const) {
    const { hub, journal, all: [a] } = room("a");
    hub.subscribe("/", "t", a!);
    hub.publish("t", FRAME, { compress });
    hub.publish("t", FRAME, { namespace: "/", compress });
    assert.deepEqual(journal.map(([, , given]) => given), [expected, expected]);
  }
});

Deno.test("Hub.publish() counts only members that accepted, and continues after one that did not", () => {
  const { hub, journal } = room();
  for (const [name, accepts] of [["a", true], ["b", false], ["c", true]] as const) {
    hub.subscribe("/", "t", new FakeMember(name, journal, accepts));
  }
  assert.equal(hub.publish("t", FRAME), 2);
  assert.deepEqual(namesIn(journal), ["a", "b", "c"]);
});

Deno.test("Hub.publish() to an unknown topic or namespace reaches no member and creates nothing", () => {
  const { hub, journal, all: [a] } = room("a");
  hub.subscribe("/", "t", a!);
  for (const options of [{ namespace: "/other" }, { namespace: "" }]) {
    assert.equal(hub.publish("t", FRAME, options), 0);
  }
  for (const topic of ["", "T", "t ", "__proto__", "constructor"]) {
    assert.equal(hub.publish(topic, FRAME), 0, topic);
  }
  assert.deepEqual([journal.length, hub.topicCount, hub.namespaces.size], [0, 1, 0]);
});

Deno.test("Hub accepts any string as topic and namespace", () => {
  const odd = ["", " ", "\0", "__proto__", "constructor", "toString", "/a/../b", "ä", "\ud800"];
  const { hub, journal, all: [a] } = room("a");
  for (const name of odd) {
    hub.join(name, a!);
    hub.subscribe(name, name, a!);
  }
  for (const name of odd) assert.equal(hub.publish(name, FRAME, { namespace: name }), 1, name);
  assert.equal(journal.length, odd.length);
  assert.deepEqual([hub.topicCount, hub.memberCount], [odd.length, odd.length]);
});

Deno.test("Hub isolates equal topics of different namespaces", () => {
  const { hub, journal, all: [a, b] } = room("a", "b");
  hub.subscribe("/a", "t", a!);
  hub.subscribe("/b", "t", b!);
  assert.equal(hub.topicCount, 2);
  assert.equal(hub.publish("t", FRAME, { namespace: "/a" }), 1);
  assert.equal(hub.publish("t", FRAME), 2);
  assert.deepEqual(namesIn(journal), ["a", "a", "b"]);
});

Deno.test("Hub frees a topic with its last subscriber and a namespace with its last member", () => {
  const { hub, all: [a, b] } = room("a", "b");
  for (const member of [a!, b!]) {
    hub.join("/", member);
    hub.subscribe("/", "t", member);
  }
  hub.unsubscribe("/", "t", a!);
  hub.leave("/", a!);
  assert.deepEqual([hub.topicCount, hub.memberCount, hub.namespaces.size], [1, 1, 1]);
  hub.unsubscribe("/", "t", b!);
  hub.leave("/", b!);
  assert.deepEqual([hub.topicCount, hub.memberCount, hub.namespaces.size], [0, 0, 0]);
  assert.equal(countSteps(() => hub.publish("t", FRAME)), 0, "steps of a publish on an empty hub");
});

Deno.test("Hub.leave() and unsubscribe() do nothing for unknown members and topics", () => {
  const { hub, all: [a, b] } = room("a", "b");
  hub.join("/", a!);
  hub.subscribe("/", "t", a!);
  for (const [space, topic, member] of [["/x", "t", a!], ["/", "x", a!], ["/", "t", b!]] as const) {
    hub.unsubscribe(space, topic, member);
  }
  hub.leave("/x", a!);
  hub.leave("/", b!);
  assert.deepEqual([hub.topicCount, hub.memberCount], [1, 1]);
  assert.equal(hub.publish("t", FRAME), 1);
});

Deno.test("Hub.join() counts a member once, even if the member joins twice", () => {
  const { hub, all: [a] } = room("a");
  hub.join("/", a!);
  hub.join("/", a!);
  assert.equal(hub.memberCount, 1);
  hub.leave("/", a!);
  assert.deepEqual([hub.memberCount, hub.namespaces.size], [0, 0]);
});

// --- Random calls, compared with a plain list ---

type Row = [namespace: string, topic: string, member: FakeMember];

/** Reference implementation of a hub, as simple as possible. */
interface Model {
  members: [namespace: string, member: FakeMember][];
  rows: Row[];
}

interface Real {
  readonly hub: Hub<FakeMember>;
  readonly journal: Journal;
}

const SPACES = ["/", "/a", ""], TOPICS = ["x", "y", "__proto__"];
const shared: Journal = [];
const MEMBERS = ["a", "b", "c", "d"].map((name) => new FakeMember(name, shared, name !== "d"));

class Command implements fc.Command<Model, Real> {
  readonly #name: string;
  readonly #space: string;
  readonly #topic: string;
  readonly #member: FakeMember;
  readonly #everywhere: boolean;
  readonly #except: boolean;

  constructor(
    [name, space, topic, member, everywhere, except]: [
      string,
      string,
      string,
      FakeMember,
      boolean,
      boolean,
    ],
  ) {
    this.#name = name;
    this.#space = space;
    this.#topic = topic;
    this.#member = member;
    this.#everywhere = everywhere;
    this.#except = except;
  }

  check({ members }: Model): boolean {
    // A peer joins once, as its socket opens once.
    return this.#name !== "join" || !members.some((at) => this.#isMember(at));
  }

  run(model: Model, { hub, journal }: Real): void {
    const [space, topic, member] = [this.#space, this.#topic, this.#member];
    switch (this.#name) {
      case "join":
        hub.join(space, member);
        model.members.push([space, member]);
        break;
      case "leave":
        hub.leave(space, member);
        model.members = model.members.filter((at) => !this.#isMember(at));
        break;
      case "subscribe":
        hub.subscribe(space, topic, member);
        if (!model.rows.some((row) => this.#isRow(row))) model.rows.push([space, topic, member]);
        break;
      case "unsubscribe":
        hub.unsubscribe(space, topic, member);
        model.rows = model.rows.filter((row) => !this.#isRow(row));
        break;
      default:
        this.#publish(model, hub, journal);
    }
    assert.equal(hub.memberCount, model.members.length);
    assert.equal(hub.topicCount, new Set(model.rows.map(([s, t]) => JSON.stringify([s, t]))).size);
    assert.deepEqual(
      new Set(hub.namespaces.keys()),
      new Set(model.members.map(([space]) => space)),
    );
    for (const [space, members] of hub.namespaces) {
      assert.deepEqual([...members], model.members.filter(([s]) => s === space).map(([, m]) => m));
    }
  }

  #isMember([space, member]: [string, FakeMember]): boolean {
    return space === this.#space && member === this.#member;
  }

  #isRow([space, topic, member]: Row): boolean {
    return topic === this.#topic && this.#isMember([space, member]);
  }

  #publish({ rows }: Model, hub: Hub<FakeMember>, journal: Journal): void {
    journal.length = 0;
    const namespace = this.#everywhere ? undefined : this.#space;
    const except = this.#except ? this.#member : undefined;
    const reached = hub.publish(this.#topic, FRAME, { namespace, except });
    const expected = rows.filter(([space, topic, member]) =>
      topic === this.#topic && member !== except &&
      (namespace === undefined || space === namespace)
    );
    assert.equal(reached, expected.filter(([, , { accepts }]) => accepts).length);
    const [got, wanted] = [namesIn(journal), expected.map(([, , { name }]) => name)];
    // The order of subscription holds within a namespace, not between namespaces.
    if (namespace === undefined) [got, wanted].forEach((names) => names.sort());
    assert.deepEqual(got, wanted);
  }

  toString(): string {
    const everywhere = this.#everywhere ? ", everywhere" : "";
    return `${this.#name}(${this.#space}, ${this.#topic}, ${this.#member.name}${everywhere})`;
  }
}

Deno.test("Hub behaves like a plain list of subscriptions under random calls", () => {
  const command = fc.tuple(
    fc.constantFrom("join", "leave", "subscribe", "subscribe", "unsubscribe", "publish"),
    fc.constantFrom(...SPACES),
    fc.constantFrom(...TOPICS),
    fc.constantFrom(...MEMBERS),
    fc.boolean(),
    fc.boolean(),
  ).map((args) => new Command(args));
  fc.assert(
    fc.property(fc.commands([command], { maxCommands: 60 }), (commands) => {
      shared.length = 0;
      fc.modelRun(
        () => ({ model: { members: [], rows: [] }, real: { hub: new Hub(), journal: shared } }),
        commands,
      );
    }),
    { numRuns: 500 },
  );
});

/** Runs `work` and counts each step of each iteration over a `Map` or a `Set`. */
function countSteps(work: () => void): number {
  let steps = 0;
  const iterators = [new Map().values(), new Set().values()].map((it) => Object.getPrototypeOf(it));
  const originals = iterators.map(({ next }) => next);
  for (const [i, prototype] of iterators.entries()) {
    prototype.next = function (...args: unknown[]) {
      steps++;
      return originals[i].apply(this, args);
    };
  }
  try {
    work();
  } finally {
    for (const [i, prototype] of iterators.entries()) prototype.next = originals[i];
  }
  return steps;
}

Deno.test("Hub.publish() visits only the subscribers of its topic", () => {
  const { hub, journal } = room();
  const add = (space: string, topic: string) => {
    const member = new FakeMember(topic, journal);
    hub.join(space, member);
    hub.subscribe(space, topic, member);
  };
  const measure = (namespace?: string): number =>
    countSteps(() => assert.equal(hub.publish("hot", FRAME, { namespace }), 10));
  for (let i = 0; i < 10; i++) add("/hot", "hot");
  const alone = [measure("/hot"), measure()];
  assert.ok(alone.every((steps) => steps >= 10 && steps <= 14), `${alone}`);
  for (let i = 0; i < 50_000; i++) {
    add(`/${i}`, `topic ${i}`);
    add("/hot", "cold");
  }
  journal.length = 0;
  assert.deepEqual([measure("/hot"), measure()], alone);
  assert.equal(journal.length, 20);
});

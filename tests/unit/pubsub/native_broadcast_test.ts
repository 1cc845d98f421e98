import assert from "node:assert/strict";
import fc from "fast-check";
import { NativeDomain } from "../../../pubsub/native_broadcast.ts";
import { Hub } from "../../../pubsub/hub.ts";
import type { Member } from "../../../pubsub/pubsub.ts";
import { resolveLimits } from "../../../common/limits.ts";
import { Frame } from "../../../socket/frame.ts";
import {
  type BroadcastDomain,
  MAX_HEADER,
  type NativeSendQueue,
  OPEN,
  type OutgoingFrame,
} from "../../../socket/socket.ts";
import { FakeSocket, type FakeTopics } from "../fake_socket.ts";

const limits = resolveLimits({ highWaterMark: 100, maxBuffered: 400 });
const TOPICS = ["x", "y", "z"];

/** Numbers of broadcasts and of single sends. */
interface Ways {
  broadcasts: number;
  sends: number;
}

/**
 * A peer with its socket. The fake runtime holds broadcasts until the end of the turn or the next
 * send. The fake network accepts all bytes, or none.
 */
class FakePeer implements Member, NativeSendQueue {
  readonly name: string;
  readonly got: OutgoingFrame[] = [];
  readonly topics = new Set<string>();
  readonly #native: BroadcastDomain | undefined;
  readonly #world: FakePeer[];
  readonly #ways: Ways;
  readonly #hub: Hub<FakePeer>;
  broadcastDomain: BroadcastDomain | undefined;
  isStuck = false;
  isSlow = false;
  readonly socket: FakeSocket = new FakeSocket({ topics: true });
  readonly native: FakeTopics = this.socket.topics!;
  readonly sendQueue: NativeSendQueue = this;

  constructor(
    name: string,
    native: BroadcastDomain | undefined,
    world: FakePeer[],
    hub: Hub<FakePeer>,
    ways: Ways,
  ) {
    this.name = name;
    this.#native = this.broadcastDomain = native;
    this.#world = world;
    this.#hub = hub;
    this.#ways = ways;
    this.native.domain = native;
    this.native.broadcast = () => assert.fail("a broadcast bypassed the send queue");
  }

  get isOpen(): boolean {
    return this.socket.readyState === OPEN;
  }

  get queued(): number {
    return this.socket.bufferedAmount;
  }

  /** Names of native topics that the socket is subscribed to. */
  get heard(): ReadonlySet<string> {
    return this.native.names;
  }

  fits({ byteLength }: OutgoingFrame): boolean {
    return this.isOpen && this.queued + byteLength + MAX_HEADER <= limits.maxBuffered;
  }

  deliver(frame: OutgoingFrame): boolean {
    this.#ways.sends++;
    if (!this.fits(frame)) return false;
    this.got.push(frame);
    this.write(frame.byteLength + MAX_HEADER);
    this.checkBackpressure();
    return true;
  }

  broadcast(name: string, frame: OutgoingFrame, _compress: boolean, count: number): void {
    this.#ways.broadcasts++;
    assert.ok(this.isOpen, `${this.name} broadcasts, but is not open`);
    const hearers = this.#world.filter((other) =>
      other !== this && other.#native === this.#native && other.heard.has(name)
    );
    assert.equal(hearers.length, count);
    for (const hearer of hearers) {
      assert.ok(
        hearer.isOpen && hearer.broadcastDomain,
        `${hearer.name} got a broadcast, but is closed or has no domain`,
      );
      hearer.got.push(frame);
      hearer.hold(frame.byteLength + MAX_HEADER);
      assert.ok(hearer.queued <= limits.maxBuffered, `${hearer.name} has ${hearer.queued} queued`);
    }
  }

  /** Queues bytes of a broadcast until the next write. */
  hold(size: number): void {
    this.native.unflushedAmount += size;
    this.socket.bufferedAmount += size;
  }

  /** Writes the held bytes, then `size` more. */
  write(size: number): void {
    this.native.unflushedAmount = 0;
    this.socket.bufferedAmount = this.isStuck ? this.queued + size : 0;
  }

  close(): void {
    this.socket.terminate();
    this.regroup();
  }

  checkBackpressure(): number {
    if (this.queued > limits.highWaterMark) this.isSlow = true;
    this.regroup();
    return this.queued;
  }

  regroup(): void {
    const from = this.broadcastDomain;
    this.broadcastDomain = this.isSlow || !this.isOpen ? undefined : this.#native;
    if (this.broadcastDomain !== from) this.#hub.changeDomain("/", this.topics, this, from);
  }
}

function world() {
  const hub = new Hub<FakePeer>();
  const peers: FakePeer[] = [];
  const ways: Ways = { broadcasts: 0, sends: 0 };
  const groups = [NativeDomain.under(limits)!, NativeDomain.under(limits)!, undefined];
  const add = (name: string, group = 0): FakePeer => {
    const peer = new FakePeer(name, groups[group], peers, hub, ways);
    peers.push(peer);
    return peer;
  };
  const subscribe = (topic: string, ...who: FakePeer[]) => {
    for (const peer of who) {
      peer.topics.add(topic);
      hub.subscribe("/", topic, peer);
    }
  };
  const unsubscribe = (topic: string, peer: FakePeer) => {
    if (peer.topics.delete(topic)) hub.unsubscribe("/", topic, peer);
  };
  /** Ends the turn. A reader that has caught up gets broadcasts again. */
  const endTurn = () => {
    for (const peer of peers) {
      peer.write(0);
      if (peer.queued === 0) peer.isSlow = false;
      peer.regroup();
    }
  };
  return { hub, peers, ways, add, subscribe, unsubscribe, endTurn };
}

const frame = (size: number): Frame => new Frame("x".repeat(size));

Deno.test("Hub.publish() reaches a domain by one broadcast, also of a publisher that is not subscribed", () => {
  const { hub, ways, add, subscribe } = world();
  const [a, b, c, out] = [add("a"), add("b"), add("c"), add("out")];
  subscribe("t", a, b, c);
  assert.equal(hub.publish("t", frame(1), { namespace: "/", except: a }), 2);
  assert.equal(hub.publish("t", frame(1), { namespace: "/", except: out }), 3);
  assert.deepEqual(ways, { broadcasts: 2, sends: 0 });
  assert.deepEqual([a, b, c, out].map(({ got }) => got.length), [1, 2, 2, 0]);
});

Deno.test("Hub.publish() without a publisher broadcasts through a member, which gets a separate copy", () => {
  const { hub, ways, add, subscribe } = world();
  const peers = [add("a"), add("b"), add("c", 1), add("d", 1), add("e", 2)];
  subscribe("t", ...peers);
  assert.equal(hub.publish("t", frame(1)), 5);
  assert.deepEqual(ways, { broadcasts: 2, sends: 3 });
  assert.ok(peers.every(({ got }) => got.length === 1));
});

Deno.test("Hub.publish() broadcasts neither to a single member nor a frame over highWaterMark", () => {
  const { hub, ways, add, subscribe } = world();
  const [a, b] = [add("a"), add("b")];
  subscribe("t", a);
  assert.equal(hub.publish("t", frame(1)), 1);
  assert.equal(hub.publish("t", frame(1), { except: a }), 0);
  subscribe("t", b);
  assert.equal(hub.publish("t", frame(91)), 2);
  assert.deepEqual(ways, { broadcasts: 0, sends: 3 });
  assert.equal(hub.publish("t", frame(90)), 2);
  assert.equal(ways.broadcasts, 1);
});

Deno.test("NativeDomain checks a topic after highWaterMark unchecked bytes, and evicts slow members", () => {
  const { hub, add, subscribe, endTurn } = world();
  const [a, b, stuck] = [add("a"), add("b"), add("stuck")];
  stuck.isStuck = true;
  subscribe("t", a, b, stuck);
  subscribe("u", a, b, stuck);
  const publish = () => {
    assert.equal(hub.publish("t", frame(30), { except: a }), 2);
    endTurn();
  };
  for (let i = 0; i < 4; i++) publish();
  assert.ok(
    stuck.broadcastDomain,
    "evicted after 80 queued bytes at the last check, and 80 unchecked bytes",
  );
  publish();
  assert.ok(!stuck.broadcastDomain && stuck.heard.size === 0, "still in a native topic");
  assert.ok(b.broadcastDomain);
  stuck.isStuck = false;
  endTurn();
  assert.equal(stuck.heard.size, 2, "native topics after catching up");
});

Deno.test("NativeDomain does not count unflushed bytes as slowness", () => {
  const { hub, ways, add, subscribe } = world();
  const [a, b, c] = [add("a"), add("b"), add("c")];
  subscribe("t", a, b, c);
  for (let i = 0; i < 100; i++) assert.equal(hub.publish("t", frame(30), { except: a }), 2);
  assert.ok(b.broadcastDomain && c.broadcastDomain);
  assert.ok(
    ways.broadcasts > 60 && ways.sends > 40,
    `${ways.broadcasts} broadcasts and ${ways.sends} sends`,
  );
});

Deno.test("NativeDomain finds a slow member that joins and leaves topics between two checks", () => {
  const { hub, add, subscribe, unsubscribe, endTurn } = world();
  const [a, b, stuck] = [add("a"), add("b"), add("stuck")];
  stuck.isStuck = true;
  subscribe("busy", a, b);
  for (let i = 0; i < 20; i++) {
    const topic = `${i}`;
    subscribe(topic, b, stuck);
    hub.publish(topic, frame(30), { except: a });
    endTurn();
    unsubscribe(topic, b);
    unsubscribe(topic, stuck);
    // Only this publish exceeds the unchecked bytes, and the stuck peer is not subscribed to it.
    hub.publish("busy", frame(90), { except: a });
  }
  assert.ok(stuck.isSlow && stuck.queued > 300 && stuck.queued <= 400, `${stuck.queued}`);
});

Deno.test("NativeDomain keeps a member of many topics within maxBuffered", () => {
  const { hub, add, subscribe, endTurn } = world();
  const [a, b, stuck] = [add("a"), add("b"), add("stuck")];
  stuck.isStuck = true;
  for (let i = 0; i < 50; i++) subscribe(`${i}`, b, stuck);
  for (let i = 0; i < 50; i++) {
    hub.publish(`${i}`, frame(30), { except: a });
    endTurn();
  }
  assert.ok(stuck.isSlow && stuck.queued > 300 && stuck.queued <= 400, `${stuck.queued}`);
});

Deno.test("NativeDomain.under() returns undefined if maxBuffered leaves no room for unchecked bytes", () => {
  const under = (highWaterMark: number, maxBuffered: number) =>
    NativeDomain.under(resolveLimits({ highWaterMark, maxBuffered, drainThreshold: 0 }));
  assert.ok(under(100, 300));
  assert.ok(under(100, Infinity));
  assert.equal(under(100, 299), undefined);
});

// --- Random calls, compared with the expected frames ---

type Step = readonly [kind: string, who: number, topic: string, size: number, flag: boolean];

Deno.test("Hub with native domains behaves like a plain list of subscriptions under random calls", () => {
  const step = fc.tuple(
    fc.constantFrom(
      ...["publish", "publish", "publish", "publish without a publisher", "subscribe", "subscribe"],
      ...["unsubscribe", "send", "stuck", "turn", "turn", "close"],
    ),
    fc.nat(6),
    fc.constantFrom(...TOPICS),
    fc.nat(110),
    fc.boolean(),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: "max" }), (steps: Step[]) => {
      const { hub, peers, add, subscribe, unsubscribe, endTurn } = world();
      for (let i = 0; i < 7; i++) add(`${i}`, i < 4 ? 0 : i < 6 ? 1 : 2);
      const wanted = new Map(peers.map((peer) => [peer, [] as OutgoingFrame[]]));
      for (const [kind, who, topic, size, flag] of steps) {
        const peer = peers[who]!;
        if (kind === "subscribe" && peer.isOpen) subscribe(topic, peer);
        if (kind === "unsubscribe") unsubscribe(topic, peer);
        if (kind === "stuck") peer.isStuck = flag;
        if (kind === "turn") endTurn();
        if (kind === "close" && flag) {
          peer.close();
        }
        const sent = frame(size);
        if (kind === "send" && peer.isOpen && peer.fits(sent)) {
          peer.deliver(sent);
          wanted.get(peer)!.push(sent);
        }
        if (!kind.startsWith("publish")) continue;
        const except = kind === "publish" ? peer : undefined;
        const recipients = peers.filter((other) =>
          other !== except && other.topics.has(topic) && other.fits(sent)
        );
        for (const recipient of recipients) wanted.get(recipient)!.push(sent);
        const namespace = flag ? "/" : undefined;
        assert.equal(hub.publish(topic, sent, { namespace, except }), recipients.length);
        for (const [other, frames] of wanted) assert.deepEqual(other.got.length, frames.length);
      }
      for (const [peer, frames] of wanted) {
        assert.ok(peer.got.every((got, i) => got === frames[i]), "frames in another order");
      }
    }),
    { numRuns: 1000 },
  );
});

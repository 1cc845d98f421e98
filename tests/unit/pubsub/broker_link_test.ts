import assert from "node:assert/strict";
import { Timers } from "../../../common/timers.ts";
import type { Broker, BrokerHost, Publication } from "../../../pubsub/broker.ts";
import { BrokerLink } from "../../../pubsub/broker_link.ts";
import type { LinkHost, NodePublish } from "../../../pubsub/node_link.ts";
import {
  decodeFrame,
  encodeFrame,
  nodeBytes,
  senderOf,
  setEpoch,
} from "../../../pubsub/sync_frame.ts";
import { encode } from "../../../socket/frame.ts";

const HERE = nodeBytes("0123456789abcdef"), THERE = nodeBytes("fedcba9876543210");

/** A broker whose every call a test can see, with the host of its link. */
class Scene implements Broker, LinkHost {
  readonly calls: string[] = [];
  readonly published: Publication[] = [];
  readonly delivered: string[] = [];
  readonly lines: string[] = [];
  readonly timers: Timers = new Timers();
  readonly counts = { framesOut: 0, bytesOut: 0, framesIn: 0, bytesIn: 0, invalid: 0 };
  readonly link: BrokerLink = new BrokerLink(this, "0123456789abcdef", this);
  host!: BrokerHost;
  confirm: () => Promise<void> = () => Promise.resolve();

  constructor() {
    this.link.open();
  }

  open(host: BrokerHost): void {
    this.host = host;
    this.calls.push("open");
  }
  subscribe(channels: readonly string[]): Promise<void> {
    this.calls.push(`subscribe ${channels}`);
    return this.confirm();
  }
  unsubscribe(): void {}
  publish(batch: readonly Publication[]): Promise<void> {
    this.calls.push(`publish ${batch.map(({ channel }) => channel)}`);
    this.published.push(...batch);
    return this.confirm();
  }
  close(): Promise<void> {
    this.calls.push("close");
    return Promise.resolve();
  }
  deliver({ namespace, topic, frame, compress }: NodePublish): void {
    this.delivered.push(`${namespace} ${topic} ${frame.payload} ${compress}`);
  }
  up(): void {
    this.lines.push("up");
  }
  down(error: unknown): void {
    this.lines.push(`down ${error}`);
  }
  dropped(messages: number, error: unknown): void {
    this.lines.push(`dropped ${messages} ${error}`);
  }
}

const settled = () => new Promise((resolve) => setTimeout(resolve));
const message = (data: string) => ({ frame: encode(data), compress: true });

Deno.test("BrokerLink opens the broker, and asks for the channel of all namespaces", () => {
  const scene = new Scene();
  assert.deepEqual([scene.calls, scene.link.channels], [["open", "subscribe all"], 1]);
});

Deno.test("BrokerLink publishes on the channel of a topic, or of all namespaces, in the order of the calls", async () => {
  const scene = new Scene();
  scene.link.publish({ namespace: "/x", topic: "a.b", ...message("1") });
  scene.link.publish({ namespace: undefined, topic: "a.b", ...message("2") });
  scene.link.publish({ namespace: "/x", topic: "a.b", frame: encode("3"), compress: false });
  await settled();
  assert.deepEqual(scene.calls.slice(2), ["publish =2Fx.a=2Eb,all,=2Fx.a=2Eb"]);
  assert.equal(scene.counts.framesOut, 3);
  const other = new Scene();
  other.link.interest.topicAdded("/x", "a.b");
  for (const { channel, frame } of scene.published) {
    const foreign = frame.slice();
    foreign.set(THERE, 1);
    other.host.received(channel, foreign);
  }
  assert.deepEqual(other.delivered, [
    "/x a.b 1 true",
    "undefined a.b 2 true",
    "/x a.b 3 false",
  ]);
  other.link.interest.close();
});

Deno.test("BrokerLink ignores and does not count its own frames", () => {
  const scene = new Scene();
  scene.link.interest.topicAdded("/", "t");
  scene.host.received("=2F.t", encodeFrame(HERE, [message("own")]));
  assert.deepEqual([scene.delivered, scene.counts.framesIn], [[], 0]);
});

Deno.test("BrokerLink delivers nothing of a frame with one invalid message, and counts the frame", () => {
  const scene = new Scene();
  scene.link.interest.topicAdded("/", "t");
  const cut = encodeFrame(THERE, [message("1"), message("2")]);
  const named = { topic: "t", ...message("named") };
  const table: [channel: string, frame: Uint8Array][] = [
    ["=2F.t", cut.subarray(0, -1)],
    ["=2F.t", new Uint8Array()],
    ["=2F.t", encodeFrame(THERE, [message("1"), named])], // a topic, in the channel of a topic
    ["all", encodeFrame(THERE, [named, message("1")])], // no topic, in the channel of all
  ];
  for (const [channel, frame] of table) scene.host.received(channel, frame);
  assert.deepEqual([scene.delivered, scene.counts.invalid], [[], table.length]);
  assert.equal(scene.counts.framesIn, table.length);
});

Deno.test("BrokerLink delivers nothing from a channel for which it has not asked", () => {
  const scene = new Scene();
  scene.link.interest.topicAdded("/", "t");
  for (const channel of ["=2F.other", "=2F", "", "ALL", "=2F.t "]) {
    scene.host.received(channel, encodeFrame(THERE, [message("1")]));
  }
  assert.deepEqual([scene.delivered, scene.counts.invalid], [[], 0]);
});

Deno.test("BrokerLink gathers the publishes of a turn as the broker defers them", async () => {
  const turns: (() => void)[] = [];
  const scene = new Scene();
  const broker: Broker = Object.assign(scene, {
    defer: (flush: () => void) => void turns.push(flush),
  });
  assert.ok(broker.defer);
  for (const data of ["1", "2"]) {
    scene.link.publish({ namespace: "/", topic: "t", ...message(data) });
    await settled();
  }
  assert.equal(turns.length, 1);
  turns[0]!();
  assert.deepEqual(scene.calls.slice(2), ["publish =2F.t"]);
});

Deno.test("BrokerLink passes on that the broker is up or down, and whether the hub must wait for it", () => {
  const scene = new Scene();
  scene.host.up(false);
  scene.host.down(new Error("planned"));
  scene.host.up(true);
  assert.deepEqual(scene.lines, ["up", "down Error: planned", "up"]);
  assert.equal(scene.link.isRequired, false);
});

/** Returns a frame of another node, or of the node of a scene. */
function frameOf(epoch: number, text?: string, node = THERE): Uint8Array<ArrayBuffer> {
  const bytes = node.slice();
  setEpoch(bytes, epoch);
  return encodeFrame(bytes, text === undefined ? [] : [message(text)]);
}

Deno.test("BrokerLink begins an epoch after each connection, and tells all nodes at the next one", async () => {
  const scene = new Scene();
  const epochs = () =>
    scene.published.splice(0).map(({ channel, frame }) => {
      const { length } = decodeFrame(frame, THERE)!;
      return [channel, senderOf(frame).epoch, length];
    });
  scene.host.up(false);
  await settled();
  assert.deepEqual(epochs(), [], "a new node is in epoch 0");
  scene.link.publish({ namespace: "/", topic: "t", ...message("1") });
  await settled();
  assert.deepEqual(epochs(), [["=2F.t", 0, 1]]);
  scene.host.down(new Error("planned"));
  scene.link.publish({ namespace: "/", topic: "t", ...message("2") });
  await settled();
  assert.deepEqual(epochs(), [["=2F.t", 1, 1]], "the connection may work before it is up");
  scene.confirm = () => Promise.reject(new Error("planned"));
  scene.host.up(true);
  assert.deepEqual(epochs(), [["all", 1, 0]]);
  scene.host.down(new Error("planned"));
  scene.host.down(new Error("planned"));
  scene.host.up(true);
  assert.deepEqual(epochs(), [["all", 3, 0]]);
  await settled(); // an unhandled rejection fails the test
});

Deno.test("BrokerLink drops and counts what a lost connection of another node still carries", () => {
  const scene = new Scene(), { host, counts, delivered } = scene;
  scene.link.interest.topicAdded("/", "t");
  host.received("=2F.t", frameOf(0, "1"));
  host.received("all", frameOf(1));
  host.received("=2F.t", frameOf(0, "late"));
  host.received("=2F.t", frameOf(1, "2"));
  host.received("=2F.t", frameOf(0, "later"));
  host.received("=2F.t", frameOf(0, "another node", nodeBytes("0000000000000001")));
  assert.deepEqual(delivered, ["/ t 1 true", "/ t 2 true", "/ t another node true"]);
  assert.deepEqual([counts.invalid, counts.framesIn], [2, 6]);
  scene.link.interest.close();
});

Deno.test("BrokerLink takes no epoch from a malformed frame", () => {
  const scene = new Scene(), { host, delivered } = scene;
  scene.link.interest.topicAdded("/", "t");
  host.received("=2F.t", frameOf(9, "cut").subarray(0, -1));
  host.received("all", frameOf(9, "without a topic"));
  host.received("=2F.t", frameOf(0, "1"));
  assert.deepEqual(delivered, ["/ t 1 true"]);
  scene.link.interest.close();
});

Deno.test("BrokerLink begins a newer epoch if another program has forged one of this node", async () => {
  const scene = new Scene(), other = new Scene();
  other.link.interest.topicAdded("/", "t");
  for (const forged of [5, 2 ** 31, 2 ** 32 - 1]) {
    const bytes = frameOf(forged, undefined, HERE), foreign = bytes.slice();
    foreign.set(THERE.subarray(0, 8), 1);
    other.host.received("all", foreign);
    scene.host.received("all", bytes);
    scene.link.publish({ namespace: "/", topic: "t", ...message(`after ${forged}`) });
    await settled();
    for (const { channel, frame } of scene.published.splice(0)) {
      frame.set(THERE.subarray(0, 8), 1);
      other.host.received(channel, frame);
    }
  }
  const expected = [5, 2 ** 31, 2 ** 32 - 1].map((forged) => `/ t after ${forged} true`);
  assert.deepEqual([other.delivered, other.counts.invalid], [expected, 0]);
  scene.host.received("all", frameOf(0, undefined, HERE)); // its own present epoch
  assert.deepEqual(scene.published, []);
  other.link.interest.close();
});

Deno.test("BrokerLink counts frames that the broker loses after the confirmation, and reports refusals", () => {
  const scene = new Scene();
  scene.host.lost(3, new Error("planned"));
  scene.host.refused(new Error("a channel"));
  assert.deepEqual(scene.lines, ["dropped 3 Error: planned", "dropped 0 Error: a channel"]);
});

Deno.test("BrokerLink.confirmed() waits for all topics, and for the channel of all namespaces", async () => {
  const confirms: (() => void)[] = [];
  const scene = new Scene();
  scene.confirm = () => new Promise((resolve) => confirms.push(resolve));
  scene.link.open();
  scene.link.interest.topicAdded("/", "t");
  let isConfirmed = false;
  const confirmed = scene.link.confirmed().then(() => isConfirmed = true);
  await settled();
  assert.equal(confirms.length, 2);
  confirms[1]!();
  await settled();
  assert.equal(isConfirmed, false);
  confirms[0]!();
  await confirmed;
});

Deno.test("BrokerLink.close() sends what waits, and then closes the broker", async () => {
  // Without this, Deno 2.9 runs the microtasks, and so sends, at the first use of setTimeout().
  const scene = Object.assign(new Scene(), { defer() {} });
  scene.link.publish({ namespace: "/", topic: "t", ...message("last") });
  await scene.link.close();
  assert.deepEqual(scene.calls.slice(2), ["publish =2F.t", "close"]);
});

Deno.test("BrokerLink.close() closes a broker that never confirms", async () => {
  const scene = new Scene();
  scene.confirm = () => new Promise(() => {});
  scene.link.publish({ namespace: "/", topic: "t", ...message("last") });
  await scene.link.close();
  assert.deepEqual(scene.calls.slice(2), ["publish =2F.t", "close"]);
  assert.equal(scene.timers.size, 0);
});

Deno.test("BrokerLink goes on if the broker rejects the channel of all namespaces", async () => {
  const scene = new Scene();
  scene.confirm = () => Promise.reject(new Error("planned"));
  scene.link.open();
  await settled();
  await scene.link.confirmed();
});

Deno.test("BrokerLink.close() leaves no timer of the cluster, also if the broker connects again meanwhile", async () => {
  const scene = new Scene(), name = { namespace: "/", topic: "t" };
  const remote = scene.link.cluster({
    peers: 0,
    hasPresence: () => true,
    membersOf: () => [],
    presenceChanged() {},
    close: () => 0,
  });
  scene.host.up(false);
  const state = remote.presence.state(name), told = remote.closePeers({ code: 1000, reason: "" });
  scene.confirm = () => new Promise(() => {});
  scene.link.publish({ namespace: "/", topic: "t", ...message("last") });
  const closing = scene.link.close();
  scene.host.down(new Error("planned"));
  scene.host.up(true);
  await closing;
  assert.equal(scene.timers.size, 0);
  assert.deepEqual([await state, await told], [
    { members: [], stale: true },
    { nodes: 0, closed: 0, missing: [] },
  ]);
  assert.equal((await remote.presence.state(name)).stale, true);
  assert.equal((await remote.closePeers({ code: 1000, reason: "" })).nodes, 0);
  assert.equal(scene.timers.size, 0);
});

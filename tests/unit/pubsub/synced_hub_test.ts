import assert from "node:assert/strict";
import { Timers } from "../../../common/timers.ts";
import type { LinkHost, NodeLink, NodePublish } from "../../../pubsub/node_link.ts";
import type { Member } from "../../../pubsub/pubsub.ts";
import type { SyncAdapter, SyncDriver, SyncMessage } from "../../../pubsub/sync_adapter.ts";
import { SyncedHub } from "../../../pubsub/synced_hub.ts";
import { encode } from "../../../socket/frame.ts";
import type { OutgoingFrame } from "../../../socket/socket.ts";
import { FakeSocket } from "../fake_socket.ts";
import { until } from "../../harness/clients/socket_history.ts";

const MIB = 1024 * 1024;

/** A member that records what it gets. */
class FakeMember implements Member {
  readonly received: string[] = [];
  readonly broadcastDomain = undefined;
  readonly sendQueue = { socket: new FakeSocket(), broadcast() {}, checkBackpressure: () => 0 };

  deliver({ payload }: OutgoingFrame, compress: boolean): boolean {
    this.received.push(`${payload} ${compress}`);
    return true;
  }
}

/** A link that a test plays. */
class FakeLink implements NodeLink {
  isRequired = false;
  readonly channels = 3;
  readonly calls: string[] = [];
  host!: LinkHost;
  closing: () => Promise<void> = () => Promise.resolve();

  open(): void {
    this.calls.push("open");
  }
  publish({ namespace, topic, frame, compress }: NodePublish): void {
    this.calls.push(`publish ${namespace} ${topic} ${frame.payload} ${compress}`);
  }
  confirmed(): Promise<void> {
    return Promise.resolve();
  }
  close(): Promise<void> {
    this.calls.push("close");
    return this.closing();
  }

  /** Plays a message of another node. */
  deliver(namespace: string | undefined, topic: string, data: string): void {
    this.host.deliver({ namespace, topic, frame: encode(data), compress: false });
  }
}

function start(link: FakeLink = new FakeLink()): {
  readonly link: FakeLink;
  readonly hub: SyncedHub<FakeMember>;
  readonly reports: unknown[];
} {
  const reports: unknown[] = [];
  const sync: SyncAdapter = ({ id }) => {
    assert.match(id, /^[0-9a-f]{16}$/);
    return { link: (host) => Object.assign(link, { host }) };
  };
  const report = (error: unknown) => void reports.push(error);
  return { link, hub: new SyncedHub(sync, { timers: new Timers(), report }), reports };
}

Deno.test("SyncedHub opens its link, and gives each node an id of its own", () => {
  const ids = new Set<string>();
  const link = new FakeLink();
  for (let i = 0; i < 3; i++) {
    const sync: SyncAdapter = ({ id }) => {
      ids.add(id);
      return { link: (host) => Object.assign(link, { host }) };
    };
    new SyncedHub(sync, { timers: new Timers(), report() {} });
  }
  assert.deepEqual([ids.size, link.calls], [3, ["open", "open", "open"]]);
});

Deno.test("SyncedHub.publish() reaches the members of its node except one at once, and then the link", () => {
  const { hub, link } = start(), [a, b] = [new FakeMember(), new FakeMember()];
  for (const member of [a, b]) hub.subscribe("/", "t", member);
  assert.equal(hub.publish("t", encode("1"), { namespace: "/", except: a, compress: false }), 1);
  assert.equal(hub.publish("t", encode("2")), 2);
  assert.equal(hub.publish("unknown", encode("3"), { namespace: "/x" }), 0);
  assert.deepEqual([a.received, b.received], [["2 true"], ["1 false", "2 true"]]);
  assert.deepEqual(link.calls.slice(1), [
    "publish / t 1 false",
    "publish undefined t 2 true",
    "publish /x unknown 3 true",
  ]);
});

Deno.test("SyncedHub delivers messages of other nodes to one namespace, or to all", () => {
  const { hub, link } = start(), [a, b] = [new FakeMember(), new FakeMember()];
  hub.subscribe("/a", "t", a);
  hub.subscribe("/b", "t", b);
  link.deliver("/a", "t", "1");
  link.deliver(undefined, "t", "2");
  link.deliver("/a", "unknown", "3");
  assert.deepEqual([a.received, b.received], [["1 false", "2 false"], ["2 false"]]);
  assert.equal(link.calls.length, 1);
});

Deno.test("SyncedHub.publish() throws a RangeError over 16 MiB, before any member gets the message", () => {
  const { hub, link } = start(), member = new FakeMember();
  hub.subscribe("/", "t", member);
  assert.throws(() => hub.publish("t", encode(new Uint8Array(16 * MIB + 1))), {
    name: "RangeError",
    message: "Cannot publish 16777217 bytes as other nodes take at most 16777216",
  });
  assert.deepEqual([member.received, link.calls], [[], ["open"]]);
});

Deno.test("SyncedHub reports failures at most once a second, and counts every lost message", async () => {
  const { hub, link, reports } = start();
  link.host.up(false);
  assert.equal(hub.stats.up, 1);
  const first = new Error("first");
  link.host.down(first);
  link.host.dropped(3, new Error("second"));
  link.host.dropped(1, new Error("third"));
  link.host.down(new Error("fourth"));
  assert.deepEqual([reports, hub.stats.drops, hub.stats.up], [[first], 4, 0]);
  const start1 = performance.now(), later = new Error("later");
  await until("the next report", () => {
    link.host.dropped(1, later);
    return reports.length > 1;
  });
  assert.deepEqual(reports[1], later);
  assert.ok(performance.now() - start1 > 900);
});

Deno.test("SyncedHub.ready() waits for the link only if the link is required", async () => {
  await start().hub.ready();
  const link = Object.assign(new FakeLink(), { isRequired: true });
  const { hub } = start(link);
  let isReady = false;
  const ready = hub.ready().then(() => isReady = true);
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(isReady, false);
  link.host.up(false);
  await ready;
  link.host.down(new Error("planned"));
  await hub.ready();
});

Deno.test("SyncedHub.ready() rejects if close() comes before the first connection", async () => {
  const closed = start(Object.assign(new FakeLink(), { isRequired: true })).hub;
  const waiting = assert.rejects(closed.ready(), /closed before its broker was connected/);
  await closed.close();
  await waiting;
  await assert.rejects(closed.ready(), Error);
  const link = Object.assign(new FakeLink(), { isRequired: true }), { hub } = start(link);
  link.host.up(false);
  await hub.close();
  await hub.ready();
});

Deno.test("SyncedHub sends and delivers nothing after close(), and reports nothing more", async () => {
  const { hub, link, reports } = start(), member = new FakeMember();
  hub.subscribe("/", "t", member);
  link.host.up(false);
  await hub.close();
  await hub.close();
  assert.equal(hub.publish("t", encode("here")), 1);
  await hub.driver.publish({ namespace: "", topic: "t", data: "there" });
  link.deliver(undefined, "t", "from there");
  link.host.up(false);
  link.host.down(new Error("planned"));
  link.host.dropped(2, new Error("planned"));
  assert.deepEqual([member.received, link.calls], [["here true"], ["open", "close"]]);
  assert.deepEqual([reports, hub.stats.up, hub.stats.drops], [[], 0, 2]);
});

Deno.test("SyncedHub reports a link that cannot be closed", async () => {
  const { hub, link, reports } = start(), error = new Error("planned");
  link.host.down(new Error("just before"));
  link.closing = () => Promise.reject(error);
  await hub.close();
  assert.deepEqual(reports.slice(1), [error]);
});

Deno.test("SyncedHub.close() resolves for all callers when the link is closed", async () => {
  const { hub, link } = start();
  let closed = () => {}, isClosed = false;
  link.closing = () => new Promise((resolve) => closed = resolve);
  const first = hub.driver.close!(), second = hub.close().then(() => isClosed = true);
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(isClosed, false);
  closed();
  await Promise.all([first, second]);
  assert.deepEqual(link.calls, ["open", "close"]);
});

Deno.test("SyncedHub.driver.publish() throws a TypeError for a topic or namespace that is no string, and for that of users", () => {
  const { hub, link } = start();
  for (const topic of [undefined, null, 5, {}]) {
    const message = { namespace: "/", topic: topic as string, data: "x" };
    assert.throws(() => hub.driver.publish(message), TypeError);
  }
  for (const namespace of [null, 5, {}, "onepeer:users"]) {
    const message = { namespace: namespace as string, topic: "t", data: "x" };
    assert.throws(() => hub.driver.publish(message), TypeError);
  }
  assert.deepEqual(link.calls, ["open"]);
  hub.driver.publish({ topic: "t", data: "x" } as SyncMessage);
  assert.deepEqual(link.calls.slice(1), ["publish undefined t x true"]);
});

Deno.test("SyncedHub reports a listener of other nodes' messages that rejects", async () => {
  const { hub, link, reports } = start(), error = new Error("planned");
  const listener: (message: SyncMessage) => unknown = () => Promise.reject(error);
  hub.driver.subscribe(listener as (message: SyncMessage) => void);
  link.deliver("/", "t", "1");
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual(reports, [error]);
});

Deno.test("SyncedHub.stats has the channels and the counts of its link", () => {
  const { hub, link } = start();
  link.host.counts.framesIn += 2;
  link.host.counts.invalid++;
  assert.deepEqual(hub.stats, {
    up: 0,
    channels: 3,
    framesIn: 2,
    framesOut: 0,
    bytesIn: 0,
    bytesOut: 0,
    drops: 0,
    invalid: 1,
  });
});

Deno.test("SyncedHub passes topics to the observers of its link", () => {
  const lines: string[] = [];
  const link = Object.assign(new FakeLink(), {
    observers: [{
      topicAdded: (namespace: string, topic: string) => void lines.push(`+${namespace} ${topic}`),
      topicRemoved: (namespace: string, topic: string) => void lines.push(`-${namespace} ${topic}`),
    }],
  });
  const { hub } = start(link), member = new FakeMember();
  hub.join("/", member);
  hub.subscribe("/", "t", member);
  assert.deepEqual([hub.topicCount, hub.memberCount, hub.namespaces.size], [1, 1, 1]);
  hub.unsubscribe("/", "t", member);
  hub.leave("/", member);
  assert.deepEqual(lines, ["+/ t", "-/ t"]);
});

Deno.test("SyncedHub takes the driver of a user, and throws a TypeError for anything else", () => {
  const published: SyncMessage[] = [];
  const driver: SyncDriver = { subscribe() {}, publish: (message) => void published.push(message) };
  const host = { timers: new Timers(), report() {} };
  const hub = new SyncedHub<FakeMember>(() => Object.assign(driver, { open() {} }), host);
  hub.publish("t", encode("1"), { namespace: "/" });
  assert.equal(published.length, 1);
  for (const made of [undefined, null, {}, Promise.resolve(driver)]) {
    assert.throws(() => new SyncedHub(() => made as SyncDriver, host), TypeError);
  }
});

Deno.test("SyncedHub.driver publishes to other nodes alone, and hears what they send", async () => {
  const { hub, link, reports } = start(), member = new FakeMember();
  hub.subscribe("/", "t", member);
  const heard: SyncMessage[] = [];
  await hub.driver.subscribe(() => {
    throw new Error("planned");
  });
  await hub.driver.subscribe((message) => void heard.push(message));
  await hub.driver.publish({ namespace: "/", topic: "t", data: "1" });
  await hub.driver.publish({ namespace: "", topic: "t", data: "7" });
  assert.deepEqual(link.calls.slice(1), ["publish / t 1 true", "publish undefined t 7 true"]);
  link.deliver(undefined, "t", "2");
  link.deliver("/", "t", "3");
  assert.deepEqual(heard, [
    { namespace: "", topic: "t", data: "2" },
    { namespace: "/", topic: "t", data: "3" },
  ]);
  assert.deepEqual(member.received, ["2 false", "3 false"]);
  assert.match(String(reports), /^Error: planned$/);
  assert.throws(() => {
    hub.driver.publish({ namespace: "", topic: "t", data: new Uint8Array(16 * MIB + 1) });
  }, RangeError);
  await hub.driver.close!();
  assert.equal(link.calls.at(-1), "close");
});

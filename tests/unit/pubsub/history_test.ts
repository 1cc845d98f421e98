import assert from "node:assert/strict";
import fc from "fast-check";
import { Deferred } from "../../../common/deferred.ts";
import { DEFAULT_LIMITS } from "../../../common/limits.ts";
import { HistoryHub } from "../../../pubsub/history/history_hub.ts";
import type {
  HistoryHost,
  HistorySource,
  HistoryTopic,
} from "../../../pubsub/history/history_source.ts";
import { LocalHistory } from "../../../pubsub/history/local_history.ts";
import { formatPosition, parsePosition } from "../../../pubsub/history/position.ts";
import { replayOf } from "../../../pubsub/history/recovery.ts";
import { TopicLog } from "../../../pubsub/history/topic_log.ts";
import { Hub } from "../../../pubsub/hub.ts";
import type { Member } from "../../../pubsub/pubsub.ts";
import { type HistoryOptions, TopicRules } from "../../../pubsub/topic_options.ts";
import { Frame } from "../../../socket/frame.ts";
import type { NativeSendQueue, OutgoingFrame } from "../../../socket/socket.ts";

class FakeMember implements Member {
  readonly broadcastDomain = undefined;
  readonly received: string[] = [];
  readonly sendQueue = { checkBackpressure: () => 0 } as NativeSendQueue;

  deliver({ payload }: OutgoingFrame): boolean {
    this.received.push(String(payload));
    return true;
  }
}

const entry = (text: string) => ({ frame: new Frame(text), compress: true });
const textsOf = (log: TopicLog, after: number) =>
  log.after(after).map(({ frame }) => String(frame.payload));

function hubOf(
  keep: HistoryOptions = { size: 3, ttl: 60_000 },
  source: (host: HistoryHost<FakeMember>) => HistorySource<FakeMember> = (host) =>
    new LocalHistory(host),
): { readonly hub: HistoryHub<FakeMember>; readonly inner: Hub<FakeMember> } {
  const inner = new Hub<FakeMember>();
  const hub = new HistoryHub(inner, {
    rules: new TopicRules((topic) => topic === "h" ? { history: keep } : undefined),
    format: undefined,
    limits: DEFAULT_LIMITS,
    source,
    missed: () => {},
    report: (error) => {
      throw error;
    },
  });
  return { hub, inner };
}

Deno.test("a position has one text, and other texts are no position", () => {
  fc.assert(fc.property(
    fc.nat({ max: Number.MAX_SAFE_INTEGER }),
    fc.nat({ max: 999_999_999_999_999 }),
    (epoch, offset) => {
      assert.deepEqual(parsePosition(formatPosition({ epoch, offset })), { epoch, offset });
    },
  ));
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom(..."0123az.\n -") }), (text) => {
    const position = parsePosition(text);
    if (position) assert.equal(formatPosition(position), text);
  }));
  for (const text of ["", ".", "1", "1.", ".1", "1.01", "01.1", "1.1\n", "1.-1", "A.1", "1.1."]) {
    assert.equal(parsePosition(text), undefined, JSON.stringify(text));
  }
});

Deno.test("TopicLog keeps the newest messages, and numbers them without a gap", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 20 }),
    fc.nat({ max: 60 }),
    fc.nat({ max: 70 }),
    fc.nat({ max: 5 }),
    (size, count, after, origin) => {
      const log = new TopicLog(size, { epoch: 7, offset: origin });
      for (let i = 1; i <= count; i++) log.push(entry(`${origin + i}`));
      const top = origin + count, first = top - Math.min(size, count) + 1;
      assert.deepEqual([log.top, log.first], [{ epoch: 7, offset: top }, first]);
      const kept = Array.from({ length: top - first + 1 }, (_, i) => first + i);
      assert.deepEqual(textsOf(log, after), kept.filter((i) => i > after).map(String));
    },
  ));
});

Deno.test("TopicLog drops old messages over 16 MiB, and keeps the newest whatever its size", () => {
  const log = new TopicLog(100, { epoch: 1, offset: 0 });
  for (const mebibytes of [6, 6, 6]) log.push(entry("x".repeat(mebibytes << 20)));
  assert.equal(log.first, 2);
  log.push(entry("x".repeat(17 << 20)));
  assert.deepEqual([log.first, log.top.offset], [4, 4]);
});

Deno.test("replayOf() sends exactly the messages after a position, or says why not", () => {
  const log = new TopicLog(3, { epoch: 7, offset: 0 });
  for (const text of "12345") log.push(entry(text));
  const look = (since: string | undefined, limit?: number) => {
    const { entries, reason } = replayOf(log, { since, limit }, 1000);
    return reason ?? entries.map(({ frame }) => frame.payload).join("");
  };
  assert.equal(look("7.5"), "");
  assert.equal(look("7.4"), "5");
  assert.equal(look("7.2"), "345");
  assert.equal(look("7.1"), "trimmed");
  assert.equal(look("7.6"), "epoch");
  assert.equal(look("8.4"), "epoch");
  assert.equal(look("7.2", 3), "345");
  assert.equal(look("7.2", 2), "limit");
  assert.equal(look(undefined), "");
  assert.equal(look(undefined, 2.7), "45");
  assert.equal(look(undefined, 99), "345");
});

Deno.test("a history that has ended begins again with another epoch, also without a message", async () => {
  const { hub } = hubOf({ size: 3, ttl: 30 });
  const commit = (text: string) => hub.commit("h", new Frame(text), { namespace: "n" });
  const first = parsePosition(await commit("1"))!;
  await new Promise((resolve) => setTimeout(resolve, 60));
  const second = parsePosition(await commit("2"))!;
  assert.equal(second.offset, 1);
  assert.notEqual(second.epoch, first.epoch);
});

Deno.test("histories that have ended are forgotten as new ones begin", async () => {
  const local = new LocalHistory<FakeMember>({
    entryOf: (_topic, _position, frame, compress) => ({ frame, compress }),
    deliver: () => 0,
    subscribers: () => new Hub<FakeMember>().subscribers("t"),
    missed: () => {},
  });
  const begin = (topic: string, ttl: number) => {
    const name = { namespace: "n", topic, keep: { size: 1, ttl } };
    local.append(name, { frame: new Frame("x"), compress: true, except: undefined });
  };
  for (let i = 0; i < 50; i++) begin(`${i}`, 1);
  await new Promise((resolve) => setTimeout(resolve, 20));
  for (let i = 0; i < 20; i++) begin(`new ${i}`, 60_000);
  assert.equal(local.size, 20);
});

Deno.test("equal topics of two namespaces have two histories, whatever their names", async () => {
  const { hub } = hubOf();
  const names = ["", "1", "1:", ":h", "h"];
  for (const namespace of names) await hub.commit("h", new Frame(namespace), { namespace });
  for (const namespace of names) {
    const member = new FakeMember();
    await hub.recover(namespace, "h", member, { limit: 9 });
    assert.deepEqual(member.received, [namespace]);
  }
});

/** Source whose log arrives when the test says so. */
class SlowSource extends LocalHistory<FakeMember> {
  readonly ready = new Deferred();
  #isReady = false;

  override log(topic: HistoryTopic): TopicLog {
    return this.#isReady ? super.log(topic) : undefined as never;
  }

  async refresh(): Promise<boolean> {
    await this.ready.promise;
    return this.#isReady = true;
  }
}

Deno.test("while the history is read, a member gets nothing, and afterwards all without a hole", async () => {
  let source!: SlowSource;
  const { hub, inner } = hubOf({ size: 9, ttl: 60_000 }, (host) => source = new SlowSource(host));
  const position = await hub.commit("h", new Frame("1"), { namespace: "n" });
  const member = new FakeMember();
  const result = hub.recover("n", "h", member, { since: position });
  hub.publish("h", new Frame("2"), { namespace: "n" });
  hub.changeDomain("n", ["h"], member, undefined); // the inner hub does not know the topic yet
  assert.deepEqual([member.received, inner.topicCount], [[], 0]);
  source.ready.resolve();
  assert.deepEqual([(await result).recovered, (await result).replayed], [true, 1]);
  hub.publish("h", new Frame("3"), { namespace: "n" });
  assert.deepEqual(member.received, ["2", "3"]);
});

Deno.test("a member that unsubscribes while the history is read gets nothing", async () => {
  let source!: SlowSource;
  const { hub, inner } = hubOf({ size: 9, ttl: 60_000 }, (host) => source = new SlowSource(host));
  const position = await hub.commit("h", new Frame("1"), { namespace: "n" });
  const member = new FakeMember();
  const first = hub.recover("n", "h", member, { since: position });
  hub.unsubscribe("n", "h", member);
  const second = hub.recover("n", "h", member, { since: position });
  hub.publish("h", new Frame("2"), { namespace: "n" });
  source.ready.resolve();
  assert.deepEqual(await first, { recovered: false, replayed: 0, reason: "unavailable" });
  assert.equal((await second).recovered, true);
  assert.deepEqual(member.received, ["2"]);
  hub.unsubscribe("n", "h", member);
  assert.equal(inner.topicCount, 0);
});

/** Source that is behind the history by some reads. */
class BehindSource extends LocalHistory<FakeMember> {
  /** Results of `log()`, the last one for good: a log, or `undefined` while another read is pending. */
  readonly logs: (TopicLog | undefined)[] = [];
  reads = 0;

  override log(): TopicLog {
    return this.logs[Math.min(this.reads, this.logs.length - 1)] as TopicLog;
  }

  refresh(): Promise<boolean> {
    this.reads++;
    return Promise.resolve(true);
  }
}

const logOf = (...texts: string[]) => {
  const log = new TopicLog(9, { epoch: 7, offset: 0 });
  for (const text of texts) log.push(entry(text));
  return log;
};

Deno.test("a node that is behind a client reads the history before it answers", async () => {
  let source!: BehindSource;
  const { hub } = hubOf({ size: 9, ttl: 60_000 }, (host) => source = new BehindSource(host));
  source.logs.push(logOf("1"), logOf("1", "2", "3"));
  const member = new FakeMember();
  const result = await hub.recover("n", "h", member, { since: "7.2" });
  assert.deepEqual([result.recovered, member.received, source.reads], [true, ["3"], 1]);
  const forged = await hub.recover("n", "h", new FakeMember(), { since: "7.9" });
  assert.deepEqual([forged.reason, source.reads], ["epoch", 2]);
});

Deno.test("a client waits for one more read if a message has begun another one", async () => {
  let source!: BehindSource;
  const { hub } = hubOf({ size: 9, ttl: 60_000 }, (host) => source = new BehindSource(host));
  source.logs.push(undefined, undefined, logOf("1", "2"));
  const member = new FakeMember();
  const result = await hub.recover("n", "h", member, { since: "7.1" });
  assert.deepEqual([result.recovered, member.received, source.reads], [true, ["2"], 2]);
});

Deno.test("TopicRules asks once for a topic, and again for another namespace", () => {
  const asked: unknown[] = [];
  const rules = new TopicRules((topic, namespace) => void asked.push([topic, namespace]));
  for (const namespace of ["a", "a", "b", undefined, undefined]) rules.of("t", namespace);
  assert.deepEqual(asked, [["t", "a"], ["t", "b"], ["t", undefined]]);
  for (let i = 0; i < 10_000; i++) rules.of(`${i}`, "a");
  rules.of("t", "a");
  assert.equal(asked.length, 3 + 10_000 + 1); // bounded: forgotten, and asked again
});

Deno.test("format() cannot publish to a topic with history", () => {
  const errors: unknown[] = [];
  const hub: HistoryHub<FakeMember> = new HistoryHub(new Hub<FakeMember>(), {
    rules: new TopicRules(() => ({ history: { size: 1, ttl: 1000 } })),
    format: () => hub.publish("h", new Frame("again"), { namespace: "n" }),
    limits: DEFAULT_LIMITS,
    source: (host) => new LocalHistory(host),
    missed: () => {},
    report: (error) => errors.push(error),
  });
  hub.publish("h", new Frame("x"), { namespace: "n" });
  assert.match(String(errors), /Cannot publish to a topic with history in format\(\)/);
});

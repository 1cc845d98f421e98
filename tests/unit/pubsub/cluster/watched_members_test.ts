import assert from "node:assert/strict";
import { INTRODUCTION, NodeDirectory } from "../../../../pubsub/cluster/node_directory.ts";
import { WatchedMembers } from "../../../../pubsub/cluster/watched_members.ts";
import { FakeTimers } from "../../fake_timers.ts";

Deno.test("WatchedMembers asks again for many topics in a time that grows with their number", async () => {
  const timers = new FakeTimers(), asked: number[] = [];
  const directory = new NodeDirectory({ timers, beat() {}, appeared() {}, gone() {} });
  const members = new WatchedMembers({
    timers,
    directory,
    confirmed: () => Promise.resolve(),
    ask: (_id, topics) => void asked.push(topics.length),
    hear() {},
    unhear() {},
    changed() {},
  });
  const count = 30_000;
  for (let i = 0; i < count; i++) members.watch({ namespace: "n", topic: `${i}` });
  members.up();
  members.appeared("node");
  members.down(); // ends the questions to all nodes
  for (let i = 0; i < 10; i++) await undefined;
  const before = asked.length, start = performance.now();
  members.repeat();
  const ms = performance.now() - start;
  assert.equal(asked.slice(before).reduce((sum, topics) => sum + topics, 0), count);
  assert.ok(ms < 1500, `${ms} ms`); // 60 ms; with a copy for each topic 5 s
  members.close();
  assert.equal(timers.size, 0);
});

Deno.test("WatchedMembers.state() does not wait for the questions of many other topics", async () => {
  const timers = new FakeTimers(),
    turns = async () => {
      for (let i = 0; i < 20; i++) await undefined;
    };
  const directory = new NodeDirectory({ timers, beat() {}, appeared() {}, gone() {} });
  const members = new WatchedMembers({
    timers,
    directory,
    confirmed: () => Promise.resolve(),
    ask() {}, // a node that does not answer
    hear() {},
    unhear() {},
    changed() {},
  });
  directory.up();
  directory.beat(
    "silent",
    { type: "beat", peers: 0, losses: 0, hasMembers: true, isNew: false },
    0,
  );
  timers.pass(INTRODUCTION);
  const name = (topic: string) => ({ namespace: "n", topic });
  for (let i = 0; i < 5000; i++) members.watch(name(`${i}`));
  members.up();
  await turns();
  let isThere = false;
  for (const topic of ["4999", "new"]) {
    isThere = false;
    void members.state(name(topic)).then(({ stale }) => isThere = stale);
    for (let ms = 0; ms < 500; ms += 50) {
      await turns();
      timers.pass(50);
    }
    await turns();
    assert.ok(isThere, topic);
  }
  members.close();
  directory.close();
});

Deno.test("WatchedMembers does not ask again while parts of an answer arrive, which would begin it again", async () => {
  const timers = new FakeTimers(), asked: number[] = [], name = { namespace: "n", topic: "t" };
  const directory = new NodeDirectory({ timers, beat() {}, appeared() {}, gone() {} });
  const members = new WatchedMembers({
    timers,
    directory,
    confirmed: () => Promise.resolve(),
    ask: (id, _topics, to) => void (to === "node" && asked.push(id)),
    hear() {},
    unhear() {},
    changed() {},
  });
  members.watch(name);
  members.up();
  for (let i = 0; i < 10; i++) await undefined;
  members.appeared("node");
  const answer = (member: string, hasMore: boolean) => {
    const topics = [{ ...name, version: 2, members: [{ id: member }], total: 2, hasMore }];
    const part = { type: "answer", id: asked[0]!, now: 2, empty: [], isLast: !hasMore } as const;
    members.answered("node", { ...part, topics });
  };
  answer("a", true);
  members.repeat();
  assert.equal(asked.length, 1);
  answer("b", false);
  members.repeat();
  assert.equal(asked.length, 1);
  members.appeared("node");
  answer("a", true);
  members.repeat();
  members.repeat(); // the rest was lost
  assert.equal(asked.length, 3);
  members.close();
});

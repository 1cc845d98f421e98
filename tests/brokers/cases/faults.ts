import assert from "node:assert/strict";
import type { BrokerCase } from "../case.ts";
import { is, sleep, type TestClient, type TestNode, texts, until } from "../test_node.ts";

/** N3: the server of the broker fails, and comes back. */
export const faultCases: readonly BrokerCase[] = [
  {
    id: "N3.restart",
    fact: "after a restart of the server, new messages arrive, and those of the outage never do",
    needsServer: true,
    maxMs: 30_000,
    async run(cluster) {
      const { nodes, clients } = await pair(cluster.nodes(2));
      const [first, second] = nodes;
      await cluster.confirmed();
      first.publish("news", "before");
      await clients[1].until(is("before"));
      // Another node may hear a message before its own node hears the confirmation.
      await until(() => first.stats.sync!.framesOut > 0);
      await cluster.faults.kill();
      for (let i = 0; i < 10; i++) { // the first ones before the node knows
        assert.equal(first.publish("news", `while down ${i}`), 1, "subscribers of this process");
        await sleep(i);
      }
      await until(() => first.stats.sync!.drops === 10);
      await until(() => isUp(nodes, 0));
      await cluster.faults.restart();
      await until(() => isUp(nodes, 1));
      first.publish("news", "after");
      second.publish("news", "back");
      await Promise.all([clients[1].until(is("after")), clients[0].until(is("back"))]);
      await sleep(500); // a broker that keeps what it could not send would send it now
      assert.deepEqual(texts(clients[1]).toSorted(), ["after", "back", "before"]);
      assert.equal(texts(clients[0]).filter((text) => text.startsWith("while")).length, 10);
      assertCalm(nodes, clients);
      assert.ok(first.failures.length > 0, "a failure is reported");
    },
  },
  {
    id: "N3.restarts",
    fact: "a subscription made while the server is down, or restarts, is there afterwards",
    needsServer: true,
    maxMs: 60_000,
    async run(cluster) {
      const { nodes, clients } = await pair(cluster.nodes(2));
      const [first] = nodes;
      for (let i = 0; i < 3; i++) {
        clients[1].peer.subscribe(`before${i}`);
        await cluster.faults.kill();
        clients[1].peer.subscribe(`down${i}`);
        await sleep(50 * i);
        const restart = cluster.faults.restart();
        clients[1].peer.subscribe(`restart${i}`);
        await restart;
        clients[1].peer.subscribe(`after${i}`);
        await cluster.confirmed();
        await until(() => isUp(nodes, 1));
        for (const topic of [`before${i}`, `down${i}`, `restart${i}`, `after${i}`]) {
          await publishUntilHeard(first, clients[1], topic, topic);
        }
      }
      assertCalm(nodes, clients);
    },
  },
  {
    id: "N3.cut",
    fact: "a node whose connection is cut connects again by itself",
    needsServer: true,
    needs: ["cut"],
    maxMs: 30_000,
    async run(cluster) {
      const { nodes, clients } = await pair(cluster.nodes(2));
      const [first, second] = nodes;
      await cluster.confirmed();
      for (let i = 0; i < 3; i++) {
        const { length } = second.failures;
        await cluster.faults.cut!();
        // Reports are a second apart at least, so not every cut is reported.
        await until(() => isUp(nodes, 0) || second.failures.length > length);
        await until(() => isUp(nodes, 1));
        await publishUntilHeard(first, clients[1], "news", `after ${i}`);
        await sleep(1100);
      }
      assertCalm(nodes, clients);
    },
  },
  {
    id: "N3.frozen",
    fact: "a server that no longer answers is noticed, and used again when it answers",
    needsServer: true,
    maxMs: 20_000,
    async run(cluster) {
      const { nodes, clients } = await pair(cluster.nodes(2));
      const [first] = nodes;
      await cluster.confirmed();
      cluster.faults.freeze();
      await until(() => isUp(nodes, 0));
      const { drops } = first.stats.sync!;
      first.publish("news", "while frozen");
      await until(() => first.stats.sync!.drops === drops + 1);
      cluster.faults.thaw();
      await until(() => isUp(nodes, 1));
      first.publish("news", "after");
      await clients[1].until(is("after"));
      assert.deepEqual(texts(clients[1]), ["after"]);
      assertCalm(nodes, clients);
      assert.ok(first.failures.length > 0, "a failure is reported");
    },
  },
  {
    id: "N3.silent",
    fact: "a connection without messages stays up",
    needsServer: true,
    maxMs: 30_000,
    async run(cluster) {
      const { nodes, clients } = await pair(cluster.nodes(2));
      await cluster.confirmed();
      await sleep(6000);
      nodes[0].publish("news", "after");
      await clients[1].until(is("after"));
      for (const { failures } of nodes) assert.deepEqual(failures, []);
    },
  },
  {
    id: "N3.busy",
    fact: "a process that is busy for four seconds keeps its connection",
    needsServer: true,
    runsAlone: true,
    maxMs: 30_000,
    async run(cluster) {
      const { nodes, clients } = await pair(cluster.nodes(2));
      await cluster.confirmed();
      for (let i = 0; i < 2; i++) {
        const end = performance.now() + 4000;
        while (performance.now() < end);
        await sleep(700);
      }
      nodes[0].publish("news", "after");
      await clients[1].until(is("after"));
      for (const { failures } of nodes) assert.deepEqual(failures, []);
    },
  },
  {
    id: "N3.slow",
    fact: "a node that was stopped while others published 64 MiB hears new messages afterwards",
    needsServer: true,
    needs: ["child"],
    maxMs: 120_000,
    async run(cluster) {
      const [first] = await cluster.nodes(1);
      const child = await cluster.child();
      first!.publish("news", "before");
      await child.until("before");
      child.kill("SIGSTOP");
      const large = "x".repeat(1024 * 1024);
      for (let i = 0; i < 64; i++) {
        const { framesOut, drops } = first!.stats.sync!;
        first!.publish("news", large);
        await until(() =>
          first!.stats.sync!.framesOut + first!.stats.sync!.drops > framesOut + drops
        );
      }
      child.kill("SIGCONT");
      // The server may have cut the child's connection. The child notices, and connects again.
      const heard = child.until("after");
      while (!child.lines.includes("after")) {
        first!.publish("news", "after");
        await Promise.race([heard, sleep(200)]); // rejects if the child has ended
      }
    },
  },
  {
    id: "N3.narrow",
    fact: "a message of 16 MiB crosses a connection that carries 5 MB a second, in each direction",
    needs: ["port"],
    maxMs: 60_000,
    async run(cluster) {
      const narrow = await cluster.behind(await cluster.proxy({ rate: 5_000_000 }));
      const [wide] = await cluster.nodes(1);
      const { nodes, clients } = await pair(Promise.resolve([narrow, wide!]));
      await cluster.confirmed();
      const large = "x".repeat(16 * 1024 * 1024);
      for (const [i, publisher] of nodes.entries()) {
        const { framesOut } = publisher.stats.sync!, subscriber = clients[1 - i]!;
        publisher.publish("news", large);
        await until(() =>
          publisher.stats.sync!.framesOut + publisher.stats.sync!.drops > framesOut
        );
        assert.deepEqual(nodes.flatMap(({ failures }) => failures), []);
        await subscriber.until((message) => message.length === large.length);
        publisher.publish("news", `after ${i}`);
        await subscriber.until(is(`after ${i}`));
      }
      for (const { failures, stats } of nodes) {
        assert.deepEqual([failures, stats.sync!.drops], [[], 0]);
      }
    },
  },
  {
    id: "N3.stalled",
    fact: "what a lost connection still carries is dropped and counted, also if it arrives later",
    needs: ["stall"],
    maxMs: 30_000,
    async run(cluster) {
      const proxy = await cluster.proxy();
      const first = await cluster.behind(proxy), [second] = await cluster.nodes(1);
      const { nodes, clients } = await pair(Promise.resolve([first, second!]));
      await cluster.confirmed();
      first.publish("news", "before");
      await clients[1].until(is("before"));
      await until(() => first.stats.sync!.framesOut === 1);
      const heal = proxy.stall(); // as a middlebox that keeps what it carries
      first.publish("news", "as the connection stalls");
      await until(() => first.stats.sync!.up === 0);
      await until(() => first.stats.sync!.up === 1);
      assert.equal(first.stats.sync!.drops, 1);
      first.publish("news", "after");
      await clients[1].until(is("after"));
      heal();
      await until(() => second!.stats.sync!.invalid === 1 || clients[1].messages.length > 2);
      assert.deepEqual(texts(clients[1]), ["before", "after"]);
      assertCalm(nodes, clients);
    },
  },
  {
    id: "N3.refused",
    fact: "a topic that the server refuses is reported and asked for later; the others go on",
    needs: ["limit"],
    maxMs: 60_000,
    async run(cluster) {
      const count = cluster.server.maxChannels! + 100;
      const [first, second] = await cluster.nodes(2, { limits: { maxTopicsPerPeer: count } });
      const topics = Array.from({ length: count }, (_, i) => `news${i}`);
      const client = await second!.client("/room", ...topics), last = topics.at(-1)!;
      await cluster.confirmed();
      assert.match(String(second!.failures[0]!.error), /maximum subscriptions exceeded/);
      for (const topic of [last, topics[0]!]) first!.publish(topic, topic, { namespace: "/room" });
      await client.until(is(topics[0]!));
      assert.equal(second!.stats.sync!.up, 1);
      for (const topic of topics.slice(0, 200)) client.peer.unsubscribe(topic);
      // The node asks again every ten seconds.
      const heard = client.until(is(last));
      while (!texts(client).includes(last)) {
        first!.publish(last, last, { namespace: "/room" });
        await Promise.race([heard, sleep(200)]);
      }
      assert.equal(second!.stats.sync!.up, 1);
    },
  },
  {
    id: "N3.exhausted",
    fact: "at its memory limit, the server delivers a message, or the node counts it as dropped",
    needsServer: true,
    needs: ["exhaust"],
    maxMs: 30_000,
    async run(cluster) {
      const { nodes, clients } = await pair(cluster.nodes(2));
      const [first] = nodes;
      await cluster.confirmed();
      await cluster.faults.exhaust!();
      clients[1].peer.subscribe("late");
      const sent = ["news", "news", "late"];
      for (const topic of sent) {
        await sleep(100);
        first.publish(topic, `to ${topic}`, { namespace: "/room" });
      }
      await until(() => texts(clients[1]).length + first.stats.sync!.drops === sent.length);
      assertCalm(nodes, clients);
    },
  },
];

/**
 * Publishes a message until it arrives. The node may drop and count some attempts: the pool of
 * postgres.js notices only then that a connection is lost.
 */
async function publishUntilHeard(
  node: TestNode,
  client: TestClient,
  topic: string,
  text: string,
): Promise<void> {
  while (true) {
    const { drops } = node.stats.sync!;
    node.publish(topic, text, { namespace: "/room" });
    await until(() => texts(client).includes(text) || node.stats.sync!.drops > drops);
    if (texts(client).includes(text)) return;
    await until(() => node.stats.sync!.up === 1);
  }
}

/** Two nodes, each with a client of the topic `news` in the namespace `/room`. */
async function pair(started: Promise<readonly TestNode[]>): Promise<{
  readonly nodes: readonly [TestNode, TestNode];
  readonly clients: readonly [TestClient, TestClient];
}> {
  const [first, second] = await started;
  const clients = await Promise.all([
    first!.client("/room", "news"),
    second!.client("/room", "news"),
  ]);
  return { nodes: [first!, second!], clients };
}

function isUp(nodes: readonly TestNode[], up: 0 | 1): boolean {
  return nodes.every(({ stats }) => stats.sync!.up === up);
}

/** Checks that no client was disconnected, and that each node reported at most once a second. */
function assertCalm(nodes: readonly TestNode[], clients: readonly TestClient[]): void {
  assert.ok(clients.every(({ isConnected }) => isConnected), "no client was disconnected");
  for (const { failures } of nodes) {
    for (const [i, { stage, time }] of failures.entries()) {
      assert.equal(stage, "sync");
      if (i > 0) assert.ok(time - failures[i - 1]!.time > 950, "one report a second at most");
    }
  }
}

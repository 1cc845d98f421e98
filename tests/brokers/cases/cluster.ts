import assert from "node:assert/strict";
import type { PresenceChange } from "../../../pubsub/presence/presence_change.ts";
import type { UpgradeRequest } from "../../../handshake/handshake.ts";
import type { BrokerCase, Cluster } from "../case.ts";
import { sleep, type TestClient, type TestNode, texts, until } from "../test_node.ts";

const namespace = "/";

/** Nodes whose topics have presence, and whose clients get each change as JSON. */
function nodesOf(cluster: Cluster, count: number): Promise<readonly TestNode[]> {
  return cluster.nodes(count, {
    topics: () => ({ presence: true }),
    hooks: {
      upgrade(request: UpgradeRequest) {
        const user = new URL(request.url).searchParams.get("user");
        return user === null ? {} : { user };
      },
      presence: (peer, change) => void peer.send(change),
    },
  });
}

/** Connects a client, which subscribes and enters. */
async function enter(node: TestNode, data?: unknown, topic = "p"): Promise<TestClient> {
  const client = await node.client(namespace, topic);
  client.peer.enter(topic, data);
  return client;
}

/** Returns the data of all members, and whether the list may be out of date. */
async function list(node: TestNode, topic = "p"): Promise<[data: unknown[], stale: boolean]> {
  const { members, stale } = await node.presence(topic, { namespace });
  return [members.map(({ data }) => data).sort(), stale];
}

/** What the changes have said of a member, such as `joined`. */
function told(client: TestClient, id: string): string[] {
  return client.messages.flatMap((message) => {
    const { topic: _, ...lists } = JSON.parse(String(message)) as PresenceChange;
    return Object.entries(lists).filter(([, members]) =>
      (members as PresenceChange["left"]).some((member) => member.id === id)
    ).map(([name]) => name);
  });
}

/** Waits until each node knows all others. */
async function acquainted(nodes: readonly TestNode[]): Promise<void> {
  const knows = ({ cluster }: TestNode) => cluster.nodes.length === nodes.length && !cluster.stale;
  await until(() => nodes.every(knows));
}

/** N5 and N7 over a broker: presence on all nodes, and the view of the cluster. */
export const clusterCases: readonly BrokerCase[] = [
  {
    id: "N5.nodes",
    fact:
      "presence lists the members of all nodes, and tells the subscribers of all nodes each change",
    async run(cluster) {
      const nodes = await nodesOf(cluster, 3), [first, second, third] = nodes;
      const watcher = await first!.client(namespace, "p");
      await cluster.confirmed();
      const one = await enter(first!, 1), two = await enter(second!, { n: 2 });
      await until(() => told(watcher, two.peer.id).length > 0);
      assert.deepEqual([told(watcher, one.peer.id), told(watcher, two.peer.id)], [
        ["joined"],
        ["joined"],
      ]);
      for (const node of nodes) assert.deepEqual(await list(node), [[1, { n: 2 }], false]);
      two.peer.enter("p", 3);
      await until(() => told(watcher, two.peer.id).length > 1);
      assert.deepEqual(await list(third!), [[1, 3], false]);
      two.leave();
      await until(() => told(watcher, two.peer.id).length > 2);
      assert.deepEqual(told(watcher, two.peer.id), ["joined", "updated", "left"]);
      for (const node of nodes) assert.deepEqual(await list(node), [[1], false]);
      assert.deepEqual(await list(first!, "other"), [[], false]);
    },
  },
  {
    id: "N5.late",
    fact:
      "a node that starts later lists all members of many topics, also more than one frame holds",
    maxMs: 30_000,
    async run(cluster) {
      const [first] = await nodesOf(cluster, 1);
      const data = "é".repeat(1000), topics = Array.from({ length: 300 }, (_, i) => `p${i}`);
      const clients = await Promise.all(Array.from({ length: 100 }, () => enter(first!, data)));
      for (const topic of topics) {
        clients[0]!.peer.subscribe(topic);
        clients[0]!.peer.enter(topic, topic);
      }
      const [late] = await nodesOf(cluster, 1);
      const states = topics.map((topic) => list(late!, topic));
      assert.deepEqual(await list(late!), [clients.map(() => data), false]);
      assert.deepEqual(await Promise.all(states), topics.map((topic) => [[topic], false]));
    },
  },
  {
    id: "N5.large",
    fact:
      "a node lists all members of a topic, also with more bytes than may wait for the broker at once",
    runsAlone: true,
    maxMs: 60_000,
    async run(cluster) {
      const [first, second] = await cluster.nodes(2, { topics: () => ({ presence: true }) });
      const data = "x".repeat(4000), count = 5000;
      for (let i = 0; i < count; i++) {
        await enter(first!, data);
        if (i % 100 === 0) await sleep(1); // lets the broker take what other nodes might hear
      }
      for (let length = -1, isStale = true; length !== count || isStale;) {
        const { members, stale } = await second!.presence("p", { namespace });
        [length, isStale] = [members.length, stale];
        await sleep(100);
      }
    },
  },
  {
    id: "N5.ended",
    fact: "the members of a node that closes have left at once, and it is no node any more",
    async run(cluster) {
      const nodes = await nodesOf(cluster, 2), [first, second] = nodes;
      await acquainted(nodes);
      const watcher = await first!.client(namespace, "p");
      await cluster.confirmed();
      const member = await enter(second!, 1);
      await until(() => told(watcher, member.peer.id).length > 0);
      const start = performance.now();
      await second!.close({ timeout: 0 });
      await until(() => told(watcher, member.peer.id).length > 1);
      await until(() => first!.cluster.nodes.length === 1);
      assert.ok(performance.now() - start < 3000, "long before the lease ends");
      assert.deepEqual(await list(first!), [[], false]);
    },
  },
  {
    id: "N5.outage",
    fact:
      "while the broker is down nobody leaves, the list is stale, and afterwards it is right again",
    needsServer: true,
    maxMs: 40_000,
    async run(cluster) {
      const nodes = await nodesOf(cluster, 2), [first, second] = nodes;
      await acquainted(nodes);
      const watcher = await first!.client(namespace, "p");
      await cluster.confirmed();
      const stays = await enter(second!, "stays"), leaves = await enter(second!, "leaves");
      await until(() => told(watcher, leaves.peer.id).length > 0);
      await until(() => told(watcher, stays.peer.id).length > 0);
      await cluster.faults.kill();
      await until(() => nodes.every(({ stats }) => stats.sync!.up === 0));
      leaves.leave();
      const comes = await enter(second!, "comes");
      assert.deepEqual(await list(first!), [["leaves", "stays"], true]);
      assert.equal(first!.cluster.stale, true);
      await sleep(7000); // longer than a lease
      assert.deepEqual(await list(first!), [["leaves", "stays"], true]);
      assert.equal(first!.cluster.nodes.length, 2);
      await cluster.faults.restart();
      await until(() => told(watcher, comes.peer.id).length > 0);
      await until(() => told(watcher, leaves.peer.id).length > 1);
      await acquainted(nodes);
      assert.deepEqual(await list(first!), [["comes", "stays"], false]);
      assert.deepEqual(told(watcher, stays.peer.id), ["joined"]);
      assert.deepEqual(told(watcher, leaves.peer.id), ["joined", "left"]);
    },
  },
  {
    id: "N5.killed",
    fact: "the members of a killed node leave within half a second after the lease of six seconds",
    needs: ["child"],
    maxMs: 40_000,
    async run(cluster) {
      const [first] = await nodesOf(cluster, 1);
      const child = await cluster.child(), news = { namespace: "/room" };
      const watcher = await first!.client("/room", "news");
      await until(() => first!.cluster.nodes.length === 2);
      const [member] = (await first!.presence("news", news)).members;
      assert.equal(member!.data, "child");
      child.kill("SIGKILL");
      const start = performance.now();
      await until(() => told(watcher, member!.id).includes("left"));
      const passed = performance.now() - start;
      assert.ok(passed > 3500 && passed < 6500, `after ${passed} ms`);
      const { members, stale } = await first!.presence("news", news);
      assert.deepEqual([members, stale, first!.cluster.nodes.length], [[], false, 1]);
    },
  },
  {
    id: "N7.nodes",
    fact: "cluster lists all nodes with their peers, and a node that has lost the broker is stale",
    async run(cluster) {
      const nodes = await nodesOf(cluster, 3), [first] = nodes;
      for (let i = 0; i < 3; i++) await nodes[1]!.client(namespace);
      await nodes[2]!.client(namespace);
      await acquainted(nodes);
      await until(() => first!.cluster.peers === 4);
      const ids = nodes.map(({ cluster }) => cluster.nodes[0]!.id);
      assert.equal(new Set(ids).size, 3);
      for (const { cluster } of nodes) {
        assert.deepEqual(new Set(cluster.nodes.map(({ id }) => id)), new Set(ids));
      }
    },
  },
  {
    id: "N7.to-user-nodes",
    fact: "toUser() reaches the peers of the user on all nodes once, and no other peer",
    async run(cluster) {
      const nodes = await nodesOf(cluster, 3), [first, second, third] = nodes;
      const here = await connect(first!, "ada é"), there = await connect(second!, "ada é");
      const other = await connect(third!, "bob");
      await cluster.confirmed();
      assert.equal(first!.toUser("ada é", "1"), 1);
      assert.equal(third!.toUser("ada é", Uint8Array.of(7)), 0);
      assert.equal(first!.toUser("ada é", "local", { local: true }), 1);
      second!.toUser("ada é", "last");
      third!.toUser("bob", "end");
      for (const client of [here, there]) {
        await until(() => texts(client).includes("last") && client.messages.length >= 3);
      }
      assert.deepEqual(new Set(here.messages.map(String)), new Set(["1", "7", "local", "last"]));
      assert.deepEqual(new Set(there.messages.map(String)), new Set(["1", "7", "last"]));
      assert.deepEqual([here.messages.length, there.messages.length], [4, 3]);
      assert.deepEqual(other.messages, ["end"]);
    },
  },
  {
    id: "N7.disconnect-nodes",
    fact:
      "disconnect() closes the peers of a user on all nodes, closeAll() all peers, and both count them",
    async run(cluster) {
      const nodes = await nodesOf(cluster, 3), [first, second, third] = nodes;
      const clients = [
        await connect(first!, "ada"),
        await connect(second!, "ada"),
        await connect(second!, "bob"),
        await connect(third!, "carol"),
      ];
      await acquainted(nodes);
      const all = { nodes: 3, missing: [], complete: true };
      assert.deepEqual(await first!.cluster.disconnect("ada"), { ...all, closed: 2 });
      assert.deepEqual(clients.map(({ isConnected }) => isConnected), [false, false, true, true]);
      assert.deepEqual(await third!.cluster.closeAll(), { ...all, closed: 2 });
      assert.deepEqual(clients.map(({ isConnected }) => isConnected), [false, false, false, false]);
    },
  },
  {
    id: "N7.missing",
    fact:
      "a call to all nodes names the nodes that did not answer, and takes about a second at most",
    needs: ["child"],
    maxMs: 30_000,
    async run(cluster) {
      const [first] = await nodesOf(cluster, 1);
      const child = await cluster.child();
      await until(() => first!.cluster.nodes.length === 2);
      const { id } = first!.cluster.nodes[1]!;
      child.kill("SIGSTOP");
      const start = performance.now();
      const told = await first!.cluster.disconnect("nobody");
      assert.deepEqual(told, { nodes: 1, closed: 0, missing: [id], complete: false });
      assert.ok(performance.now() - start < 2500);
      child.kill("SIGCONT");
      await until(() => !first!.cluster.stale);
      const again = await first!.cluster.disconnect("nobody");
      assert.deepEqual(again, { nodes: 2, closed: 0, missing: [], complete: true });
    },
  },
];

/** Connects a client of a user. */
async function connect(node: TestNode, user: string): Promise<TestClient> {
  return await node.client(`/?user=${encodeURIComponent(user)}`);
}

import assert from "node:assert/strict";
import type { BrokerCase } from "../case.ts";
import { is, until } from "../test_node.ts";

/** N6: the end of a node. */
export const closeCases: readonly BrokerCase[] = [
  {
    id: "N6.last",
    fact: "a message that is published before close() reaches other nodes",
    async run(cluster) {
      const [first, second] = await cluster.nodes(2);
      const client = await second!.client("/room", "news");
      await cluster.confirmed();
      first!.publish("news", "last");
      await first!.close({ timeout: 0 });
      await client.until(is("last"));
    },
  },
  {
    id: "N6.connections",
    fact: "close() ends the connections of the node, also while they are made",
    needsServer: true,
    needs: ["connections"],
    maxMs: 30_000,
    async run(cluster) {
      const { server } = cluster;
      assert.equal(await server.connections!(), 0);
      const [first] = await cluster.nodes(1);
      assert.ok(await server.connections!() > 0);
      await first!.close({ timeout: 0 });
      await first!.close({ timeout: 0 });
      await untilNone(server.connections!.bind(server));
      for (let i = 0; i < 20; i++) {
        const node = cluster.node();
        await new Promise((resolve) => setTimeout(resolve, i));
        await node.close({ timeout: 0 });
      }
      await untilNone(server.connections!.bind(server));
    },
  },
  {
    id: "N6.away",
    fact: "close() resolves while the broker's server is away, or does not answer",
    needsServer: true,
    maxMs: 30_000,
    async run(cluster) {
      const [first, second, third] = await cluster.nodes(3);
      cluster.faults.freeze();
      first!.publish("news", "into the void");
      await first!.close({ timeout: 0 });
      await until(() => second!.stats.sync!.up === 0);
      await second!.close({ timeout: 0 });
      cluster.faults.thaw();
      await cluster.faults.kill();
      await until(() => third!.stats.sync!.up === 0);
      await third!.close({ timeout: 0 });
    },
  },
  {
    id: "N6.exit",
    fact: "a process ends by itself after close()",
    needsServer: true,
    needs: ["child"],
    maxMs: 60_000,
    async run(cluster) {
      const [first] = await cluster.nodes(1);
      const asked = await cluster.child(), orphan = await cluster.child({ closesWhen: "reported" });
      first!.publish("news", "close");
      assert.equal(await asked.exit, 0);
      await cluster.faults.kill();
      assert.equal(await orphan.exit, 0);
    },
  },
  {
    id: "N6.frozen",
    fact: "a process ends by itself after close(), while the server does not answer",
    needsServer: true,
    needs: ["child"],
    maxMs: 60_000,
    async run(cluster) {
      const child = await cluster.child({ closesWhen: "retried" });
      cluster.faults.freeze();
      assert.equal(await child.exit, 0);
      cluster.faults.thaw();
    },
  },
];

async function untilNone(count: () => Promise<number>): Promise<void> {
  while (await count() > 0) await new Promise((resolve) => setTimeout(resolve, 20));
}

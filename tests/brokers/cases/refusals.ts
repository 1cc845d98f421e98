import assert from "node:assert/strict";
import { channelOf } from "../../../pubsub/channel.ts";
import { encodeFrame, nodeBytes } from "../../../pubsub/sync_frame.ts";
import { encode } from "../../../socket/frame.ts";
import type { BrokerCase } from "../case.ts";
import { is, sleep, texts, until } from "../test_node.ts";

/** Version, node, epoch, and one message: what a node of the same cluster could send. */
const VALID = [
  ...encodeFrame(nodeBytes("0102030405060708"), [{ frame: encode("forged"), compress: true }]),
];

/** Frames that no node sends. */
const GARBAGE: readonly (readonly number[])[] = [
  [],
  [0],
  [1],
  [1, 1, 2, 3, 4, 5, 6, 7],
  [1, ...VALID.slice(1)], // the format before epochs
  [3, ...VALID.slice(1)],
  VALID.slice(0, -1),
  [...VALID, 1],
  VALID.slice(0, 13), // no message
  [...VALID.slice(0, 13), 128, ...VALID.slice(14)], // an unknown flag
  [...VALID.slice(0, 14), 255, 255, 255, 255, 255, 255], // a length without an end
  [...VALID.slice(0, 14), 255, 255, 255, 127, 1, 1], // a length beyond the end
  [...VALID.slice(0, 14), 2, 0xc0, 0x80], // invalid UTF-8
  [...new TextEncoder().encode('{"namespace":"/room","topic":"news","data":"forged"}')],
  Array.from({ length: 100_000 }, (_, i) => i & 255),
];

/** Returns a frame from node to node; by default of a node that nobody knows. */
function control(json: string, node = "0102030405060708"): Uint8Array {
  const message = { frame: encode(json), compress: false, isControl: true };
  return encodeFrame(nodeBytes(node), [message]);
}

/** Frames from node to node that no node sends. */
const BAD_CONTROL: readonly Uint8Array[] = [
  control("{"),
  control('{"type":"close","id":1,"code":1005,"reason":""}'),
  control(`{"type":"close","id":1,"code":1000,"reason":"${"x".repeat(124)}"}`),
  control(
    `{"type":"members","from":0,"to":1,"gone":[],"set":[{"id":"a","data":${"[".repeat(1e5)}${
      "]".repeat(1e5)
    }}]}`,
  ),
];

/** N3: the server is away at the start, or refuses the node. N1: another program publishes. */
export const refusalCases: readonly BrokerCase[] = [
  {
    id: "N3.start",
    fact: "if the server is away at the start, the node serves its clients, and connects later",
    needsServer: true,
    maxMs: 30_000,
    async run(cluster) {
      await cluster.faults.kill();
      const first = cluster.node({}, { required: false });
      const second = cluster.node({}, { required: false });
      await Promise.all([first.ready(), second.ready()]);
      const a = await first.client("/room", "news"), b = await second.client("/room", "news");
      assert.equal(first.publish("news", "local"), 1);
      assert.equal(first.stats.sync!.up, 0);
      await until(() => first.failures.length > 0 && first.stats.sync!.drops === 1);
      assert.equal(first.failures[0]!.stage, "sync");
      await cluster.faults.restart();
      await cluster.confirmed();
      await until(() => first.stats.sync!.up === 1 && second.stats.sync!.up === 1);
      first.publish("news", "to all");
      await Promise.all([a.until(is("to all")), b.until(is("to all"))]);
      assert.deepEqual(texts(b), ["to all"]);
    },
  },
  {
    id: "N3.required",
    fact: "a node that requires the broker is ready as soon as the server is there",
    needsServer: true,
    maxMs: 30_000,
    async run(cluster) {
      await cluster.faults.kill();
      const node = cluster.node();
      let isReady = false;
      const ready = node.ready().then(() => isReady = true);
      await until(() => node.failures.length > 0);
      assert.equal(isReady, false);
      await cluster.faults.restart();
      await ready;
      assert.equal(node.stats.sync!.up, 1);
    },
  },
  {
    id: "N3.unauthorized",
    fact: "a node that the server refuses serves its clients, reports, and tries again",
    needsServer: true,
    maxMs: 30_000,
    async run(cluster) {
      const node = cluster.node({}, { isUnauthorized: true });
      const client = await node.client("/room", "news");
      assert.equal(node.publish("news", "local"), 1);
      await until(() => node.failures.length >= 3);
      assert.deepEqual(texts(client), ["local"]);
      assert.equal(node.stats.sync!.up, 0);
      assert.ok(client.isConnected);
      await node.close({ timeout: 0 });
      const { length } = node.failures;
      await sleep(1500);
      assert.equal(node.failures.length, length, "no attempt follows close()");
    },
  },
  {
    id: "N1.forged",
    fact: "malformed frames of another program are ignored and counted",
    needs: ["forge"],
    async run(cluster) {
      const [first, second] = await cluster.nodes(2);
      const client = await second!.client("/room", "news");
      await cluster.confirmed();
      for (const channel of [channelOf("/room", "news"), "all"]) {
        for (const bytes of GARBAGE) {
          await cluster.server.forge!(cluster.name, channel, Uint8Array.from(bytes));
        }
      }
      first!.publish("news", "end", { namespace: "/room" });
      await client.until(is("end"));
      // Frames on different channels have no order.
      await until(() => second!.stats.sync!.invalid === 2 * GARBAGE.length);
      assert.deepEqual(texts(client), ["end"]);
      await until(() => first!.stats.sync!.invalid >= GARBAGE.length);
      assert.equal(first!.stats.sync!.invalid, GARBAGE.length, "the first node hears `all` only");
      await cluster.server.forge!(
        cluster.name,
        channelOf("/room", "news"),
        Uint8Array.from(VALID),
      );
      await client.until(is("forged")); // a well-formed frame of another program is trusted
    },
  },
  {
    id: "N1.forged-control",
    fact: "no frame of another program from node to node stops a node",
    needs: ["forge"],
    async run(cluster) {
      const [first, second] = await cluster.nodes(2, { topics: () => ({ presence: true }) });
      const client = await second!.client("/room", "news");
      await cluster.confirmed();
      for (const channel of [channelOf("/room", "news"), "all"]) {
        for (const bytes of BAD_CONTROL) {
          await cluster.server.forge!(cluster.name, channel, bytes);
        }
      }
      first!.publish("news", "end", { namespace: "/room" });
      await client.until(is("end"));
      await until(() => second!.stats.sync!.invalid >= 2 * BAD_CONTROL.length);
      assert.equal(second!.stats.sync!.invalid, 2 * BAD_CONTROL.length);
      assert.deepEqual([texts(client), client.isConnected], [["end"], true]);
      const { members } = await second!.presence("news", { namespace: "/room" });
      assert.deepEqual([...members], []);
    },
  },
  {
    id: "N1.forged-members",
    fact: "a forged change of the members of a node lasts only until the node tells its own again",
    needs: ["forge"],
    maxMs: 20_000,
    async run(cluster) {
      const [first, second] = await cluster.nodes(2, { topics: () => ({ presence: true }) });
      const member = await first!.client("/room", "news");
      await second!.client("/room", "news");
      await cluster.confirmed();
      member.peer.enter("news");
      const idsAtSecond = async () => {
        const { members } = await second!.presence("news", { namespace: "/room" });
        return members.map(({ id }) => id);
      };
      const { id } = member.peer, to = Number.MAX_SAFE_INTEGER;
      while ((await idsAtSecond())[0] !== id) await sleep(10);
      const forged = JSON.stringify({
        type: "members",
        from: 1,
        to,
        set: [{ id: "x" }],
        gone: [id],
      });
      const frame = control(forged, first!.cluster.nodes[0]!.id);
      await cluster.server.forge!(cluster.name, channelOf("/room", "news"), frame);
      while ((await idsAtSecond())[0] !== "x") await sleep(10);
      while ((await idsAtSecond())[0] !== id) await sleep(100);
      assert.deepEqual(await idsAtSecond(), [id]);
    },
  },
];

import assert from "node:assert/strict";
import { broadcastChannel, type BroadcastChannelOptions } from "../../../sync/broadcast_channel.ts";
import { TestNode } from "../../brokers/test_node.ts";

Deno.test("broadcastChannel() throws a TypeError without a name, and for an unknown option", () => {
  for (const options of [undefined, {}, { chanel: "a" }]) {
    assert.throws(() => broadcastChannel(options as unknown as BroadcastChannelOptions), TypeError);
  }
});

Deno.test("broadcastChannel() ignores messages of other code on its channel", async () => {
  const sync = broadcastChannel({ channel: "foreign" });
  const first = new TestNode({ sync }), second = new TestNode({ sync });
  const client = await second.client("/room", "news");
  await second.endpoint.topicsConfirmed();
  const other = new BroadcastChannel("onepeer:foreign");
  const channel = "=2Froom.news";
  const messages = [
    undefined,
    null,
    5,
    "text",
    {},
    [],
    [undefined, null, 5],
    [{ channel }],
    [{ channel, frame: "text" }],
    [{ channel: 5, frame: new Uint8Array(9) }],
    [{ channel, frame: Uint8Array.of(1, 2, 3) }], // cut
  ];
  for (const message of messages) other.postMessage(message);
  other.close();
  first.publish("news", "end");
  await client.until((message) => message === "end");
  assert.deepEqual(client.messages, ["end"]);
  assert.equal(second.stats.sync!.invalid, 1);
  for (const node of [first, second]) await node.close({ timeout: 0 });
});

Deno.test("broadcastChannel() connects only nodes with the same name", async () => {
  const nodes = ["a", "b", "a"].map((channel) => {
    return new TestNode({ sync: broadcastChannel({ channel }) });
  });
  const [first, second, third] = nodes;
  const client = await third!.client("/room", "news");
  await third!.endpoint.topicsConfirmed();
  second!.publish("news", "from another cluster");
  first!.publish("news", "end");
  await client.until((message) => message === "end");
  assert.deepEqual(client.messages, ["end"]);
  for (const node of nodes) await node.close({ timeout: 0 });
});

Deno.test("a closed broadcastChannel() rejects a publish", async () => {
  const sync = broadcastChannel({ channel: "closed" })({ id: "a" });
  assert.ok("open" in sync);
  const failures: unknown[] = [];
  sync.open({ received() {}, up() {}, down: (error) => void failures.push(error) });
  await sync.close();
  await assert.rejects(sync.publish([]), /the channel is closed/);
  assert.deepEqual(failures, []);
});

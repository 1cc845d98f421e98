import assert from "node:assert/strict";
import { Timers } from "../../../common/timers.ts";
import { encode } from "../../../socket/frame.ts";
import { broadcastChannel, type BroadcastChannelOptions } from "../../../sync/broadcast_channel.ts";
import { TestNode } from "../../brokers/test_node.ts";

Deno.test("broadcastChannel() throws a TypeError without a name, and for an unknown option", () => {
  for (const options of [undefined, {}, { chanel: "a" }]) {
    assert.throws(() => broadcastChannel(options as unknown as BroadcastChannelOptions), TypeError);
  }
});

Deno.test("broadcastChannel() ignores and counts messages of other code on its channel", async () => {
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
    [{ channel: "unwanted", frame: new Uint8Array(9) }], // not counted
    [{ channel, frame: Uint8Array.of(1, 2, 3) }], // cut
  ];
  for (const message of messages) other.postMessage(message);
  other.close();
  first.publish("news", "end");
  await client.until((message) => message === "end");
  assert.deepEqual(client.messages, ["end"]);
  assert.equal(second.stats.sync!.invalid, 12);
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

Deno.test("broadcastChannel() drops what is published after close", async () => {
  const made = broadcastChannel({ channel: "closed" })({ id: "0123456789abcdef" });
  assert.ok("link" in made);
  const dropped: string[] = [];
  const link = made.link({
    timers: new Timers(),
    counts: { framesIn: 0, framesOut: 0, bytesIn: 0, bytesOut: 0, invalid: 0 },
    deliver() {},
    up() {},
    down() {},
    dropped: (messages, error) => void dropped.push(`${messages} ${error}`),
  });
  link.open();
  await link.close();
  link.publish({ namespace: "/", topic: "news", frame: encode("late"), compress: true });
  await link.close();
  assert.deepEqual(dropped, ["1 Error: the channel is closed"]);
});

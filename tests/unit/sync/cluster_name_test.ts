import assert from "node:assert/strict";
import { type ClusterName, clusterName } from "../../../sync/cluster_name.ts";

Deno.test("a cluster has the name of the option channel, or of prefix", () => {
  assert.equal(clusterName({ channel: "chat" }), "chat");
  assert.equal(clusterName({ prefix: "chat" }), "chat");
});

Deno.test("a cluster with a missing, empty, wrong or doubled name is a TypeError", () => {
  const table: [options: unknown, message: RegExp][] = [
    [undefined, /the options/],
    [{ id: "0123456789abcdef" }, /as the option sync: call it with its options/],
    [
      { duplicate() {} },
      /Cannot use a client in the place of the options: pass \{ client, prefix \}/,
    ],
    [
      {},
      /prefix \(or channel\) as it must be a string that is not empty: current value is undefined/,
    ],
    [{ channel: "" }, /a string that is not empty/],
    [{ prefix: 5 }, /a string that is not empty: current value is 5/],
    [{ channel: "a", prefix: "a" }, /channel and prefix together/],
    [{ channel: "a", chanel: "b" }, /chanel as there is no such option: known are channel, prefix/],
  ];
  for (const [options, message] of table) {
    assert.throws(() => clusterName(options as ClusterName), { name: "TypeError", message });
  }
});

Deno.test("a cluster name can come with further options", () => {
  const options = { channel: "chat", required: true };
  assert.equal(clusterName(options, ["required"]), "chat");
  assert.throws(() => clusterName(options), TypeError);
});

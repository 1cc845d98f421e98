import assert from "node:assert/strict";
import { INTRODUCTION, LEASE, NodeDirectory } from "../../../../pubsub/cluster/node_directory.ts";
import { FakeTimers } from "../../fake_timers.ts";

const beat = { type: "beat", peers: 0, losses: 0, hasMembers: false, isNew: false } as const;

function start(): {
  readonly timers: FakeTimers;
  readonly directory: NodeDirectory;
  readonly gone: string[];
} {
  const timers = new FakeTimers(), gone: string[] = [];
  const directory = new NodeDirectory({
    timers,
    beat() {},
    appeared() {},
    gone: (id) => void gone.push(id),
  });
  directory.up();
  return { timers, directory, gone };
}

Deno.test("NodeDirectory forgets forged nodes, also more than a call takes arguments", () => {
  const { timers, directory, gone } = start(), count = 200_000;
  directory.beat("first", beat, 0);
  timers.pass(10);
  for (let i = 0; i < count; i++) directory.beat(`${i}`, beat, 0);
  timers.pass(LEASE - 5);
  assert.deepEqual([gone, directory.nodes.length], [["first"], count]);
  timers.pass(LEASE);
  assert.equal(directory.nodes.length, 0);
  directory.close();
  assert.equal(timers.size, 0);
});

Deno.test("NodeDirectory.introduced() ends with the directory, and leaves no timer", async () => {
  const { timers, directory } = start();
  const waits = Promise.all([directory.introduced(), directory.introduced()]);
  timers.pass(INTRODUCTION / 2);
  directory.close();
  assert.equal(timers.size, 0);
  await waits;
  await directory.introduced();
});

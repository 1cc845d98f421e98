import assert from "node:assert/strict";
import { HookRunner } from "../../../endpoint/hook_runner.ts";
import type { PeerHooks } from "../../../endpoint/hooks.ts";
import type { Peer } from "../../../peer.ts";

const peer = { id: "a peer" } as unknown as Peer;

function runner(hooks: PeerHooks) {
  const failed: string[] = [];
  const ran: unknown[] = [];
  const it = new HookRunner(hooks, {
    peer,
    ran: (hook) => void ran.push(hook),
    hookFailed: (hook) => void failed.push(hook),
  });
  return { it, failed, ran };
}

Deno.test("HookRunner.run() calls a hook at once, with the peer and the argument", () => {
  const calls: unknown[][] = [];
  const { it, ran } = runner({ message: (...args) => void calls.push(args) });
  assert.equal(it.run("message", "a message"), undefined);
  assert.deepEqual(calls, [[peer, "a message"]]);
  assert.equal(it.run("drain"), undefined, "result of a missing hook");
  assert.deepEqual(ran, [undefined, undefined]);
});

Deno.test("HookRunner.run() returns a promise for a pending hook, and the promise never rejects", async () => {
  const errors: unknown[] = [];
  const { it, failed } = runner({
    open: () => Promise.reject(new Error("no")),
    error: (_, error) => void errors.push([error.hook, error.message]),
  });
  const pending = it.run("open");
  assert.ok(pending);
  assert.deepEqual(failed, []);
  await pending;
  assert.deepEqual([failed, errors], [["open"], [["open", "no"]]]);
});

Deno.test("HookRunner.run() reports a thrown value to the error hook, then to its owner", () => {
  const order: string[] = [];
  const it = new HookRunner({
    message() {
      throw "a text";
    },
    error: (_, error) => void order.push(`error ${error.hook}`),
  }, { peer, ran: () => undefined, hookFailed: (hook) => void order.push(`failed ${hook}`) });
  assert.equal(it.run("message"), undefined);
  assert.deepEqual(order, ["error message", "failed message"]);
});

Deno.test("HookRunner.report() tells its owner about a pending error hook, which may change the context", async () => {
  const { it, ran } = runner({ error: () => Promise.resolve() });
  it.report(new Error("no"));
  assert.equal(ran.length, 1);
  assert.equal(await ran[0], undefined);
  const { it: other, ran: none } = runner({ error() {} });
  other.report(new Error("no"));
  assert.deepEqual(none, []);
});

Deno.test("HookRunner.report() survives an error hook that throws or rejects", async () => {
  const { error } = console;
  const logged: unknown[] = [];
  console.error = (text: unknown) => void logged.push(text);
  try {
    for (
      const hook of [
        () => {
          throw new Error("no");
        },
        () => Promise.reject(new Error("no")),
      ]
    ) runner({ error: hook }).it.report(new Error("first"));
    await new Promise((resolve) => setTimeout(resolve));
  } finally {
    console.error = error;
  }
  assert.deepEqual(logged, Array(2).fill("onepeer: the error hook itself failed"));
});

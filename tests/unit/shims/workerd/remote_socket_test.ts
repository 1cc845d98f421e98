import assert from "node:assert/strict";
import { encode } from "../../../../socket/frame.ts";
import { RequestContext } from "../../../../shims/workerd/request_context.ts";
import { RemoteSocket, type WorkerSocket } from "../../../../shims/workerd/remote_socket.ts";

const nap = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Returns a RemoteSocket over a fake socket with this `bufferedAmount`, and its events. */
function lineOf(bufferedAmount: () => number) {
  const said: string[] = [];
  const context = new RequestContext({ waitUntil() {}, abort: () => said.push("aborted") });
  const socket = { send() {}, close() {} };
  Object.defineProperty(socket, "bufferedAmount", { get: bufferedAmount });
  const line = new RemoteSocket(socket as unknown as WorkerSocket, context, {
    hooksMayTake: 50,
    ended: () => said.push("ended"),
    over: () => said.push("over"),
  });
  return { line, context, said };
}

const frame = encode("four");

Deno.test("RemoteSocket releases its request after a dropped connection, though a hook stays pending", async () => {
  const { line, said } = lineOf(() => 0);
  line.ran(new Promise(() => {}));
  line.end(true);
  assert.deepEqual(said, ["ended"]);
  await nap(20);
  assert.deepEqual(said, ["ended"], "events while the hook is pending");
  await nap(100);
  assert.deepEqual(said, ["ended", "over", "aborted"]);
});

Deno.test("RemoteSocket.bufferedAmount reads the socket only within its request, and never throws", async () => {
  let isElsewhere = false;
  const { line, context } = lineOf(() => {
    if (isElsewhere) throw new Error("Cannot perform I/O on behalf of a different request");
    return 7;
  });
  assert.equal(line.bufferedAmount, 0);
  assert.equal(context.run(() => line.bufferedAmount), 7);
  isElsewhere = true; // as after `ctx.abort()` in a hook, which leaves the context current
  assert.equal(context.run(() => line.bufferedAmount), 7);
  line.send(frame);
  assert.equal(line.bufferedAmount, 11, "bytes posted, but not yet sent");
  context.end();
  await nap(0);
});

Deno.test("RemoteSocket reports a drain within its request", async () => {
  let queued = 100;
  const { line, context } = lineOf(() => queued);
  let wasCurrent: boolean | undefined;
  line.drained = () => wasCurrent = context.isCurrent;
  context.run(() => line.send(frame));
  assert.equal(wasCurrent, undefined);
  await nap(20);
  queued = 0;
  await nap(50);
  assert.equal(wasCurrent, true);
  context.end();
});

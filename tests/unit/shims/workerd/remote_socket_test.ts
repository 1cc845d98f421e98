import assert from "node:assert/strict";
import { encode } from "../../../../socket/frame.ts";
import { RequestContext } from "../../../../shims/workerd/request_context.ts";
import { RemoteSocket, type WorkerSocket } from "../../../../shims/workerd/remote_socket.ts";

const nap = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A line, what became of it, and how its socket answers who asks what waits. */
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

Deno.test("a dropped line lets go of its request, whether its hooks settle or not", async () => {
  const { line, said } = lineOf(() => 0);
  line.ran(new Promise(() => {}));
  line.end(true);
  assert.deepEqual(said, ["ended"]);
  await nap(20);
  assert.deepEqual(said, ["ended"], "its hook is at work");
  await nap(100);
  assert.deepEqual(said, ["ended", "over", "aborted"]);
});

Deno.test("what waits is asked within the request alone, and never throws at who asks", async () => {
  let isElsewhere = false;
  const { line, context } = lineOf(() => {
    if (isElsewhere) throw new Error("Cannot perform I/O on behalf of a different request");
    return 7;
  });
  assert.equal(line.bufferedAmount, 0);
  assert.equal(context.run(() => line.bufferedAmount), 7);
  isElsewhere = true; // as where a hook has called `ctx.abort()`, which leaves it current
  assert.equal(context.run(() => line.bufferedAmount), 7);
  line.send(frame);
  assert.equal(line.bufferedAmount, 11, "posted, and not yet sent");
  context.end();
  await nap(0);
});

Deno.test("the line says within its request that something was written", async () => {
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

import assert from "node:assert/strict";
import { memory } from "../../../sync/memory.ts";
import { FakeAdapter } from "../fake_adapter.ts";

Deno.test("close() waits for the socket of an accepted handshake, and closes its peer", async () => {
  const adapter = new FakeAdapter({});
  const [socket] = await adapter.accept();
  let isClosed = false;
  const closing = adapter.close(1012).then(() => isClosed = true);
  await new Promise((go) => setTimeout(go, 5));
  assert.ok(!isClosed);
  socket.opened();
  await new Promise((go) => setTimeout(go));
  assert.deepEqual(socket.calls, [["close", 1012, ""]]);
  assert.ok(!isClosed);
  socket.closed({ code: 1012, reason: "", wasClean: true });
  await closing;
});

Deno.test("close() stops waiting for a socket that never opens", async () => {
  const adapter = new FakeAdapter({});
  await adapter.accept();
  await adapter.close({ timeout: 20 });
  assert.equal(adapter.stats.timers, 0);
});

Deno.test("the option topics is not asked for the users of peers, and nobody asks for their presence", async () => {
  const asked: [topic: string, namespace: string | undefined][] = [];
  const adapter = new FakeAdapter({
    sync: memory(),
    topics(topic, namespace) {
      asked.push([topic, namespace]);
      return { presence: true };
    },
    hooks: { upgrade: () => ({ user: "ada", namespace: "n" }) },
  });
  const [, peer] = await adapter.connect();
  adapter.toUser("ada", "to you");
  peer.subscribe("t");
  assert.deepEqual(asked, [["t", "n"]]);
  await adapter.close({ timeout: 0 });
});

Deno.test("after close(), the view of the cluster still answers, and no timer is left", async () => {
  const topics = () => ({ presence: true });
  const adapter = new FakeAdapter({ sync: memory(), topics }), { cluster } = adapter;
  const [, peer] = await adapter.connect();
  peer.subscribe("t");
  peer.enter("t");
  const name = { namespace: peer.namespace };
  const asked = adapter.presence("t", name), told = cluster.disconnect("ada");
  await adapter.close({ timeout: 0 });
  assert.equal(adapter.stats.timers, 0);
  await Promise.all([asked, told]);
  assert.deepEqual(await adapter.presence("t", name), { members: [], stale: true });
  assert.deepEqual(await cluster.closeAll(), { nodes: 1, closed: 0, missing: [], complete: false });
  assert.equal(adapter.stats.timers, 0);
});

Deno.test("disconnect() closes a peer of the user whose socket has yet to open, and no later one", async () => {
  const adapter = new FakeAdapter({ hooks: { upgrade: () => ({ user: "ada" }) } });
  const [before] = await adapter.accept();
  assert.equal((await adapter.cluster.disconnect("bob")).closed, 0);
  assert.equal((await adapter.cluster.disconnect("ada", 4001, "bye")).closed, 0);
  const [after] = await adapter.accept();
  before.opened();
  after.opened();
  await new Promise((go) => setTimeout(go));
  assert.deepEqual([before.calls, after.calls], [[["close", 4001, "bye"]], []]);
  await adapter.close({ timeout: 0 });
});

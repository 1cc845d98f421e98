import assert from "node:assert/strict";
import { Timers } from "../../../common/timers.ts";
import type { HistoryPage } from "../../../pubsub/broker.ts";
import { BrokerHistory } from "../../../pubsub/history/broker_history.ts";
import { Hub } from "../../../pubsub/hub.ts";
import { Interest } from "../../../pubsub/interest.ts";
import type { Member } from "../../../pubsub/pubsub.ts";

const TOPIC = { namespace: "n", topic: "t", keep: { size: 3, ttl: 1000 } };

Deno.test("BrokerHistory.close() ends reads that clients wait for, and leaves no timer, also later", async () => {
  const timers = new Timers(), hub = new Hub<Member>(), reads: ((page: HistoryPage) => void)[] = [];
  const interest = new Interest({ subscribe: () => Promise.resolve(), unsubscribe() {} }, timers);
  const history = new BrokerHistory<Member>({
    store: {
      append: () => Promise.reject(new Error("not used")),
      read: () => new Promise((resolve) => void reads.push(resolve)),
    },
    node: new Uint8Array(8),
    interest,
    timers,
    defer: queueMicrotask,
    added() {},
    dropped() {},
  }, {
    entryOf: (_topic, _position, frame, compress) => ({ frame, compress }),
    deliver: () => 0,
    subscribers: ({ topic, namespace }) => hub.subscribers(topic, namespace),
    missed() {},
  });
  history.up(false);
  const refreshed = history.refresh(TOPIC);
  await new Promise((go) => setTimeout(go));
  assert.equal(reads.length, 1);
  interest.close();
  history.close();
  reads[0]!({ top: { epoch: 1, offset: 0 }, frames: [] });
  assert.equal(await refreshed, false);
  assert.equal(timers.size, 0);
  assert.equal(await history.refresh(TOPIC), false);
  history.up(true); // the last messages may still be on their way
  assert.equal(timers.size, 0);
});

import assert from "node:assert/strict";
import { DurableHub } from "../../../../adapters/cloudflare/durable_hub.ts";
import type { DurablePeer } from "../../../../adapters/cloudflare/durable_peer.ts";
import { DurablePeers } from "../../../../adapters/cloudflare/durable_peers.ts";
import { SaveSchedule } from "../../../../adapters/cloudflare/save_schedule.ts";
import type { Peer } from "../../../../peer.ts";
import { Hub } from "../../../../pubsub/hub.ts";
import { Notifier } from "../../../../pubsub/hub_observer.ts";
import { Frame } from "../../../../socket/frame.ts";
import { FakeSocket } from "../../fake_socket.ts";

/** A peer with the members that a hub uses. */
const fakePeer = (): Peer =>
  ({ namespace: "/", broadcastDomain: undefined, deliver: () => true }) as never;

Deno.test("DurableHub revives hibernating peers before it publishes or counts", () => {
  const uses: ((hub: DurableHub) => number)[] = [
    (hub) => hub.publish("t", new Frame("x")),
    (hub) => hub.memberCount,
    (hub) => hub.topicCount,
    (hub) => hub.namespaces.size,
  ];
  for (const use of uses) {
    const hub = new DurableHub(new Hub(), () => {});
    hub.reviveAll = () => {
      hub.reviveAll = undefined;
      const peer = fakePeer();
      hub.join("/", peer);
      hub.subscribe("/", "t", peer);
    };
    assert.deepEqual([use(hub), use(hub)], [1, 1], `${use}`);
  }
});

Deno.test("DurableHub revives no other peer if one peer changes its topics", () => {
  const hub = new DurableHub(new Hub(), () => {});
  hub.reviveAll = () => assert.fail("all peers were revived");
  const peer = fakePeer();
  hub.join("/", peer);
  hub.subscribe("/", "t", peer);
  hub.changeDomain("/", ["t"], peer, undefined);
  hub.unsubscribe("/", "t", peer);
  hub.leave("/", peer);
});

Deno.test("DurableHub.subscribe() throws for a topic that cannot be saved, and does not subscribe the peer", () => {
  const hub = new DurableHub(new Hub(), (_, topic) => {
    if (topic === "too large") throw new RangeError(topic);
  });
  const peer = fakePeer();
  assert.throws(() => hub.subscribe("/", "too large", peer), RangeError);
  assert.deepEqual([hub.topicCount, hub.publish("too large", new Frame("x"))], [0, 0]);
});

Deno.test("DurableHub saves a peer after its topics have changed, but not during its revival", async () => {
  const peers = new DurablePeers(new SaveSchedule(() => {}));
  const hub = new Hub(new Notifier([peers]));
  const said: string[] = [];
  const peer = fakePeer();
  const found = {
    peer,
    socket: new FakeSocket(),
    running: 0,
    watch() {},
    topicsChanged: () => void said.push("changed"),
    reserve: (growth: number) => void said.push(`reserved ${growth}`),
    releaseTopic: (topic: string) => void said.push(`released ${topic}`),
    save: () => void said.push("saved"),
  } as unknown as DurablePeer;
  hub.subscribe("/", "revived", peer);
  peers.add(found);
  assert.deepEqual([peers.of(peer), peers.ofSocket(found.socket.raw)], [found, found]);
  await null;
  assert.deepEqual(said, []);
  hub.subscribe("/", "t", peer);
  hub.unsubscribe("/", "t", peer);
  await null;
  assert.deepEqual(said, ["changed", "released t", "changed", "saved"]);
  said.length = 0;
  peers.changing(fakePeer(), 5); // a peer that is being revived
  peers.changing(peer, 7);
  await null;
  assert.deepEqual(said, ["reserved 7", "changed", "saved"]);
});

Deno.test("DurablePeers keeps the object in memory until changes of presence are told", async () => {
  const kept: Promise<void>[] = [];
  const saves = new SaveSchedule<DurablePeer>((promise) => void kept.push(promise));
  const told = Promise.withResolvers<void>();
  new DurablePeers(saves).gathering(told.promise);
  assert.equal(kept.length, 1);
  const settled = Promise.all([kept[0], saves.settled()]).then(() => "settled");
  const later = new Promise((resolve) => setTimeout(resolve, 1, "waits"));
  assert.equal(await Promise.race([settled, later]), "waits");
  told.resolve();
  assert.equal(await settled, "settled");
});

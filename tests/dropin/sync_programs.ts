/**
 * Applications for crossws 0.4 with the option `sync`, in the style of its documentation.
 *
 * @module
 */
import { LISTEN } from "./programs.ts";

/** Two nodes of one process, over a driver of the user and over a BroadcastChannel. */
export const syncProgram: string = `
${LISTEN}
import { broadcastChannel, decodeEnvelope, encodeEnvelope, syncDrivers } from "crossws/sync";

const hooks = {
  open: (peer) => peer.subscribe("chat"),
  message(peer, message) {
    if (message.text() === "bytes") peer.publish("chat", new Uint8Array([1, 2, 250]));
    else peer.publish("chat", message.text());
  },
};

/** A driver over a bus that carries only text, and echoes to the sender, as Redis does. */
class Bus {
  handlers = new Set();
  ids = new Set();
  closes = 0;
  sync = ({ id }) => {
    this.ids.add(id);
    let handler;
    return {
      subscribe: async (deliver) => {
        handler = (raw) => {
          const envelope = decodeEnvelope(raw);
          if (envelope && envelope.id !== id) deliver(envelope.msg);
        };
        this.handlers.add(handler);
      },
      publish: (msg) => {
        for (const handler of this.handlers) handler(encodeEnvelope(id, msg));
      },
      close: () => {
        this.closes++;
        this.handlers.delete(handler);
      },
    };
  };
}

const textOf = (data) => typeof data === "string" ? data : [...new Uint8Array(data)].join();

async function drive(sync) {
  const nodes = [await listen({ hooks, sync }), await listen({ hooks, sync: sync })];
  const [first, second] = nodes;
  const ada = await connect(first.url + "/room"), bob = await connect(second.url + "/room");
  const eve = await connect(second.url + "/other");
  // A relay has no confirmation for applications: publish until a message comes through.
  while (bob.heard.length === 0) {
    ada.send("ready?");
    await new Promise((later) => setTimeout(later, 20));
  }
  const next = async (client, ...texts) => {
    for (const text of texts) {
      let found;
      while ((found = textOf(await within(client.next(), text))) === "ready?") {}
      assert.equal(found, text);
    }
  };
  ada.send("hello");
  ada.send("bytes");
  await next(bob, "hello", "1,2,250");
  first.ws.publish("chat", "to all");
  first.ws.publish("chat", { json: true }, { namespace: "/other" });
  first.ws.publish("chat", "to the room", { namespace: "/room" });
  await next(ada, "to all", "to the room");
  await next(bob, "to all", "to the room");
  await next(eve, "to all", '{"json":true}');
  await first.ws.sync.publish({ namespace: "/room", topic: "chat", data: "to other nodes" });
  await next(bob, "to other nodes");
  bob.send("farewell");
  await next(ada, "farewell");
  for (const { ws } of nodes) await ws.close();
  assert.equal((await listen({ hooks })).ws.sync, undefined);
}

const bus = new Bus();
await drive(bus.sync);
assert.deepEqual([bus.ids.size, bus.closes, bus.handlers.size], [2, 2, 0]);
console.log("a driver of the user");

await drive(broadcastChannel({ channel: "my-app" }));
assert.ok(syncDrivers.includes("broadcastChannel"));
console.log("a BroadcastChannel");

const failures = [];
const failing = await listen({
  hooks,
  sync: () => ({
    subscribe: () => Promise.reject(new Error("subscribe failed")),
    publish() {
      throw new Error("publish failed");
    },
  }),
  onError: (error, { stage }) => void failures.push(typeof stage + " " + error.message),
});
const failure = async (text) => {
  while (!failures.includes("string " + text)) {
    if (text === "publish failed") failing.ws.publish("chat", "nobody");
    await new Promise((later) => setTimeout(later, 20));
  }
};
await within(failure("subscribe failed"), "the first failure");
await within(failure("publish failed"), "the second failure"); // at most one a second
await failing.ws.close();
console.log("failures");
process.exit(0);
`;

/** The workers of node:cluster, as in the documentation. */
export const clusterProgram: string = `
${LISTEN}
import cluster from "node:cluster";
import { cluster as clusterSync, setupPrimaryCluster } from "crossws/sync";

if (cluster.isPrimary) {
  setupPrimaryCluster();
  const workers = [cluster.fork(), cluster.fork()];
  let done = 0, ended = 0;
  for (const worker of workers) {
    worker.on("message", (message) => {
      if (message !== "done" || ++done < workers.length) return;
      console.log("two workers");
      for (const { process } of workers) process.kill("SIGKILL");
    });
    worker.on("exit", () => ++ended === workers.length && process.exit(0));
  }
} else {
  setupPrimaryCluster();
  const hooks = { open: (peer) => peer.subscribe("chat") };
  const { ws, url } = await listen({ hooks, sync: clusterSync({ channel: "my-app" }) });
  const client = await connect(url + "/room");
  const heard = new Set();
  setInterval(() => ws.publish("chat", "from " + cluster.worker.id), 20);
  while (heard.size < 2) heard.add(await within(client.next(), "a message of each worker"));
  process.send("done");
}
`;

/** The types of the option \`sync\`. */
export const typedSyncProgram: string = `
import type { AdapterInstance, AdapterOptions, SyncErrorContext } from "crossws";
import nodeAdapter from "crossws/adapters/node";
import {
  broadcastChannel,
  cluster,
  decodeEnvelope,
  encodeEnvelope,
  setupPrimaryCluster,
  type SyncAdapter,
  type SyncDriver,
  type SyncDriverName,
  type SyncDriverOptions,
  syncDrivers,
  type SyncMessage,
} from "crossws/sync";

const backplane = {
  on: (_event: "message", _listener: (raw: string) => void): void => {},
  send: async (_raw: string): Promise<void> => {},
  disconnect: (): void => {},
};
const mySync: SyncAdapter = ({ id }) => ({
  subscribe(deliver) {
    backplane.on("message", (raw) => {
      const envelope = decodeEnvelope(raw);
      if (!envelope || envelope.id === id) return;
      const message: SyncMessage = envelope.msg;
      deliver(message);
    });
  },
  publish: (msg) => backplane.send(encodeEnvelope(id, msg)),
  close: () => backplane.disconnect(),
});
const report = (error: unknown, { stage }: SyncErrorContext): void => console.error(stage, error);
const options: AdapterOptions = { sync: mySync, onError: report };
const instance: AdapterInstance = nodeAdapter(options);
const driver: SyncDriver | undefined = instance.sync;
driver?.publish({ namespace: "", topic: "chat", data: new Uint8Array(1) });
nodeAdapter({ sync: broadcastChannel({ channel: "my-app" }) });
nodeAdapter({ sync: cluster({ channel: "my-app" }) });
const ready: Promise<void> = setupPrimaryCluster();
const names: readonly SyncDriverName[] = syncDrivers;
const forCluster: SyncDriverOptions["cluster"] = { channel: "my-app" };
export { forCluster, names, ready };
`;

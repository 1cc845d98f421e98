/**
 * Two threads of one process, each with a node, over a `BroadcastChannel`. Prints what the first
 * thread has received. The node of the first thread stays open, so the process ends only if a channel
 * does not keep the process alive.
 *
 * @module
 */
import { once } from "node:events";
import { isMainThread, Worker } from "node:worker_threads";
import { broadcastChannel } from "../../sync/broadcast_channel.ts";
import { TestNode } from "./test_node.ts";

const node = new TestNode({ sync: broadcastChannel({ channel: "threads" }) });
const client = await node.client("/room", "news");
await node.endpoint.topicsConfirmed();
const busy = setInterval(() => {}, 1000); // a real thread has a server
if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url));
  const ended = once(worker, "exit");
  await client.until((message) => message === "ready");
  node.publish("news", Uint8Array.of(1, 2, 3));
  await client.until((message) => message === "last");
  await ended;
  for (const message of client.messages) console.log([...message].join(" "));
} else {
  node.publish("news", "ready");
  await client.until((message) => message instanceof Uint8Array);
  node.publish("news", Uint8Array.from(client.messages[1] as Uint8Array, (byte) => byte * 2));
  node.publish("news", "last");
  await node.close({ timeout: 0 });
}
clearInterval(busy);

// deno run -A examples/chat/cluster.ts
import { nodeBanner } from "./banner.ts";
import { syncOfEnvironment } from "./sync.ts";

/**
 * Three nodes of the chat. Each is a thread with its own port, rooms and peers. The nodes hear each
 * other over a `BroadcastChannel`, which needs no server. With `SYNC=redis://…` they use that broker,
 * as processes on other machines would.
 */
const COUNT = 3;
const FIRST_PORT = Number(Deno.env.get("PORT") ?? 3001);

/** Starts a node, and returns its address when it listens. */
function start(port: number): Promise<[node: Worker, url: string]> {
  const node = new Worker(new URL("./cluster_node.ts", import.meta.url), { type: "module" });
  return new Promise((resolve, reject) => {
    node.onmessage = ({ data }) => resolve([node, data]);
    node.onerror = (event) => reject(new Error(event.message));
    node.postMessage(port);
  });
}

// Ends the process if SYNC is wrong. The nodes read the variable again.
await syncOfEnvironment();
const nodes: Worker[] = [];
for (let i = 0; i < COUNT; i++) {
  const [node, url] = await start(FIRST_PORT === 0 ? 0 : FIRST_PORT + i);
  nodes.push(node);
  console.log(nodeBanner(i + 1, url));
}
console.log("Open two of them: a line that is written on one node appears on all.");
console.log("Each node lists its own people and earlier lines. Ctrl+C to stop.");

/** Closes all nodes. Each answers when its pages have got the close code. */
async function stop(): Promise<never> {
  const closed = nodes.map((node) =>
    new Promise((resolve) => {
      node.onmessage = resolve;
      node.postMessage("close");
    })
  );
  await Promise.all(closed);
  Deno.exit(0);
}
Deno.addSignalListener("SIGINT", stop);
Deno.addSignalListener("SIGTERM", stop);

// deno run -A examples/chat/cluster.ts
import nodeCluster, { type Worker } from "node:cluster";
import process from "node:process";
import { serve } from "../../server/deno.ts";
import { cluster, setupPrimaryCluster } from "../../sync/cluster.ts";
import { nodeBanner } from "./banner.ts";
import { closeOnSignal, openChat } from "./chat.ts";
import { syncOfEnvironment } from "./sync.ts";

/**
 * Three nodes of the chat, each a process with its own port and peers. The primary process of
 * `node:cluster` connects them, keeps the lines of all rooms, and starts a node again that has ended.
 * With `SYNC=redis://…` the nodes use that broker, as on other machines.
 */
const COUNT = 3;
const FIRST_PORT = Number(process.env["PORT"] ?? 3001);
/** Milliseconds until a node that has ended starts again. */
const RESTART_AFTER = 1_000;

if (nodeCluster.isPrimary) await startNodes();
else await startNode();

async function startNode(): Promise<void> {
  const sync = await syncOfEnvironment() ?? cluster({ channel: "chat" });
  const server = await openChat(serve, { port: Number(process.env["PORT"]), sync });
  closeOnSignal(server);
  process.send!({ url: server.url });
}

async function startNodes(): Promise<void> {
  await syncOfEnvironment(); // ends the process if SYNC is wrong
  await setupPrimaryCluster();
  const nodes: Promise<void>[] = [];
  const running = new Set<Worker>(); // on Deno 2.9, `nodeCluster.workers` keeps killed ones
  let isStopping = false;
  for (let i = 0; i < COUNT; i++) {
    await new Promise<void>((started) => {
      nodes.push(keep(i + 1, FIRST_PORT === 0 ? 0 : FIRST_PORT + i, started));
    });
  }
  console.log("Open two of them: a line that is written on one node appears on all.");
  console.log("Kill a node: its pages miss nothing. Ctrl+C to stop.");
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, async () => {
      isStopping = true;
      for (const { process: { pid } } of running) process.kill(pid!, "SIGTERM");
      await Promise.all(nodes);
      process.exit(0);
    });
  }

  /** Runs a node, and starts it again each time that it ends. */
  async function keep(number: number, port: number, started: () => void): Promise<void> {
    while (!isStopping) {
      const node = nodeCluster.fork({ PORT: String(port) });
      node.on("message", ({ url }: { url?: string }) => {
        if (!url) return; // a message of the library
        port = Number(new URL(url).port);
        console.log(nodeBanner(number, url, node.process.pid!));
        started();
      });
      running.add(node);
      await new Promise((ended) => node.on("exit", ended));
      running.delete(node);
      if (!isStopping) await new Promise((over) => setTimeout(over, RESTART_AFTER));
    }
  }
}

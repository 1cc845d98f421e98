/**
 * Several workers of `node:cluster`, each with a node and a client. The primary process tells them what
 * to do, and prints what happens.
 *
 * @module
 */
import nodeCluster, { type Worker } from "node:cluster";
import { once } from "node:events";
import process from "node:process";
import { cluster, setupPrimaryCluster } from "../../sync/cluster.ts";
import { TestNode, until } from "./test_node.ts";

/** State of a worker. */
interface Report {
  readonly texts: readonly string[];
  readonly sizes: number;
  readonly failures: readonly string[];
  readonly up: number;
  readonly drops: number;
}

const MIB = 1024 * 1024;

if (nodeCluster.isPrimary) await direct();
else await act();

async function direct(): Promise<void> {
  const [first, second] = [nodeCluster.fork(), nodeCluster.fork()];
  await reported(first, ({ failures }) => failures.length > 0);
  console.log((await reported(second, ({ failures }) => failures.length > 0)).failures.join());

  for (let i = 0; i < 3; i++) await setupPrimaryCluster(); // only the first call counts
  const third = nodeCluster.fork();
  for (const worker of [first, second, third]) await reported(worker, ({ up }) => up === 1);
  tell(first, "publish", "to all workers");
  for (const worker of [second, third]) await reported(worker, has("to all workers"));
  console.log("relayed:", (await reported(first, has("to all workers"))).texts.join());

  const { size } = relay();
  signal(third, "SIGKILL");
  await until(() => relay().size < size);
  tell(first, "publish", "after a crash");
  console.log("crash:", (await reported(second, has("after a crash"))).texts.join());

  const { drops } = await reported(first, ({ up }) => up === 1);
  tell(first, "later", "while the primary is busy");
  await reported(first, has("soon")); // the worker has the command
  const end = performance.now() + 5000;
  while (performance.now() < end);
  // Dropped: the message that waited for the primary, and the one that the worker did not send.
  await reported(first, (report) => report.up === 1 && report.drops === drops + 2);
  await reported(second, ({ up }) => up === 1);
  tell(first, "publish", "after the busy time");
  const texts = (await reported(second, has("after the busy time"))).texts;
  console.log("busy primary:", texts.filter((text) => text.includes("busy")).join());

  signal(second, "SIGSTOP");
  tell(first, "flood", "");
  await reported(first, has("flooded"));
  signal(second, "SIGCONT");
  const { sizes, failures } = await reported(
    second,
    ({ failures }) => failures.at(-1)!.includes("too slow"),
  );
  console.log("slow:", sizes >= 8 && sizes <= 40, failures.at(-1));
  tell(first, "publish", "after the flood");
  await reported(second, has("after the flood"));

  for (const worker of [first, second]) {
    tell(worker, "close", "");
    await once(worker, "exit");
  }
  console.log("nodes left:", relay().size);
}

async function act(): Promise<void> {
  const node = new TestNode({ sync: cluster({ channel: "workers" }) });
  const client = await node.client("/room", "news");
  const report = (): Report => ({
    texts: client.messages.filter((message) => typeof message === "string"),
    sizes: client.messages.filter((message) => message.length === MIB).length,
    failures: node.failures.map(({ error }) => (error as Error).message),
    up: node.stats.sync!.up,
    drops: node.stats.sync!.drops,
  });
  process.on("message", async ({ command, data }: { command?: string; data: string }) => {
    if (command === "report") process.send!(report());
    else if (command === "publish") node.publish("news", data);
    else if (command === "later") {
      node.publish("news", "soon");
      setTimeout(() => node.publish("news", data), 500);
      setTimeout(() => node.publish("news", data), 3000); // this worker has noticed
    } else if (command === "flood") {
      for (let i = 0; i < 64; i++) {
        const { framesOut } = node.stats.sync!;
        node.publish("news", new Uint8Array(MIB));
        await until(() => node.stats.sync!.framesOut > framesOut);
      }
      node.publish("news", "flooded");
    } else if (command === "close") {
      await node.close({ timeout: 0 });
      process.disconnect!();
    }
  });
}

function tell(worker: Worker, command: string, data: string): void {
  worker.send({ command, data });
}

/** Not `worker.process.kill()`, of which Deno 2.9 carries out only the first call. */
function signal(worker: Worker, name: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void {
  process.kill(worker.process.pid!, name);
}

/** Asks a worker, again and again, until its report is as wanted. */
function reported(worker: Worker, isWanted: (report: Report) => boolean): Promise<Report> {
  return new Promise((resolve) => {
    // A worker that is starting loses messages.
    const timer = setInterval(() => tell(worker, "report", ""), 50);
    worker.on("message", function listen(message: Report | { readonly onepeer: string }) {
      if ("onepeer" in message || !isWanted(message)) return;
      worker.off("message", listen);
      clearInterval(timer);
      resolve(message);
    });
  });
}

function has(text: string): (report: Report) => boolean {
  return ({ texts }) => texts.includes(text);
}

/** The relay, of which the primary process has one. */
function relay(): { readonly size: number } {
  return (nodeCluster as unknown as Record<symbol, { readonly size: number }>)[
    Symbol.for("onepeer.cluster.relay")
  ]!;
}

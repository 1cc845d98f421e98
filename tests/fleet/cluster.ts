import process from "node:process";
import { Proxy } from "../brokers/proxy.ts";
import { RedisServer } from "../brokers/redis_server.ts";
import { ServerProcess } from "../harness/processes/server_process.ts";
import type { Runtime } from "../runtimes/native.ts";
import type { Ledger } from "./ledger.ts";
import { Line } from "./client.ts";
import type { NodeOptions } from "./fleet_node.ts";

const PROGRAM = new URL("./fleet_node.ts", import.meta.url);

/** A node in a process of its own, with a proxy of its own before Redis. */
export class FleetNode {
  readonly proxy: Proxy;
  readonly #command: readonly string[];
  #process: ServerProcess | undefined;

  private constructor(proxy: Proxy, command: readonly string[]) {
    this.proxy = proxy;
    this.#command = command;
  }

  static async start(
    runtime: Runtime,
    port: number,
    options: Omit<NodeOptions, "port">,
  ): Promise<FleetNode> {
    const command = await runtime.command(PROGRAM);
    if ("missing" in command) throw new Error(`The fleet needs ${command.missing}`);
    const proxy = await Proxy.start(port);
    const node = new FleetNode(proxy, [
      ...command,
      JSON.stringify({ ...options, port: proxy.port }),
    ]);
    await node.start();
    return node;
  }

  /** URL of the node; `undefined` while it is dead. */
  get url(): string | undefined {
    return this.#process?.address.replace("http", "ws");
  }

  async start(): Promise<void> {
    this.#process = await ServerProcess.start(this.#command);
  }

  kill(): void {
    this.signal("SIGKILL");
    this.#process = undefined;
  }

  signal(name: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void {
    if (this.#process) process.kill(this.#process.pid, name);
  }

  shiftClock(ms: number): void {
    if (!this.url) return;
    const line = new Line(this.url, () => {});
    void line.opened.then(() => {
      line.send({ clock: ms });
      line.end();
    });
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
    await this.proxy[Symbol.asyncDispose]();
  }
}

/** The broker of a fleet: the server that all proxies lead to. */
export class FleetBroker {
  server: RedisServer;
  readonly #ledger: Ledger;
  readonly #folders: string[];

  private constructor(server: RedisServer, folder: string, ledger: Ledger) {
    this.server = server;
    this.#folders = [folder];
    this.#ledger = ledger;
  }

  static async start(ledger: Ledger): Promise<FleetBroker> {
    const folder = await Deno.makeTempDir();
    const server = await RedisServer.start("--dir", folder, "--repl-diskless-sync-delay", "0");
    await ledger.watch(server.port);
    return new FleetBroker(server, folder, ledger);
  }

  /** Starts a replica, and cuts it off. Returns a function that makes it the server of all nodes. */
  async laggingReplica(): Promise<(proxies: readonly Proxy[]) => Promise<void>> {
    const folder = await Deno.makeTempDir();
    this.#folders.push(folder);
    const replica = await RedisServer.start("--dir", folder, "--repl-diskless-sync-delay", "0");
    await this.#ledger.watch(replica.port);
    // Not an option of the server, which would be a replica again after its restart.
    await replica.admin.call("REPLICAOF", ["127.0.0.1", `${this.server.port}`]);
    while (!/master_link_status:up/.test(await replica.admin.info("replication"))) await sleep(20);
    await replica.admin.call("REPLICAOF", ["NO", "ONE"]);
    return async (proxies) => {
      const old = this.server;
      this.server = replica;
      for (const proxy of proxies) proxy.lead(replica.port);
      await old[Symbol.asyncDispose]();
    };
  }

  async stop(): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    for (const folder of this.#folders) await Deno.remove(folder, { recursive: true });
  }
}

/** Resolves after a time. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

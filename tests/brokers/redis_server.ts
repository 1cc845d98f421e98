import { Redis } from "ioredis";
import { freePort, ServerProcess } from "./server_process.ts";

/** A running server, and a connection of its administrator. */
export class RedisServer implements AsyncDisposable {
  /** Port of 127.0.0.1. */
  readonly port: number;
  /** Client of the administrator. Connects again after a restart. */
  readonly admin: Redis;
  readonly #process: ServerProcess;

  /** Starts a server that saves nothing by itself. */
  static async start(...args: readonly string[]): Promise<RedisServer> {
    const port = await freePort();
    const command = ["redis-server", "--bind", "127.0.0.1", "--port", `${port}`, "--save", ""];
    return new RedisServer(port, await ServerProcess.start([...command, ...args], port));
  }

  private constructor(port: number, process: ServerProcess) {
    this.port = port;
    this.#process = process;
    this.admin = new Redis({ host: "127.0.0.1", port }).on("error", () => {});
  }

  /** Kills the server at once, and starts it again with the data that are on the disk. */
  restart(): Promise<void> {
    return this.#process.restart();
  }

  /** Kills the server at once. */
  kill(): Promise<void> {
    return this.#process.kill();
  }

  /** Number of calls of a command since the start. */
  async calls(command: string): Promise<number> {
    const text = await this.admin.info("commandstats");
    return Number(text.match(new RegExp(`cmdstat_${command}:calls=(\\d+)`))?.[1] ?? 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.admin.disconnect();
    await this.#process[Symbol.asyncDispose]();
  }
}

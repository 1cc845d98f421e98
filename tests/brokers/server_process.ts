import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import process from "node:process";
import type { BrokerFaults } from "./driver.ts";

/** A server under test, in a process of its own. */
export class ServerProcess implements BrokerFaults, AsyncDisposable {
  readonly #command: readonly string[];
  readonly #port: number;
  readonly #host: string;
  #child: ChildProcess;

  /** Starts a server. Resolves when the server accepts connections. */
  static async start(
    command: readonly string[],
    port: number,
    host = "127.0.0.1",
  ): Promise<ServerProcess> {
    const server = new ServerProcess(command, port, host);
    await server.#accepts();
    return server;
  }

  private constructor(command: readonly string[], port: number, host: string) {
    this.#command = command;
    this.#port = port;
    this.#host = host;
    this.#child = this.#spawn();
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, "exit");
    this.#signal("SIGKILL");
    await exit;
  }

  async restart(): Promise<void> {
    await this.kill();
    this.#child = this.#spawn();
    await this.#accepts();
  }

  freeze(): void {
    this.#signal("SIGSTOP");
  }

  thaw(): void {
    this.#signal("SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  #spawn(): ChildProcess {
    // The kernel ends the server if the test's process is killed.
    const args = ["--pdeathsig", "KILL", ...this.#command];
    return spawn("setpriv", args, { stdio: ["ignore", "ignore", "inherit"] });
  }

  #signal(name: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void {
    // Not child.kill(): on Deno 2.9 its second call has no effect.
    process.kill(this.#child.pid!, name);
  }

  async #accepts(): Promise<void> {
    for (;;) {
      if (this.#child.exitCode !== null) throw new Error(`${this.#command[0]} has ended`);
      const socket = connect(this.#port, this.#host);
      const isOpen = await new Promise<boolean>((resolve) => {
        socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
      });
      socket.destroy();
      if (isOpen) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** Returns a port of 127.0.0.1 that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (typeof address !== "object" || address === null) throw new Error("the port is unknown");
  return address.port;
}

/** Whether this machine has a command. */
export function hasCommand(command: string): Promise<boolean> {
  return new Promise((resolve) => {
    spawn(command, ["--version"], { stdio: "ignore" })
      .once("error", () => resolve(false))
      .once("exit", (code) => resolve(code === 0));
  });
}

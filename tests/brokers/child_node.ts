import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";
import { Deferred } from "../../common/deferred.ts";
import type { BrokerDriver } from "./driver.ts";
import { TestNode } from "./test_node.ts";

/** First argument of the program that makes it a child. */
export const CHILD = "--child";

/** Settings of a child, as JSON in its second argument. */
export interface ChildOptions {
  readonly driver: string;
  /** Address of the server, see `BrokerServer.address`. */
  readonly address: string;
  readonly cluster: string;
  /**
   * Event at which the child closes its node: the message `close` (`asked`), the first error report
   * (`reported`), or the second one (`retried`), after which an attempt to reconnect has failed
   * too. Default: `asked`.
   */
  readonly closesWhen?: "asked" | "reported" | "retried";
}

/** A node in a process of its own, with a client that is present in the topic `news` in the namespace `/room`. */
export class ChildNode {
  readonly #child: ChildProcess;
  /** Lines of its output: `ready`, and each message. */
  readonly lines: string[] = [];
  /** Settles with the exit code, or the signal that has ended the process. */
  readonly exit: Promise<unknown>;
  #hasEnded = false;
  #changed = new Deferred();

  constructor(options: ChildOptions) {
    const run = "Deno" in globalThis ? ["run", "-A", "--no-check", "--quiet"] : [];
    // The kernel ends the child if the test's process is killed.
    this.#child = spawn("setpriv", [
      ...["--pdeathsig", "KILL", process.execPath, ...run],
      ...[process.argv[1]!, CHILD, JSON.stringify(options)],
    ], { stdio: ["ignore", "pipe", "inherit"] });
    this.exit = once(this.#child, "exit").then(([code, signal]) => {
      this.#hasEnded = true;
      this.#changed.resolve();
      return code ?? signal;
    });
    createInterface({ input: this.#child.stdout! }).on("line", (line) => {
      this.lines.push(line);
      this.#changed.resolve();
      this.#changed = new Deferred();
    });
  }

  /** Resolves when the child has printed a line. Rejects if the child ends before. */
  async until(line: string): Promise<void> {
    while (!this.lines.includes(line)) {
      if (this.#hasEnded) throw new Error(`the child ended before ${line}`);
      await this.#changed.promise;
    }
  }

  kill(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void {
    if (this.#hasEnded) return;
    // Not child.kill(): on Deno 2.9 its second call has no effect.
    process.kill(this.#child.pid!, signal);
  }
}

/** Runs a child: prints `ready` and each message. Its process must end by itself. */
export async function runChild(
  { address, cluster, closesWhen = "asked" }: ChildOptions,
  driver: BrokerDriver,
): Promise<void> {
  let reports = 0;
  const node = new TestNode({
    topics: () => ({ presence: true }),
    sync: driver.attach!(address).sync(cluster, { required: true }),
    onError: () => {
      reports++;
      if (reports === { asked: undefined, reported: 1, retried: 2 }[closesWhen]) {
        void node.close({ timeout: 0 });
      }
    },
  });
  await node.ready();
  const client = await node.client("/room", "news");
  client.peer.enter("news", "child");
  await node.endpoint.topicsConfirmed();
  console.log("ready");
  client.onMessage = (message) => {
    const text = String(message);
    console.log(text.length > 100 ? `${text.length} characters` : text);
    if (text === "close" && closesWhen === "asked") void node.close({ timeout: 0 });
  };
}

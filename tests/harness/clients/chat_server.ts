import assert from "node:assert/strict";
import { runtimes } from "../../runtimes/native.ts";

/** The chat server in a separate process. */
export class ChatServer {
  readonly url: string;
  readonly #child: Deno.ChildProcess;
  readonly #output: Promise<void>;

  private constructor(child: Deno.ChildProcess, url: string, output: Promise<void>) {
    this.#child = child;
    this.url = url;
    this.#output = output;
  }

  /** Starts the chat server, and waits until it listens. */
  static async start(runtime: "deno" | "node", port: number): Promise<ChatServer> {
    const [program, ...args] = await command(runtime);
    const child = new Deno.Command(program!, {
      args,
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
      env: { PORT: String(port), NO_COLOR: "1" },
    }).spawn();
    const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let said = "";
    while (true) {
      const { value, done } = await output.read();
      if (done) throw new Error(`the chat did not start: ${said}`);
      said += value;
      const url = /http:\S+/.exec(said)?.[0];
      if (!url) continue;
      const rest = (async () => {
        while (!(await output.read()).done);
      })();
      if (port !== 0) assert.equal(new URL(url).port, String(port));
      return new ChatServer(child, url, rest);
    }
  }

  /** Ends the process by a signal. */
  async end(signal: Deno.Signal): Promise<void> {
    try {
      this.#child.kill(signal);
    } catch { /* the process has already ended */ }
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 4_000);
    await this.#child.status;
    clearTimeout(timer);
    await this.#output;
  }
}

async function command(runtime: "deno" | "node"): Promise<readonly string[]> {
  const entry = (name: string) =>
    new URL(`../../../examples/chat/${name}`, import.meta.url).pathname;
  if (runtime === "node") {
    const found = await runtimes.find(({ name }) => name === "node")?.command();
    if (found && !("missing" in found)) return [found[0]!, entry("server.node.ts")];
  }
  return [Deno.execPath(), "run", "-A", "--no-check", entry("server.ts")];
}

import assert from "node:assert/strict";
import { runtimes } from "../../runtimes/native.ts";

/** How the chat runs: one server, or three nodes in one process. */
export type ChatKind = "deno" | "node" | "cluster";

/** The chat in a separate process. */
export class ChatServer {
  /** URL of each node. */
  readonly urls: readonly string[];
  /** Number of the process of each node. Empty if there is one server. */
  readonly pids: readonly number[];
  readonly #child: Deno.ChildProcess;
  readonly #output: Promise<void>;

  private constructor(
    child: Deno.ChildProcess,
    said: string,
    urls: readonly string[],
    output: Promise<void>,
  ) {
    this.#child = child;
    this.urls = urls;
    this.pids = Array.from(said.matchAll(/process (\d+)/g), ([, pid]) => Number(pid));
    this.#output = output;
  }

  /** URL of the first node. */
  get url(): string {
    return this.urls[0]!;
  }

  /**
   * Starts the chat, and waits until every node listens.
   *
   * @param sync URL of a broker. Default: none.
   */
  static async start(kind: ChatKind, port: number, sync = ""): Promise<ChatServer> {
    const [program, ...args] = await command(kind), nodes = kind === "cluster" ? 3 : 1;
    const child = new Deno.Command(program!, {
      args,
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
      env: { PORT: String(port), NO_COLOR: "1", SYNC: sync },
    }).spawn();
    const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let said = "";
    while (true) {
      const { value, done } = await output.read();
      if (done) throw new Error(`the chat did not start: ${said}`);
      said += value;
      const urls = said.match(/http:\S+(?=.*\n)/g) ?? [];
      if (urls.length < nodes) continue;
      const rest = (async () => {
        while (!(await output.read()).done);
      })();
      if (port !== 0) assert.equal(new URL(urls[0]!).port, String(port));
      return new ChatServer(child, said, urls, rest);
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

async function command(kind: ChatKind): Promise<readonly string[]> {
  const entry = (name: string) =>
    new URL(`../../../examples/chat/${name}`, import.meta.url).pathname;
  if (kind === "node") {
    const found = await runtimes.find(({ name }) => name === "node")?.command();
    if (found && !("missing" in found)) return [found[0]!, entry("server.node.ts")];
  }
  const file = entry(kind === "cluster" ? "cluster.ts" : "server.ts");
  return [Deno.execPath(), "run", "-A", "--no-check", file];
}

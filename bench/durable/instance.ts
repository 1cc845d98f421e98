import { frame, RawClient, TEXT } from "../../tests/harness/clients/raw_client.ts";
import { ServerProcess } from "../../tests/harness/processes/server_process.ts";
import { durableObjects } from "../runtimes.ts";
import { serverProgram, type Toolkit } from "../toolkits.ts";

/** Headers of a browser. */
const HEADERS = {
  "Pragma": "no-cache",
  "Cache-Control": "no-cache",
  "User-Agent":
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
  "Accept-Encoding": "gzip, deflate, br, zstd",
  "Accept-Language": "en-US,en;q=0.9",
};

/** A Durable Object of one toolkit, with one client: see `bench/servers/durable.ts`. */
export class DurableInstance implements AsyncDisposable {
  readonly toolkit: Toolkit;
  readonly #server: ServerProcess;
  readonly #client: RawClient;
  readonly #url: string;

  private constructor(toolkit: Toolkit, server: ServerProcess, client: RawClient, name: string) {
    this.toolkit = toolkit;
    this.#server = server;
    this.#client = client;
    this.#url = `http://127.0.0.1:${server.port}/${name}`;
  }

  /** Starts a server, and connects a client. The query selects the client's context and topics. */
  static async start(toolkit: Toolkit, query: string): Promise<DurableInstance> {
    const server = await startDurable(toolkit);
    const client = await RawClient.connect({ host: "127.0.0.1", port: server.port });
    client.handshake({ target: `/room${query}`, headers: HEADERS });
    const { status } = await client.head();
    if (status !== 101) throw new Error(`${toolkit.name} answered ${status}`);
    return new DurableInstance(toolkit, server, client, "room");
  }

  /** The process of workerd. */
  get pid(): number {
    return pidOf(this.#server);
  }

  /** Sends a message of the client, and resolves to the answer. */
  async ask(text: string): Promise<string> {
    this.#client.write(frame(TEXT, text));
    return (await this.#client.frame()).payload.toString();
  }

  /** Removes the object from memory. */
  async evict(): Promise<void> {
    await this.#request("evict", "POST");
  }

  /** Makes the object handle a number of messages without an answer. */
  async count(times: number): Promise<void> {
    await this.#request(`count?times=${times}`, "GET");
  }

  async #request(action: string, method: string): Promise<void> {
    const response = await fetch(`${this.#url}/${action}`, { method });
    const text = await response.text();
    if (!response.ok) throw new Error(`${this.toolkit.name}: ${action} failed: ${text}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.destroy();
    await this.#server.stop();
  }
}

async function startDurable(toolkit: Toolkit): Promise<ServerProcess> {
  return await ServerProcess.start(
    await durableObjects.command(serverProgram(toolkit, "durable")),
  );
}

/** Process id of the server. workerd is a child of the started process, which also ends workerd. */
export function pidOf(server: ServerProcess): number {
  return Number(/^WORKERD (\d+)$/m.exec(server.output)?.[1] ?? server.pid);
}

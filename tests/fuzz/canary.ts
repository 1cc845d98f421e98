import { TestSocket } from "../harness/clients/test_socket.ts";

/** Longest wait for an echo, in milliseconds, while histories keep the server busy. */
const PATIENCE_MS = 15_000, INTERVAL_MS = 40;

/** A well-behaved client that echoes, publishes to itself, and must not notice the histories. */
export class Canary {
  /** Failures that the canary noticed. */
  readonly noticed: string[] = [];
  readonly #name: string;
  readonly #socket: TestSocket;
  readonly #done: Promise<void>;
  /** Resolves once the canary is connected, or has failed to connect. */
  readonly isReady: Promise<unknown>;
  #isStopped = false;

  constructor(name: string, url: string) {
    this.#name = name;
    this.#socket = new TestSocket(url, {});
    const opened = this.#socket.opened();
    this.isReady = opened.catch(() => {});
    this.#done = this.#sing(opened);
  }

  async stop(): Promise<string[]> {
    this.#isStopped = true;
    await this.#done;
    this.#socket.terminate();
    return this.noticed;
  }

  async #sing(opened: Promise<unknown>): Promise<void> {
    try {
      await opened;
      for (let count = 0; !this.#isStopped; count++) {
        const said = `canary ${count}`;
        this.#socket.socket.send(said);
        for (const way of ["its topic", "the echo"]) {
          const heard = await this.#socket.next(PATIENCE_MS);
          if (heard !== said) throw new Error(`sent ${said}, got ${heard} by ${way}`);
        }
        await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
      }
    } catch (error) {
      const code = await Promise.race([this.#socket.closed.then(({ code }) => code), undefined]);
      const end = code === undefined ? "" : `, and its connection was closed with ${code}`;
      this.noticed.push(`the canary of ${this.#name}: ${(error as Error).message}${end}`);
    }
  }
}

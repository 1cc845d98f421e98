/** Relays bytes in both directions, until a test cuts the connections. */
export class CuttingRelay implements AsyncDisposable {
  /** Number of cut connections. */
  cuts = 0;
  readonly #listener: Deno.TcpListener;
  readonly #ends = new Set<Deno.TcpConn>();
  readonly #done: Promise<void>;

  /** @param port port on which the server listens. */
  constructor(port: number) {
    this.#listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    this.#done = this.#run(port);
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** Cuts all connections, also in the middle of a message. */
  cut(): void {
    this.cuts += this.#ends.size / 2;
    for (const end of this.#ends) close(end);
    this.#ends.clear();
  }

  async #run(port: number): Promise<void> {
    for await (const near of this.#listener) {
      const far = await Deno.connect({ port, hostname: "127.0.0.1" });
      for (const end of [near, far]) this.#ends.add(end);
      for (const [from, to] of [[near, far], [far, near]] as const) {
        from.readable.pipeTo(to.writable).catch(() => {}).finally(() => {
          for (const end of [near, far]) {
            this.#ends.delete(end);
            close(end);
          }
        });
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cut();
    await this.#done;
  }
}

function close(line: Deno.TcpConn): void {
  try {
    line.close();
  } catch { /* the connection is closed */ }
}

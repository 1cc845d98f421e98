import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** Settings of a {@linkcode Proxy}. */
export interface ProxyOptions {
  /** Bytes a second that each connection carries in each direction. Default: no limit. */
  readonly rate?: number;
}

/** A proxy before a server of 127.0.0.1, whose connections can be narrow or stall. */
export class Proxy implements AsyncDisposable {
  readonly #server: Server;
  #target: number;
  #isCutOff = false;
  readonly #streams = new Set<Stream>();

  /** Starts a proxy on a free port. */
  static async start(port: number, options: ProxyOptions = {}): Promise<Proxy> {
    const proxy = new Proxy(port, options);
    await once(proxy.#server, "listening");
    return proxy;
  }

  private constructor(port: number, { rate = Infinity }: ProxyOptions) {
    this.#target = port;
    // Without `allowHalfOpen`, the end of a stalled connection would reach the server at once.
    this.#server = createServer({ allowHalfOpen: true }, (client) => {
      const server = connect({ port: this.#target, host: "127.0.0.1", allowHalfOpen: true });
      for (const [from, to] of [[client, server], [server, client]] as const) {
        const stream = new Stream(from, to, rate);
        this.#streams.add(stream);
        if (this.#isCutOff) stream.stall();
        to.once("close", () => this.#streams.delete(stream));
      }
    });
    this.#server.listen(0, "127.0.0.1");
  }

  /** Port on which the proxy listens. */
  get port(): number {
    return (this.#server.address() as { readonly port: number }).port;
  }

  /**
   * Stalls all present connections: they stay open, and what they carry stays in the proxy. New
   * connections work. Returns a function that lets the stalled connections go on.
   */
  stall(): () => void {
    const stalled = [...this.#streams];
    for (const stream of stalled) stream.stall();
    return () => stalled.forEach((stream) => stream.heal());
  }

  /**
   * Stalls all connections, also new ones. Returns a function that ends this; the stalled connections
   * then go on.
   */
  cutOff(): () => void {
    this.#isCutOff = true;
    this.stall();
    return () => {
      this.#isCutOff = false;
      for (const stream of this.#streams) stream.heal();
    };
  }

  /** Leads new connections to another server, and cuts the present ones. */
  lead(port: number): void {
    this.#target = port;
    for (const stream of this.#streams) stream.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const stream of this.#streams) stream.destroy();
    await undefined;
  }
}

/** One direction of a connection. */
class Stream {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #rate: number;
  /** Called when a stalled stream goes on. */
  #held: (() => void)[] | undefined;
  /** Time at which the next bytes may leave. */
  #freeAt = 0;

  constructor(from: Socket, to: Socket, rate: number) {
    this.#from = from;
    this.#to = to;
    this.#rate = rate;
    from.on("data", (bytes) => this.#carry(bytes));
    from.on("end", () => this.#do(() => to.end()));
    from.on("error", () => this.#do(() => to.destroy()));
    from.on("close", () => this.#do(() => to.end()));
  }

  stall(): void {
    this.#held ??= [];
  }

  heal(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const act of held) act();
  }

  destroy(): void {
    this.#from.destroy();
  }

  #do(act: () => void): void {
    if (this.#held) this.#held.push(act);
    else act();
  }

  #carry(bytes: Uint8Array): void {
    if (this.#rate === Infinity) return this.#do(() => this.#to.write(bytes));
    this.#from.pause();
    const now = performance.now();
    this.#freeAt = Math.max(now, this.#freeAt) + bytes.byteLength / this.#rate * 1000;
    setTimeout(() => {
      this.#do(() => this.#to.write(bytes));
      this.#from.resume();
    }, this.#freeAt - now);
  }
}

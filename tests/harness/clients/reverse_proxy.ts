import {
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** Behaviour of a {@linkcode ReverseProxy}. */
export interface ProxyManners {
  /** Whether the proxy forwards WebSockets, or refuses them. */
  readonly upgrades?: boolean;
  /** Parts of a response that the proxy holds back until the end. */
  readonly buffers?: "body" | "all";
}

/** A request that the proxy forwarded. */
export interface Passed {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** An HTTP/1.1 proxy before a server, with the faults of common proxies. */
export class ReverseProxy implements AsyncDisposable {
  readonly passed: Passed[] = [];
  /** Port of the server, to which new connections go. */
  port: number;
  readonly #server: Server;
  readonly #manners: ProxyManners;
  readonly #lines = new Set<Socket>();

  private constructor(port: number, manners: ProxyManners) {
    this.port = port;
    this.#manners = manners;
    this.#server = createServer((from, to) => this.#pass(from, to));
    this.#server.on("connection", (line) => {
      this.#lines.add(line);
      line.on("close", () => this.#lines.delete(line));
    });
    this.#server.on("upgrade", (from, line, head) => this.#upgrade(from, line as Socket, head));
  }

  /** @param port port on which the server listens, on this machine. */
  static async start(port: number, manners: ProxyManners = {}): Promise<ReverseProxy> {
    const proxy = new ReverseProxy(port, manners);
    await new Promise<void>((listening) => proxy.#server.listen(0, "127.0.0.1", listening));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** Resets all connections of clients. */
  cut(): void {
    for (const line of this.#lines) line.resetAndDestroy();
  }

  #ask(from: IncomingMessage) {
    const { method = "GET", url = "/", headers } = from;
    this.passed.push({ method, headers });
    return request({ host: "127.0.0.1", port: this.port, method, path: url, headers });
  }

  #pass(from: IncomingMessage, to: ServerResponse): void {
    const asking = this.#ask(from);
    asking.on("response", (response) => {
      const { statusCode = 502, headers } = response;
      response.on("error", () => to.destroy());
      const { buffers } = this.#manners;
      if (buffers !== "all") to.writeHead(statusCode, headers).flushHeaders();
      if (!buffers) return void response.pipe(to);
      const chunks: Uint8Array[] = [];
      response.on("data", (chunk: Uint8Array) => chunks.push(chunk));
      response.on("end", () => {
        if (buffers === "all") to.writeHead(statusCode, headers);
        for (const chunk of chunks) to.write(chunk);
        to.end();
      });
    });
    asking.on("error", () => to.destroy());
    to.on("close", () => asking.destroy());
    from.pipe(asking);
  }

  #upgrade(from: IncomingMessage, line: Socket, head: Uint8Array): void {
    line.on("error", () => {});
    if (this.#manners.upgrades === false) {
      return void line.end("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n");
    }
    const asking = this.#ask(from).on("error", () => line.destroy());
    asking.on("upgrade", ({ headers }, far, early) => {
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      line.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join("")}\r\n`);
      line.write(early);
      far.on("error", () => line.destroy()).write(head);
      line.on("close", () => far.destroy());
      far.pipe(line).pipe(far);
    });
    asking.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    this.cut();
    await Promise.resolve();
  }
}

import type { Buffer } from "node:buffer";
// @ts-types="@types/ws"
import { WebSocket } from "ws";
import type { ConnectOptions, Transport } from "./connect_options.ts";
import { TimeLimit } from "../time_limit.ts";
import { EventStreamSocket } from "./event_stream_socket.ts";

/** A refusal that the client received. */
export interface Refused {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** A WebSocket client that queues received messages, until the test reads them. */
export class TestSocket {
  readonly socket: WebSocket;
  /** Headers of the 101. */
  responseHeaders: Record<string, string | string[] | undefined> = {};
  /** End of the connection, as this client saw it. */
  readonly closed: Promise<{ code: number; reason: string }>;
  /** Number of received pings. */
  pings = 0;
  readonly #queue: (string | Uint8Array)[] = [];
  #wake: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(
    url: string,
    options: ConnectOptions,
    transport: Transport = "websocket",
  ) {
    // The event stream has the interface of `ws`, as far as tests use it.
    this.socket = transport === "sse"
      ? new EventStreamSocket(url, options) as unknown as WebSocket
      : webSocket(url, options);
    this.socket.on("upgrade", (response) => this.responseHeaders = response.headers);
    this.socket.on("message", (data: Buffer, isBinary: boolean) => {
      this.#queue.push(isBinary ? new Uint8Array(data) : data.toString());
      this.#notify();
    });
    this.socket.on("ping", () => this.pings++);
    this.socket.on("error", () => {});
    this.closed = new Promise((resolve) => {
      this.socket.on("close", (code, reason) => {
        this.#notify();
        resolve({ code, reason: reason.toString() });
      });
    });
  }

  /** Resolves once open; rejects with a {@linkcode Refused} or an error. */
  opened(): Promise<this> {
    return new Promise((resolve, reject) => {
      this.socket.once("open", () => resolve(this));
      this.socket.once("unexpected-response", (_request, response) => {
        let body = "";
        response.on("data", (chunk: Buffer) => body += chunk.toString());
        response.on(
          "end",
          () => reject({ status: response.statusCode ?? 0, headers: response.headers, body }),
        );
      });
      this.socket.once("refused", reject); // an event stream reports a refusal by this event
      this.socket.once("error", reject);
    });
  }

  send(data: string | Uint8Array): void {
    this.socket.send(data);
  }

  /** Waits for the next message. */
  async next(ms = 2000): Promise<string | Uint8Array> {
    if (this.#queue.length > 0) return this.#queue.shift()!;
    const limit = new TimeLimit(ms);
    while (this.#queue.length === 0) {
      if (limit.isOver || this.socket.readyState === WebSocket.CLOSED) {
        throw new Error("expected a message, got none");
      }
      await limit.pause(this.#wake.promise);
    }
    return this.#queue.shift()!;
  }

  /** Waits for the next message, which must be text. */
  async text(): Promise<string> {
    const message = await this.next();
    if (typeof message !== "string") throw new Error("expected text, got binary");
    return message;
  }

  /** Waits for the next message, which must be binary. */
  async bytes(): Promise<Uint8Array> {
    const message = await this.next();
    if (typeof message === "string") throw new Error(`expected binary, got text: ${message}`);
    return message;
  }

  /** Received messages that the test has not read. */
  get queued(): readonly (string | Uint8Array)[] {
    return this.#queue;
  }

  close(code?: number, reason?: string): void {
    this.socket.close(code, reason);
  }

  terminate(): void {
    this.socket.terminate();
  }

  /** Waits until the server has closed, by a close frame or by the end of the connection. */
  async shut(ms = 2000): Promise<void> {
    const limit = new TimeLimit(ms);
    while (this.socket.readyState === WebSocket.OPEN) {
      if (limit.isOver) throw new Error("expected a close, got none");
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  #notify(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}

function webSocket(
  url: string,
  { headers = {}, protocols = [], deflate = false, ...others }: ConnectOptions,
): WebSocket {
  return new WebSocket(url, [...protocols], {
    headers: { ...headers },
    perMessageDeflate: deflate ? { threshold: 0, ...deflate as object } : false,
    ...others,
  });
}

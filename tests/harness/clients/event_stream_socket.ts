import { Buffer } from "node:buffer";
import { EventEmitter } from "node:events";
import { WebSocketSSE } from "../../../websocket/sse.ts";
import type { ConnectOptions } from "./connect_options.ts";

/** `WebSocketSSE` with the interface of a `ws` client, and a connection that a test controls. */
export class EventStreamSocket extends EventEmitter {
  readonly socket: WebSocketSSE;
  readonly #headers: Readonly<Record<string, string>>;
  /** Client of Deno's `fetch`, if the connections need their own options. */
  readonly #client: { client?: Deno.HttpClient };
  /** Pending requests. */
  readonly #requests = new Set<AbortController>();
  /** Whether requests no longer reach the server. */
  #isCut = false;
  #isOpened = false;
  #isPaused = false;
  #wake: () => void = () => {};

  constructor(
    url: string,
    { headers = {}, protocols = [], origin, ca, localAddress }: ConnectOptions,
  ) {
    super();
    this.#client = ca === undefined && localAddress === undefined ? {} : {
      client: Deno.createHttpClient({
        ...(ca === undefined ? {} : { caCerts: [ca] }),
        ...(localAddress === undefined ? {} : { localAddress }),
      }),
    };
    this.#headers = { ...headers, ...origin === undefined ? {} : { origin } };
    this.socket = new WebSocketSSE(url, protocols, { fetch: this.#fetch });
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => {
      this.#isOpened = true;
      this.emit("open");
    };
    this.socket.onmessage = ({ data }) =>
      this.emit("message", Buffer.from(data), typeof data !== "string");
    this.socket.onclose = ({ code, reason }) => this.emit("close", code, Buffer.from(reason));
    this.socket.onerror = () => this.emit("error", new Error("the session has ended"));
  }

  get readyState(): number {
    return this.socket.readyState;
  }

  get protocol(): string {
    return this.socket.protocol;
  }

  get extensions(): string {
    return this.socket.extensions;
  }

  send(data: string | Uint8Array): void {
    this.socket.send(data);
  }

  close(code?: number, reason?: string): void {
    this.socket.close(code, reason);
  }

  /** Vanishes without a close: cuts the connection, and never reconnects. */
  terminate(): void {
    if (this.socket.readyState === WebSocketSSE.CLOSED) return;
    this.#isCut = true;
    this.drop();
  }

  /** Cuts the connection; the client may reconnect. */
  drop(): void {
    for (const request of this.#requests) request.abort();
    this.#requests.clear();
    this.resume();
  }

  /** Stops reading. */
  pause(): void {
    this.#isPaused = true;
  }

  /** Continues to read. */
  resume(): void {
    this.#isPaused = false;
    this.#wake();
  }

  readonly #fetch = async (url: string | URL | Request, init: RequestInit = {}) => {
    if (this.#isCut) throw new TypeError("the connection is cut");
    const headers = new Headers(init.headers);
    for (const [name, value] of Object.entries(this.#headers)) headers.set(name, value);
    // `AbortSignal.any` does not work: Deno 2.9 may collect a signal without other references.
    const request = new AbortController();
    this.#requests.add(request);
    init.signal?.addEventListener("abort", () => request.abort());
    const { signal } = request;
    const response = await fetch(url, { ...init, ...this.#client, headers, signal });
    if ((init.method ?? "GET") !== "GET" || this.#isOpened) {
      return this.#slowed(response, signal);
    }
    const fields = { ...Object.fromEntries(response.headers), ...cookiesOf(response) };
    if (response.ok) {
      this.emit("upgrade", { headers: fields });
      return this.#slowed(response, signal);
    }
    const { status } = response;
    this.emit("refused", { status, headers: fields, body: await response.text() });
    return new Response(null, { status });
  };

  /** Returns the response, whose body stops while the test pauses reading. */
  #slowed(response: Response, signal: AbortSignal): Response {
    if (!response.body) return response;
    const reader = response.body.getReader();
    // Deno 2.9 does not cancel the body once the response has no references.
    signal.addEventListener("abort", () => void reader.cancel().catch(() => {}));
    const body = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        while (this.#isPaused) await new Promise<void>((resolve) => this.#wake = resolve);
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    }, { highWaterMark: 0 });
    return new Response(body, response);
  }
}

function cookiesOf(response: Response): Record<string, string[]> {
  const cookies = response.headers.getSetCookie();
  return cookies.length > 0 ? { "set-cookie": cookies } : {};
}

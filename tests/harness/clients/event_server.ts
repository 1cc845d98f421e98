/** A request that the server received. */
export interface Asked {
  readonly method: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** The server's end of a response with events, written by a test. */
export class Line {
  readonly response: Response;
  /** Resolves once the client has left. */
  readonly gone: Promise<void>;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #sequence: number;

  /** @param next number of the next event. */
  constructor(next = 0, headers: HeadersInit = {}) {
    this.#sequence = next;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.gone = promise;
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#controller = controller),
      cancel: () => resolve(),
    });
    this.response = new Response(stream, {
      headers: { "content-type": "text/event-stream; charset=utf-8", ...headers },
    });
  }

  /** Writes a text or bytes unchanged. */
  raw(text: string | Uint8Array): this {
    this.#controller.enqueue(typeof text === "string" ? new TextEncoder().encode(text) : text);
    return this;
  }

  /** Writes an event of the session `t`. */
  event(data: string, name?: string): this {
    const lines = data.split("\n").map((line) => `data: ${line}\n`).join("");
    return this.raw(`id: t.${this.#sequence++}\n${name ? `event: ${name}\n` : ""}${lines}\n`);
  }

  open(details: Readonly<Record<string, unknown>> = {}): this {
    const all = { protocol: "", heartbeat: 15_000, grace: 30_000, maxPayload: 1024, ...details };
    return this.event(JSON.stringify(all), "start");
  }

  resume(received: number): this {
    return this.raw(`event: resume\ndata: ${JSON.stringify({ received })}\n\n`);
  }

  close(code: number, reason = ""): this {
    const data = JSON.stringify({ code, reason });
    return this.raw(`id: closed\nevent: close\ndata: ${data}\n\n`).end();
  }

  /** Ends the response, as a server does. */
  end(): this {
    this.#controller.close();
    return this;
  }

  /** Breaks the response off in the middle. */
  cut(): this {
    this.#controller.error(new Error("cut by the test"));
    return this;
  }
}

/** Answers a request. A GET usually gets the response of a {@linkcode Line}. */
export type Answer = (asked: Asked) => Response | Promise<Response>;

/** A server with answers written by a test. */
export class EventServer implements AsyncDisposable {
  /** All requests. */
  readonly asked: Asked[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #abort = new AbortController();

  /** @param answers answers by method; 204 for all others, and for an answer of `undefined`. */
  constructor(answers: Readonly<Record<string, Answer>>) {
    this.#server = Deno.serve({
      port: 0,
      hostname: "127.0.0.1",
      signal: this.#abort.signal,
      onListen() {},
      onError: () => new Response(null, { status: 500 }),
    }, async (request) => {
      const { method, headers } = request;
      const asked = { method, headers: new Headers(headers), body: await request.bytes() };
      this.asked.push(asked);
      return await answers[method]?.(asked) ?? new Response(null, { status: 204 });
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/chat`;
  }

  /** Returns the requests of a method. */
  by(method: string): Asked[] {
    return this.asked.filter((asked) => asked.method === method);
  }

  /** Ends the server, even during a response that a failed test has left open. */
  async [Symbol.asyncDispose](): Promise<void> {
    const timer = setTimeout(() => this.#abort.abort(), 1_000);
    await this.#server.shutdown();
    clearTimeout(timer);
  }
}

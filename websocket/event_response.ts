import { createParser, type EventSourceMessage } from "eventsource-parser";

/** What an {@linkcode EventResponse} asks, and whom it tells. */
export interface EventResponseHost {
  /** Most milliseconds between two signs of life. */
  readonly heartbeat: number;
  /** Asks for a response: all events since the last that came. */
  request(poll: boolean, signal: AbortSignal): Promise<Response>;
  /** A response has begun. */
  headers(headers: Headers): void;
  /** Takes an event; returns whether it is one of the session, not of the line alone. */
  event(event: EventSourceMessage): boolean;
}

/** Heartbeats that may be missed. */
const PATIENCE = 2;

/** One response with events, and how it went. */
export class EventResponse {
  /** Whether anything came. */
  wasHeard = false;
  /** Whether an event of the session came, or it lived as long as one may that has none. */
  wasUseful = false;
  /** Whether it was given up, as nothing came for too long. */
  wasSilent = false;
  /** Whether the server has said that there is nothing to come back for. */
  isLast = false;
  readonly #host: EventResponseHost;
  readonly #ended: AbortSignal;
  readonly #abort = new AbortController();
  readonly #begunAt = performance.now();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(host: EventResponseHost, ended: AbortSignal) {
    this.#host = host;
    this.#ended = ended;
  }

  /** Asks for it and reads it to its end; returns why it ended. */
  async read(poll: boolean): Promise<string> {
    const abort = () => this.#abort.abort();
    this.#ended.addEventListener("abort", abort, { signal: this.#abort.signal });
    this.#watch();
    try {
      const { status, headers, body } = await this.#host.request(poll, this.#abort.signal);
      if (status === 200 && body && headers.get("content-type")?.startsWith("text/event-stream")) {
        this.#host.headers(headers);
        await this.#readEvents(body);
        return "The line was lost";
      }
      this.isLast = status === 204;
      await body?.cancel();
      return `The server answered with ${status}`;
    } catch (error) {
      return this.wasSilent ? "The server was silent" : String(error);
    } finally {
      clearTimeout(this.#timer);
      abort(); // what cannot be read may go on
    }
  }

  async #readEvents(body: ReadableStream<Uint8Array>): Promise<void> {
    const events: EventSourceMessage[] = [];
    const parser = createParser({ onEvent: (event) => void events.push(event) });
    const decoder = new TextDecoder();
    const reader = body.getReader();
    this.#abort.signal.addEventListener("abort", () => void reader.cancel().catch(() => {}));
    while (true) {
      const { done, value } = await reader.read();
      if (done) return;
      this.#heard();
      parser.feed(decoder.decode(value, { stream: true }));
      await this.#deliver(events.splice(0));
    }
  }

  /** Each in a task of its own, as a WebSocket does: what one sets off is done before the next. */
  async #deliver(events: readonly EventSourceMessage[]): Promise<void> {
    for (const [index, event] of events.entries()) {
      if (index > 0) await nextTask();
      if (this.#abort.signal.aborted) return;
      if (this.#host.event(event)) this.wasUseful = true;
      this.#watch(); // a slow listener is no silence
    }
  }

  #heard(): void {
    this.wasHeard = true;
    if (performance.now() - this.#begunAt > this.#host.heartbeat / 2) this.wasUseful = true;
    this.#watch();
  }

  /** Waits for the next sign of life, for so long as the server has said by now. */
  #watch(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.wasSilent = true;
      this.#abort.abort();
    }, PATIENCE * this.#host.heartbeat);
  }
}

/** Not by a timer: those of pages in the background come once a second. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

import { createParser, type EventSourceMessage } from "eventsource-parser";
import { MAX_TIME } from "./backoff.ts";

/** The owner of an {@linkcode EventResponse}: settings and callbacks. */
export interface EventResponseHost {
  /** Most milliseconds between two chunks of a healthy response. */
  readonly heartbeat: number;
  /** Requests a response with all events after the last one received. */
  request(poll: boolean, signal: AbortSignal): Promise<Response>;
  /** Called when the headers of a response have arrived. */
  headers(headers: Headers): void;
  /** Handles an event. Returns whether the event carries session data: then the response is useful. */
  event(event: EventSourceMessage): boolean;
}

/** Number of heartbeat intervals without data after which the client aborts a response. */
const MAX_SILENT_HEARTBEATS = 2;

const EVENT_STREAM = /^text\/event-stream\s*(?:;|$)/i;

/** One response with events, and its outcome. */
export class EventResponse {
  /** Whether any byte was received. */
  wasHeard = false;
  /** Whether an event with session data was received, or the response lasted half a heartbeat. */
  wasUseful = false;
  /** Whether the client aborted the response because no byte arrived for too long. */
  wasSilent = false;
  /** Whether the server answered 204: the session is over. */
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

  /** Requests the response and reads it to its end. Returns the reason of the end. */
  async read(poll: boolean): Promise<string> {
    const abort = () => this.#abort.abort();
    this.#ended.addEventListener("abort", abort, { signal: this.#abort.signal });
    this.#watch();
    try {
      const { status, headers, body } = await this.#host.request(poll, this.#abort.signal);
      if (status === 200 && body && EVENT_STREAM.test(headers.get("content-type") ?? "")) {
        this.#host.headers(headers);
        await this.#readEvents(body);
        return "The stream was lost";
      }
      this.isLast = status === 204;
      await body?.cancel();
      return `The server answered with ${status}`;
    } catch (error) {
      return this.wasSilent ? "The server was silent" : String(error);
    } finally {
      clearTimeout(this.#timer);
      abort(); // ends a response that is not read
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

  /** Delivers each event in its own task, as a WebSocket does: its microtasks run before the next event. */
  async #deliver(events: readonly EventSourceMessage[]): Promise<void> {
    for (const [index, event] of events.entries()) {
      if (index > 0) await nextTask();
      if (this.#abort.signal.aborted) return;
      if (this.#host.event(event)) this.wasUseful = true;
      this.#watch(); // time spent in listeners does not count as silence
    }
  }

  #heard(): void {
    this.wasHeard = true;
    if (performance.now() - this.#begunAt > this.#host.heartbeat / 2) this.wasUseful = true;
    this.#watch();
  }

  /** Restarts the time-out for the next chunk. The server may have changed the heartbeat meanwhile. */
  #watch(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.wasSilent = true;
      this.#abort.abort();
    }, Math.min(MAX_SILENT_HEARTBEATS * this.#host.heartbeat, MAX_TIME));
  }
}

/** Waits for the next task, without a timer: in background pages, timers run only once a second. */
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

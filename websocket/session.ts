import type { EventSourceMessage } from "eventsource-parser";
import { sleep } from "./backoff.ts";
import { EventReader, type EventReaderHost } from "./event_reader.ts";
import { type Post, Posts, type PostsHost } from "./posts.ts";
import type { CloseDetails } from "./rules.ts";
import type { WebSocketSSEOptions } from "./sse_options.ts";

/** The owner of a {@linkcode Session}: its callbacks. */
export interface SessionOwner {
  opened(protocol: string): void;
  message(data: string | Uint8Array<ArrayBuffer>): void;
  /** Called when the session starts to close. */
  closing(): void;
  /** Called once, when the session is over. */
  ended(code: number, reason: string, wasClean: boolean): void;
}

interface OpenDetails {
  readonly protocol: string;
  readonly heartbeat: number;
  readonly grace: number;
}

const DEFAULT_HEARTBEAT = 15_000;
/** Milliseconds to wait for the server's last messages after the server has accepted our close. */
const CLOSE_WAIT = 1_000;
const ABNORMAL = 1006;
/** Close codes for HTTP statuses; 1008 for every other status. */
const CODES: Readonly<Record<number, number>> = { 413: 1009, 415: 1003 };

/** Client half of a session: events from the server, and requests to the server. */
export class Session implements EventReaderHost, PostsHost {
  heartbeat: number = DEFAULT_HEARTBEAT;
  grace = 0;
  readonly #url: string;
  readonly #protocols: readonly string[];
  readonly #options: WebSocketSSEOptions;
  readonly #owner: SessionOwner;
  readonly #headers: Headers;
  readonly #ended = new AbortController();
  readonly #posts: Posts;
  /** Session token, which proves that a request comes from this client. */
  #token: string | null = null;
  /** Number of the last event that was received. */
  #sequence = -1;
  /** Code and reason of our close. */
  #closing: CloseDetails | undefined;
  /** Whether the server has accepted our close. */
  #isClosed = false;
  #isOver = false;

  /** Opens the session. */
  constructor(
    url: string,
    protocols: readonly string[],
    options: WebSocketSSEOptions,
    owner: SessionOwner,
  ) {
    this.#url = url;
    this.#protocols = protocols;
    this.#options = options;
    this.#owner = owner;
    this.#headers = new Headers(options.headers);
    this.#setHeartbeat(options.heartbeat);
    this.#posts = new Posts(this, this.#ended.signal);
    void new EventReader(this, this.#ended.signal, options.delivery === "poll").run();
  }

  /** Bytes that the server has not confirmed. */
  get bufferedAmount(): number {
    return this.#posts.bufferedAmount;
  }

  /** Sends a message after all earlier ones. */
  post(type: string, body: Uint8Array<ArrayBuffer> | Blob, size: number): void {
    this.#posts.add({ method: "POST", type, body, size });
  }

  /** Closes the session after the server has accepted all earlier messages. */
  close(details: CloseDetails): void {
    this.#closing = details;
    this.#posts.add(closing(details));
  }

  /** Ends the session at once. Tells the server, but does not wait for the response. */
  abandon(details: CloseDetails): void {
    this.#sendClose(details);
    this.#ended.abort();
    setTimeout(() => this.#end(ABNORMAL, "", false));
  }

  async request(poll: boolean, signal: AbortSignal): Promise<Response> {
    const headers = new Headers(this.#headers);
    headers.set("accept", "text/event-stream");
    if (this.#token) headers.set("last-event-id", `${this.#token}.${this.#sequence}`);
    else if (this.#protocols.length) headers.set("onepeer-protocols", this.#protocols.join(", "));
    if (poll) headers.set("onepeer-delivery", "poll");
    return await this.#fetch({ headers, signal, cache: "no-store" });
  }

  headers(headers: Headers): void {
    this.#token ??= headers.get("onepeer-session");
    this.#setHeartbeat(headers.get("onepeer-heartbeat"));
  }

  event(event: EventSourceMessage): boolean {
    try {
      return this.#read(event);
    } catch (error) {
      // Its message is lost, and no later response brings it again.
      this.failed(`The server has sent an invalid event: ${error}`);
      return false;
    }
  }

  #read({ id, event, data }: EventSourceMessage): boolean {
    if (event === "resume") {
      this.#posts.acknowledge((JSON.parse(data) as { received: number }).received);
      return false;
    }
    if (event === "close") {
      const { code, reason } = JSON.parse(data) as Record<string, unknown>;
      if (!Number.isInteger(code) || typeof reason !== "string") throw new TypeError(data);
      this.#closedByServer(code as number, reason);
      return true;
    }
    return this.#isNext(id) && this.#take(event, data);
  }

  buffering(): void {
    console.warn(`onepeer: a proxy before ${this.#url} buffers responses: polling from now on`);
    const { onBuffering } = this.#options;
    if (onBuffering) queueMicrotask(onBuffering);
  }

  silent(): void {
    this.#posts.retry();
  }

  failed(reason: string): void {
    this.#sendClose({ code: 1001 });
    this.#end(ABNORMAL, reason, false);
  }

  /** Rejects, and never throws: the token of a hostile server may be no header, and `fetch` may throw. */
  async send(
    { method, type, body }: Post,
    sequence: number,
    signal: AbortSignal | null,
  ): Promise<Response> {
    const headers = new Headers(this.#headers);
    headers.set("content-type", type);
    headers.set("onepeer-session", this.#token ?? "");
    if (method === "POST") headers.set("onepeer-sequence", String(sequence));
    // `keepalive` lets the close outlive the page.
    return await this.#fetch({ method, headers, body, signal, keepalive: method === "DELETE" });
  }

  closed(isOk: boolean, code?: string): void {
    if (!isOk) return this.#end(ABNORMAL, withCode("The session is over", code), false);
    this.#isClosed = true;
    // The last messages of the server, and its own close, may still be under way.
    void sleep(CLOSE_WAIT, this.#ended.signal).then(() => this.#end(ABNORMAL, "", false));
  }

  refused(status: number, code?: string): void {
    const reason = withCode(`The server answered a message with ${status}`, code);
    this.#owner.closing();
    this.close({ code: CODES[status] ?? 1008, reason });
  }

  /** Whether an event is new. Ends the session if an event is missing. */
  #isNext(id: string | undefined): boolean {
    if (id === undefined) return false;
    const dot = id.lastIndexOf(".");
    const sequence = Number(id.slice(dot + 1));
    if (!(sequence > this.#sequence)) return false;
    if (sequence > this.#sequence + 1) {
      this.failed("The server has skipped messages");
      return false;
    }
    this.#token = id.slice(0, dot);
    this.#sequence = sequence;
    return true;
  }

  /** Handles an event. Returns whether this version knows its type. */
  #take(event: string | undefined, data: string): boolean {
    if ((this.#sequence === 0) !== (event === "start")) {
      throw new TypeError("the session must begin with one start");
    }
    switch (event) {
      case undefined:
        this.#owner.message(data);
        return true;
      case "json":
        this.#owner.message(textIn(data));
        return true;
      case "binary":
        this.#owner.message(fromBase64(data));
        return true;
      case "start": {
        const { protocol, heartbeat, grace } = JSON.parse(data) as OpenDetails;
        this.#setHeartbeat(heartbeat);
        this.grace = Number(grace) || 0;
        this.#owner.opened(protocol);
        return true;
      }
      default:
        return false;
    }
  }

  /** Ignores a value that is no time. */
  #setHeartbeat(ms: unknown): void {
    if (Number(ms) > 0) this.heartbeat = Number(ms);
  }

  #closedByServer(code: number, reason: string): void {
    if (code === ABNORMAL) return this.#end(ABNORMAL, reason, false);
    // If no message is queued before our own close, our close is under way already.
    if (this.bufferedAmount || !this.#closing) this.#sendClose({ code, reason });
    this.#end(code, reason, true);
  }

  /** Tells the server that the client leaves, even while the page is unloaded. */
  #sendClose(details: CloseDetails): void {
    if (!this.#token) return;
    this.send(closing(details), 0, null).then((response) => response.body?.cancel(), () => {});
  }

  #end(code: number, reason: string, wasClean: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#ended.abort();
    // The server has accepted our close, so a lost stream does not matter.
    if (this.#isClosed && !wasClean) {
      const { code = 1005, reason = "" } = this.#closing!;
      return this.#owner.ended(code, reason, true);
    }
    this.#owner.ended(code, reason, wasClean);
  }

  #fetch(init: RequestInit): Promise<Response> {
    const { fetch = globalThis.fetch, credentials } = this.#options;
    // Redirects are not followed: the token is for this server only.
    const request = { redirect: "manual", ...credentials ? { credentials } : {}, ...init } as const;
    return fetch(this.#url, request);
  }
}

/** Makes the last request of a session. */
function closing(details: CloseDetails): Post {
  const body = new TextEncoder().encode(JSON.stringify(details));
  return { method: "DELETE", type: "application/json", body, size: 0 };
}

function withCode(reason: string, code: string | undefined): string {
  return code ? `${reason}: ${code}` : reason;
}

function textIn(json: string): string {
  const text: unknown = JSON.parse(json);
  if (typeof text === "string") return text;
  throw new TypeError(
    `Cannot read an event of the type json as it must hold a text: ${typeof text}`,
  );
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/**
 * The same peers where WebSockets can't go: server-sent events down, requests up. For every server
 * with web-standard requests: `Deno.serve`, srvx on Node, `Bun.serve`, a Durable Object.
 *
 * @example
 * ```ts
 * import adapter from "@onepeer/onepeer/adapters/sse";
 *
 * const sse = adapter({ hooks: { message: (peer, message) => void peer.send(message) } });
 *
 * const server = Deno.serve({ port: 0 }, (request, info) => sse.fetch(request, info));
 *
 * await sse.close();
 * await server.shutdown();
 * ```
 *
 * @module
 */
import { Adapter, type AdapterOptions } from "../adapter.ts";
import type { Decision } from "../admission.ts";
import { checkClose } from "../close_code.ts";
import { misuse } from "../errors.ts";
import type { AnyContext } from "../handshake.ts";
import { type Awaitable, isThenable } from "../hooks.ts";
import { checkNumber, MAX_TIME } from "../limits.ts";
import type { Peer } from "../peer.ts";
import { CallbackSocket } from "../shims/callback_socket.ts";
import { type BodyFailure, RequestBody } from "../shims/request_body.ts";
import { isSameToken, keyOf } from "../shims/session_token.ts";
import {
  type EventStreamHandshake,
  METHODS,
  type ServerInfo,
  webHandshake,
} from "../shims/web_handshake.ts";
import {
  corsHeaders,
  framed,
  noContent,
  outOfOrder,
  preflightHeaders,
  REFUSALS,
  refused,
  type SSERefusal,
} from "../sse_answer.ts";
import { CLOSED_ID, type SessionHost, sessionWire, SSESession } from "../sse_session.ts";
import type { CloseInfo } from "../socket.ts";
import type { Stats } from "../stats.ts";
import { Timers, Watch } from "../timers.ts";

export type { ServerInfo } from "../shims/web_handshake.ts";

/** Options that only this adapter has. */
export interface SSEOptions<Context extends object = AnyContext> extends AdapterOptions<Context> {
  /**
   * Looks at every later request of a peer, beyond its secret and its origin: `true` lets it pass,
   * anything else is a 403. Must not read the body.
   */
  readonly authorize?: (request: Request, peer: Peer) => Awaitable<boolean>;
  /**
   * Milliseconds between comments on a line, so that nothing on the way takes it for dead.
   *
   * @default 15_000
   */
  readonly heartbeat?: number;
  /**
   * Milliseconds that a peer outlives its line, for the client to come back and miss nothing.
   *
   * @default 30_000
   */
  readonly grace?: number;
  /**
   * Bytes of what was sent to each peer that it may ask for again.
   *
   * @default 262_144
   */
  readonly replay?: number;
  /**
   * Milliseconds that the body of a request may take.
   *
   * @default 30_000
   */
  readonly bodyTimeout?: number;
}

const OWN_OPTIONS = ["authorize", "heartbeat", "grace", "replay", "bodyTimeout"] as const;
/** Bytes that the reason for a close may take, with all around it. */
const MAX_CLOSE = 1024;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Server-sent events down, requests up. */
export class SSEAdapter extends Adapter {
  readonly #host: SessionHost;
  readonly #timers = new Timers();
  readonly #bodyTimeout: number;
  /** What has something to send when the turn ends. */
  #gathering: SSESession[] = [];
  readonly #authorize: SSEOptions["authorize"];

  /** @internal Made by {@linkcode adapter}. */
  constructor(options: SSEOptions) {
    super(options, OWN_OPTIONS);
    const { heartbeat = 15_000, grace = 30_000, replay = 262_144, bodyTimeout = 30_000 } = options;
    checkNumber("heartbeat", heartbeat, 1, MAX_TIME);
    checkNumber("grace", grace, 0, MAX_TIME);
    checkNumber("replay", replay, 0, Infinity);
    checkNumber("bodyTimeout", bodyTimeout, 1, MAX_TIME);
    const { authorize } = options;
    if (authorize !== undefined && typeof authorize !== "function") {
      throw new TypeError(misuse("authorize", "a function", authorize));
    }
    this.#authorize = authorize;
    this.#bodyTimeout = bodyTimeout;
    this.#host = {
      heartbeat,
      grace,
      replay,
      maxPayload: this.endpoint.limits.maxPayload,
      timers: this.#timers,
      lines: new Watch<SSESession>(this.#timers, heartbeat, (session) => session.beat()),
      sessions: new Map(),
      flushLater: (session) => this.#flushLater(session),
    };
  }

  /** Counters and gauges, as they are now. */
  override get stats(): Stats {
    const { timers, ...stats } = super.stats;
    return { ...stats, timers: timers + this.#timers.size };
  }

  /**
   * Answers a request: `GET` opens a stream of events or resumes one, `POST` brings a message,
   * `DELETE` closes. Never rejects.
   *
   * @param info what the server gives beside the request: of Deno, or Bun's `Server`.
   */
  async fetch(request: Request, info?: ServerInfo): Promise<Response> {
    const { method, headers } = request;
    if (method === "POST") {
      return await this.#answer(request, (session) => this.#take(session, request));
    }
    if (method === "DELETE") {
      return await this.#answer(request, (session) => this.#leave(session, request));
    }
    const handshake = webHandshake(request, info);
    if (method === "OPTIONS") return this.#preflight(handshake);
    info?.timeout?.(request, 0); // Bun 1.4 ends a line that was silent for ten seconds
    const lastId = method === "GET" ? headers.get("last-event-id") : null;
    if (lastId) return await this.#resume(request, handshake, lastId);
    const answer = await this.answer(request, handshake, (it) => this.#accept(handshake, it));
    return answer ? framed(answer) : noContent();
  }

  #flushLater(session: SSESession): void {
    if (this.#gathering.push(session) > 1) return;
    queueMicrotask(() => {
      const sessions = this.#gathering;
      this.#gathering = [];
      for (const session of sessions) session.flush();
    });
  }

  #accept(
    handshake: EventStreamHandshake,
    { admission, protocol, headers: more }: Decision & { kind: "accept" },
  ): Response {
    const session = new SSESession(this.#host, handshake.header("origin"));
    session.socket = new CallbackSocket(sessionWire, session, protocol);
    session.cors = this.#corsOf(handshake);
    session.peer = this.endpoint.attach(session.socket, admission);
    const { body } = session.start(isPoll(handshake));
    const headers = this.#streamHeaders(session.cors, session);
    for (const [name, value] of more) headers.append(name, value);
    return new Response(body, { headers });
  }

  async #resume(
    request: Request,
    handshake: EventStreamHandshake,
    lastId: string,
  ): Promise<Response> {
    const cors = this.#corsOf(handshake);
    const dot = lastId.lastIndexOf(".");
    const session = this.#find(lastId.slice(0, Math.max(dot, 0)));
    const sequence = lastId.slice(dot + 1);
    if (sequence === CLOSED_ID) {
      session?.left(1005, "");
      return noContent(cors);
    }
    const refusal = session && await this.#mistrust(session, request);
    if (refusal) return refused(refusal, cors);
    const line = /^\d{1,15}$/.test(sequence)
      ? session?.restart(isPoll(handshake), Number(sequence))
      : undefined;
    if (line) return new Response(line.body, { headers: this.#streamHeaders(cors, session!) });
    return new Response(RECOVERY_FAILED, { headers: this.#streamHeaders(cors) });
  }

  /** Has a request of a session carried out by `act`, which says what is wrong with it. */
  async #answer(
    request: Request,
    act: (session: SSESession) => Promise<SSERefusal | undefined>,
  ): Promise<Response> {
    const session = this.#find(request.headers.get("onepeer-session"));
    if (!session) return refused(REFUSALS.session, this.#corsOf(webHandshake(request)));
    const refusal = await this.#mistrust(session, request) ?? await act(session);
    return refusal ? refused(refusal, session.cors) : noContent(session.cors);
  }

  #find(token: string | null): SSESession | undefined {
    const session = this.#host.sessions.get(keyOf(token ?? ""));
    return session && isSameToken(session.token, token!) ? session : undefined;
  }

  /** Why a request that knows the secret is not the client's all the same. */
  #mistrust(session: SSESession, request: Request): Awaitable<SSERefusal | undefined> {
    const origin = request.headers.get("origin");
    if (origin !== session.origin && !isOwn(origin, session)) return REFUSALS.origin;
    if (!this.#authorize) return undefined;
    try {
      const answer = this.#authorize(request, session.peer);
      if (!isThenable(answer)) return answer === true ? undefined : REFUSALS.unauthorized;
      return Promise.resolve(answer).then(
        (answer) => answer === true ? undefined : REFUSALS.unauthorized,
        (error) => this.#failed(request, error),
      );
    } catch (error) {
      return this.#failed(request, error);
    }
  }

  #failed(request: Request, error: unknown): SSERefusal {
    this.endpoint.failed(webHandshake(request), error);
    return REFUSALS.broken;
  }

  /** Takes one message, the next by its number; a request that comes again replaces the one before. */
  async #take(session: SSESession, request: Request): Promise<SSERefusal | undefined> {
    const [type = ""] = (request.headers.get("content-type") ?? "").split(";");
    const isText = type.trim().toLowerCase() === "text/plain";
    if (!isText && type.trim().toLowerCase() !== "application/octet-stream") return REFUSALS.type;
    const sequence = Number(request.headers.get("onepeer-sequence") ?? NaN);
    if (sequence !== session.received + 1) return outOfOrder(session.received + 1);
    const body = new RequestBody(request, this.#host.maxPayload);
    session.turn?.stop("replaced");
    session.turn = body;
    const bytes = await this.#read(body, session.paused);
    if (session.isOver) return REFUSALS.session;
    if (session.turn !== body || typeof bytes === "string") return this.#unread(session, bytes);
    session.turn = undefined;
    const payload = isText ? decode(bytes) : bytes;
    if (payload === undefined) return REFUSALS.text;
    session.take(payload, bytes.byteLength);
    await session.paused;
    return undefined;
  }

  #unread(session: SSESession, failure: unknown): SSERefusal {
    if (failure === "too large") return REFUSALS.tooLarge;
    if (failure === "too late") return REFUSALS.tooLate;
    return outOfOrder(session.received + 1);
  }

  async #read(
    body: RequestBody,
    ready?: Promise<void>,
  ): Promise<Uint8Array<ArrayBuffer> | BodyFailure> {
    if (ready) {
      const failure = await Promise.race([body.stopped, ready]);
      if (failure) return failure;
    }
    const cancel = this.#timers.after(this.#bodyTimeout, () => body.stop("too late"));
    const bytes = await body.read();
    cancel();
    return bytes;
  }

  async #leave(session: SSESession, request: Request): Promise<SSERefusal | undefined> {
    const bytes = await this.#read(new RequestBody(request, MAX_CLOSE));
    const close = typeof bytes === "string" ? undefined : closeIn(bytes);
    if (!close) return REFUSALS.close;
    session.left(close.code, close.reason);
    return undefined;
  }

  #preflight(handshake: EventStreamHandshake): Response {
    const origin = handshake.header("origin");
    if (!origin || !this.#corsOf(handshake)) return noContent({ allow: METHODS });
    const wanted = handshake.header("access-control-request-headers");
    return noContent(preflightHeaders(origin, wanted));
  }

  /** Nothing for pages of our own origin, and for those that nobody admits. */
  #corsOf(handshake: EventStreamHandshake): Record<string, string> | undefined {
    const origin = handshake.header("origin");
    if (origin === null || this.door.ownOrigin(handshake) === origin) return undefined;
    return this.door.admitsOrigin(origin, handshake) ? corsHeaders(origin) : undefined;
  }

  #streamHeaders(cors: HeadersInit | undefined, session?: SSESession): Headers {
    const headers = new Headers(cors);
    headers.set("content-type", "text/event-stream; charset=utf-8");
    headers.set("cache-control", "no-store, no-transform");
    headers.set("x-accel-buffering", "no");
    headers.set("onepeer-heartbeat", `${this.#host.heartbeat}`);
    if (session) headers.set("onepeer-session", session.token);
    return headers;
  }
}

/** Makes the adapter for server-sent events. */
export function adapter<Context extends object = AnyContext>(
  options: SSEOptions<Context> = {},
): SSEAdapter {
  return new SSEAdapter(options as unknown as SSEOptions);
}

export default adapter;

/** For who comes back too late, and must learn that its messages are lost. */
const RECOVERY_FAILED = `id: ${CLOSED_ID}
event: close
data: {"code":1006,"reason":"the session is over: what was missed cannot be recovered"}

`;

function isPoll(handshake: EventStreamHandshake): boolean {
  return handshake.header("onepeer-delivery") === "poll";
}

/** Whether a page of this origin is the server's own, where the request that opened the session named none. */
function isOwn(origin: string | null, session: SSESession): boolean {
  if (session.origin !== null || origin === null || !URL.canParse(origin)) return false;
  session.host ??= new URL(session.peer.request.url).host;
  return new URL(origin).host === session.host;
}

function decode(bytes: Uint8Array<ArrayBuffer>): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** What a client closes with; `undefined` where it may not. */
function closeIn(bytes: Uint8Array<ArrayBuffer>): Omit<CloseInfo, "wasClean"> | undefined {
  try {
    const { code = 1005, reason = "" } = JSON.parse(utf8.decode(bytes) || "{}");
    if (code !== 1005) checkClose(code, reason);
    return { code, reason: String(code === 1005 ? "" : reason) };
  } catch {
    return undefined;
  }
}

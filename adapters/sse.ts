/**
 * Peers over plain HTTP, for networks where WebSockets fail: the server sends server-sent events,
 * the client sends requests. For every server with web-standard requests: `Deno.serve`, srvx on
 * Node, `Bun.serve`, a Durable Object.
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
import { Adapter, type AdapterOptions } from "../endpoint/adapter.ts";
import type { Decision } from "../endpoint/upgrader.ts";
import { invalidOption } from "../common/errors.ts";
import { admitsOrigin } from "../handshake/allowed_origins.ts";
import { originOf } from "../handshake/forwarded.ts";
import { type AnyContext, clientHasLeft, isLegalHost } from "../handshake/handshake.ts";
import type { Awaitable } from "../endpoint/hooks.ts";
import { requestOf } from "../endpoint/pending_upgrade.ts";
import { checkNumber, MAX_TIME } from "../common/limits.ts";
import type { Peer } from "../peer.ts";
import { CallbackSocket } from "../socket/callback_socket.ts";
import {
  type EventStreamHandshake,
  infoOf,
  keepConnectionOpen,
  METHODS,
  requestedHost,
  type ServerInfo,
  webHandshake,
} from "./sse/web_handshake.ts";
import {
  corsHeaders,
  framed,
  noContent,
  preflightHeaders,
  REFUSALS,
  refused,
  unstored,
} from "./sse/answer.ts";
import type { EventStream } from "./sse/event_stream.ts";
import { watchConnection } from "./sse/node_connection.ts";
import { RequestGuard } from "./sse/request_guard.ts";
import { SSERequests } from "./sse/requests.ts";
import { CLOSED_ID, SSESession } from "./sse/session.ts";
import { sessionWire, SSESessions } from "./sse/sessions.ts";
import type { Stats } from "../common/stats.ts";

export type { ServerInfo, SSERequestRuntime } from "./sse/web_handshake.ts";

/** Options of the adapter for server-sent events. */
export interface SSEOptions<Context extends object = AnyContext> extends AdapterOptions<Context> {
  /**
   * Checks each request of a peer after the handshake, except the close. The adapter checks session
   * token and origin first. Return `true` to admit the request; any other value is a 403. The
   * function must not read the body.
   */
  readonly authorize?: (request: Request, peer: Peer) => Awaitable<boolean>;
  /**
   * Milliseconds between comments on a silent response. A proxy may end a silent response.
   *
   * @default 15_000
   */
  readonly heartbeat?: number;
  /**
   * Milliseconds that a peer outlives its response. A client that resumes within this time misses
   * no message, unless it has missed more than `replay` bytes.
   *
   * @default 30_000
   */
  readonly grace?: number;
  /**
   * Bytes of sent messages that are kept for each peer, to be sent again when its client resumes.
   *
   * @default 262_144
   */
  readonly replay?: number;
  /**
   * Milliseconds that the body of a request may take. After this time, the request gets a 408.
   *
   * @default 30_000
   */
  readonly bodyTimeout?: number;
}

const OWN_OPTIONS = ["authorize", "heartbeat", "grace", "replay", "bodyTimeout"] as const;

/** The adapter for server-sent events. */
export class SSEAdapter extends Adapter {
  readonly #sessions: SSESessions;
  readonly #requests: SSERequests;
  readonly #guard: RequestGuard;

  /** @internal Called by {@linkcode adapter}. */
  constructor(options: SSEOptions) {
    super(options, OWN_OPTIONS);
    const { heartbeat = 15_000, grace = 30_000, replay = 262_144, bodyTimeout = 30_000 } = options;
    checkNumber("heartbeat", heartbeat, 1, MAX_TIME);
    checkNumber("grace", grace, 0, MAX_TIME);
    checkNumber("replay", replay, 0, Infinity);
    checkNumber("bodyTimeout", bodyTimeout, 1, MAX_TIME);
    const { authorize } = options;
    if (authorize !== undefined && typeof authorize !== "function") {
      throw new TypeError(invalidOption("authorize", "a function", authorize));
    }
    this.#guard = new RequestGuard(this.upgrader, authorize);
    this.#sessions = new SSESessions({ heartbeat, grace, replay, bodyTimeout });
    this.#requests = new SSERequests(this.#sessions.bodies);
  }

  /** Present values of the counters and gauges. */
  override get stats(): Stats {
    const { timers, ...stats } = super.stats;
    return { ...stats, timers: timers + this.#sessions.timers.size };
  }

  /**
   * Answers a request. `GET` opens or resumes an event stream, `POST` carries a message, and
   * `DELETE` closes the session. Never rejects.
   *
   * @param info second argument of a `fetch` handler on Deno, or Bun's `Server`.
   */
  readonly fetch: (request: Request, info?: ServerInfo) => Promise<Response> = async (
    request,
    info,
  ) => {
    try {
      return unstored(await this.#answer(request, info ?? infoOf(request)));
    } catch (error) { // thrown by an option that is a function
      this.upgrader.failed(webHandshake(request), error);
      return unstored(refused(REFUSALS.broken));
    }
  };

  async #answer(request: Request, info?: ServerInfo): Promise<Response> {
    const { method, headers } = request;
    if (!isLegalHost(requestedHost(request))) {
      this.upgrader.failed(webHandshake(request));
      return refused(REFUSALS.host);
    }
    if (method === "POST" || method === "DELETE") return await this.#carryOut(request, info);
    const handshake = webHandshake(request, info);
    if (method === "OPTIONS") return await this.#preflight(request, info);
    keepConnectionOpen(request, info);
    const lastId = method === "GET" ? headers.get("last-event-id") : null;
    if (lastId) return await this.#resume(request, handshake, lastId);
    let isStream = false;
    const unwatch = watchConnection(request, () => handshake.abort(clientHasLeft));
    const answer = await this.answer(request, handshake, (it) => {
      isStream = true;
      return this.#accept(request, handshake, it);
    });
    unwatch();
    if (isStream && answer) return answer;
    // CORS headers let a page of another origin read the reason. Only a GET gets these headers: a
    // function `allowedOrigins` reads a `Request`, which cannot have a method such as TRACE.
    const cors = method === "GET" ? this.#corsOf(handshake) : undefined;
    return answer ? framed(answer, cors) : noContent(cors);
  }

  #accept(
    request: Request,
    handshake: EventStreamHandshake,
    { admission, protocol, headers: more }: Decision & { kind: "accept" },
  ): Response {
    const { settings } = admission;
    const session = new SSESession(this.#sessions, handshake.header("origin"), settings);
    session.socket = new CallbackSocket(sessionWire, session, protocol);
    session.cors = this.#corsOf(handshake);
    session.peer = this.endpoint.attach(session.socket, admission);
    const headers = this.#streamHeaders(session.cors, session);
    for (const [name, value] of more) headers.append(name, value);
    return streamed(session.start(isPoll(handshake)), request, headers);
  }

  async #resume(
    request: Request,
    handshake: EventStreamHandshake,
    lastId: string,
  ): Promise<Response> {
    const dot = lastId.lastIndexOf(".");
    const token = lastId.slice(0, Math.max(dot, 0));
    const session = this.#sessions.find(token);
    const cors = session
      ? this.#corsOf(handshake, session.settings)
      : await this.#corsWithoutSession(request);
    const sequence = lastId.slice(dot + 1);
    const refusal = session && await this.#guard.refusal(session, request);
    if (refusal) return refused(refusal, cors);
    if (sequence === CLOSED_ID) {
      if (!session && !this.#sessions.hasLeft(token)) return refused(REFUSALS.session, cors);
      session?.left(1005, "");
      return noContent(cors);
    }
    const stream = /^(?:-1|\d{1,15})$/.test(sequence)
      ? session?.restart(isPoll(handshake), Number(sequence))
      : undefined;
    if (stream) return streamed(stream, request, this.#streamHeaders(cors, session!));
    return new Response(this.#sessions.closingEvent(token), { headers: this.#streamHeaders(cors) });
  }

  /** Handles a message or a close of a client. */
  async #carryOut(request: Request, info?: ServerInfo): Promise<Response> {
    const isPost = request.method === "POST";
    const token = request.headers.get("onepeer-session");
    const session = this.#sessions.find(token);
    if (!session) {
      const cors = await this.#corsWithoutSession(request, info);
      const isAgain = !isPost && this.#sessions.hasLeft(token);
      return isAgain ? noContent(cors) : refused(REFUSALS.session, cors);
    }
    keepConnectionOpen(request, info);
    // The token alone admits a close: a session that cannot be closed would last for `grace`.
    const refusal = isPost
      ? await this.#guard.refusal(session, request) ?? await this.#requests.take(session, request)
      : await this.#requests.leave(session, request);
    return refusal ? refused(refusal, session.cors) : noContent(session.cors);
  }

  async #preflight(request: Request, info?: ServerInfo): Promise<Response> {
    const origin = request.headers.get("origin");
    const cors = origin && await this.#corsWithoutSession(request, info);
    if (!cors) return noContent({ allow: METHODS });
    const wanted = request.headers.get("access-control-request-headers");
    return noContent(preflightHeaders(origin, wanted));
  }

  /**
   * Returns CORS headers if the page has another origin that is admitted; else `undefined`.
   *
   * @param settings options in force for the request.
   */
  #corsOf(
    handshake: EventStreamHandshake,
    { allowedOrigins, trustedHops } = this.upgrader.settingsOf(handshake),
  ): Record<string, string> | undefined {
    const origin = handshake.header("origin");
    if (origin === null || originOf(handshake, trustedHops) === origin) return undefined;
    const toRequest = () => requestOf(handshake, trustedHops);
    return admitsOrigin(allowedOrigins, origin, toRequest) ? corsHeaders(origin) : undefined;
  }

  /** Same, for a request without a session. `resolve` chooses hooks as for a GET to the same URL. */
  async #corsWithoutSession(
    request: Request,
    info?: ServerInfo,
  ): Promise<Record<string, string> | undefined> {
    if (!request.headers.has("origin")) return undefined;
    const handshake = webHandshake(request, info, "GET");
    return this.#corsOf(handshake, await this.upgrader.settingsFor(handshake));
  }

  #streamHeaders(cors: HeadersInit | undefined, session?: SSESession): Headers {
    const headers = new Headers(cors);
    headers.set("content-type", "text/event-stream; charset=utf-8");
    headers.set("cache-control", "no-store, no-transform");
    headers.set("x-accel-buffering", "no");
    headers.set("onepeer-heartbeat", `${this.#sessions.heartbeat}`);
    if (session) headers.set("onepeer-session", session.token);
    return headers;
  }
}

/** Creates the adapter for server-sent events. */
export function adapter<Context extends object = AnyContext>(
  options: SSEOptions<Context> = {},
): SSEAdapter {
  return new SSEAdapter(options as unknown as SSEOptions);
}

export default adapter;

/** Makes the response of a stream, which ends with the connection of the request. */
function streamed(stream: EventStream, request: Request, headers: Headers): Response {
  stream.endWith((ended) => watchConnection(request, ended));
  return new Response(stream.body, { headers });
}

function isPoll(handshake: EventStreamHandshake): boolean {
  return handshake.header("onepeer-delivery") === "poll";
}

import { Adapter, endpointOf } from "../../endpoint/adapter.ts";
import type { ConnectionHost } from "../../endpoint/connection_host.ts";
import type { Decision } from "../../endpoint/upgrader.ts";
import { checkCloudflare, type CloudflareRoomOptions, type Heartbeat } from "./options.ts";
import type { CloseOptions } from "../../endpoint/call_options.ts";
import { encode, utf8Length } from "../../socket/frame.ts";
import type { Limits } from "../../common/limits.ts";
import type { Peer } from "../../peer.ts";
import { CallbackSocket } from "../../socket/callback_socket.ts";
import { ContextTimers } from "../../shims/workerd/context_timers.ts";
import type { RawHandshake } from "../../handshake/raw_handshake.ts";
import {
  checkWakes,
  RequestContext,
  type WorkerContext,
} from "../../shims/workerd/request_context.ts";
import {
  type LineHost,
  LINGER_MS,
  RemoteSocket,
  type WorkerSocket,
  workerWire,
} from "../../shims/workerd/remote_socket.ts";
import {
  extensionsOf,
  handshakeOf,
  refusalOf,
  socketPair,
  switching,
} from "../../shims/workerd/upgrade.ts";
import { closeFailureOf, failureOf } from "../../shims/workerd/workerd.ts";
import type { CloseInfo, SocketFailure } from "../../socket/socket.ts";
import { SharedInterval } from "../../common/timers.ts";

/** A peer of this isolate. */
interface Resident {
  readonly peer: Peer;
  readonly limits: Limits;
  /** Checks whether the client is silent; `undefined` without heartbeats or `idleTimeout`. */
  readonly clients: SharedInterval<RemoteSocket> | undefined;
  /** Whether the task of the latest check is still waiting in the peer's context. */
  isSilent: boolean;
}

/** Sockets of the peers of all endpoints in this isolate. */
const lineOf = new WeakMap<Peer, RemoteSocket>();

/** Number of checks for silent clients in one `idleTimeout`. */
const LOOKS = 8;
/** Most values of `idleTimeout` with a check, for hooks with an `idleTimeout` of their own. */
const MAX_TIMES = 64;

/** Milliseconds after which a context that has not done a task counts as ended. */
const GONE_MS = 100;

/**
 * Peers and topics of a plain Worker in one isolate. A publish reaches the peers of this isolate
 * only. Cloudflare runs a Worker in many isolates, so **two clients of one Worker may be in
 * different isolates**. To reach all clients, use Durable Objects.
 */
export class IsolateEndpoint extends Adapter {
  readonly #timers: ContextTimers;
  readonly #isCompressed: boolean;
  readonly #heartbeat: Heartbeat | undefined;
  readonly #residents = new Map<RemoteSocket, Resident>();
  readonly #contexts: SharedInterval<RemoteSocket>;
  /** Checks for silent clients, by `idleTimeout`. */
  readonly #clients = new Map<number, SharedInterval<RemoteSocket>>();
  readonly #host: LineHost;
  /** Services of connections. Hooks and tasks of a peer run in the request of the peer. */
  readonly #connectionHost: ConnectionHost;

  /** @internal Called by the adapter for Cloudflare. */
  constructor(options: CloudflareRoomOptions) {
    checkCloudflare(options);
    const endpoint = endpointOf(options);
    super({ endpoint });
    const timers = this.#timers = endpoint.keepTimers(new ContextTimers());
    this.#isCompressed = Boolean(options.perMessageDeflate);
    this.#heartbeat = options.heartbeat;
    const { closeTimeout } = endpoint.limits;
    this.#contexts = new SharedInterval(timers, closeTimeout, (line) => this.#ask(line));
    this.#host = {
      hooksMayTake: closeTimeout,
      ended: (line) => this.#ended(line),
      over: ({ context }) => this.#leave(context),
    };
    this.#connectionHost = {
      ...endpoint.services.host,
      ran: (peer, hook) => void (hook && lineOf.get(peer)?.ran(hook)),
      later: (peer, task) => this.#later(lineOf.get(peer)?.context, task),
    };
  }

  /**
   * Returns the response to an upgrade request: the 101, or a refusal.
   *
   * @throws {TypeError} if `ctx` is missing.
   * @throws {Error} if the Worker's compatibility date is before 2024-10-14.
   */
  async handleUpgrade(request: Request, env: unknown, ctx: WorkerContext): Promise<Response> {
    if (typeof ctx?.waitUntil !== "function") {
      throw new TypeError(
        "Cannot serve a WebSocket without the request's ctx: call handleUpgrade(request, env, ctx) with the arguments of fetch",
      );
    }
    checkWakes();
    const context = new RequestContext(ctx);
    this.#timers.enter(context);
    const handshake = handshakeOf(request, env, ctx);
    const answer = refusalOf(handshake) ??
      await this.#timers.awake(
        context.run(() =>
          this.answer(request, handshake, (it) => this.#accept(context, handshake, it))
        ),
      );
    // The context must outlive the response: workerd may never call `cancel` of a body whose context
    // has ended.
    if (answer?.status !== 101) setTimeout(() => this.#leave(context), LINGER_MS);
    // The client has left, or a hook has taken over the connection: no client gets this response.
    return answer ?? new Response(null, { status: 204 });
  }

  /** Closes every peer of this isolate, and waits for the `close` hooks. New clients get 503. */
  override close(first?: CloseOptions | number, reason?: string): Promise<void> {
    return this.#timers.awake(super.close(first as number, reason));
  }

  #accept(
    context: RequestContext,
    handshake: RawHandshake,
    { admission, protocol, headers }: Decision & { kind: "accept" },
  ): Response {
    const [client, native] = socketPair<WorkerSocket>();
    const extensions = extensionsOf(handshake, this.#isCompressed);
    const { limits } = admission.settings, { closeTimeout } = limits;
    const isUsual = closeTimeout === this.#host.hooksMayTake;
    const host = isUsual ? this.#host : { ...this.#host, hooksMayTake: closeTimeout };
    const line = new RemoteSocket(native, context, host);
    const socket = new CallbackSocket(workerWire, native, protocol, extensions);
    native.accept({ allowHalfOpen: false }); // workerd then answers the client's close itself
    native.binaryType = "arraybuffer"; // the default is "blob" since 2026-03-17
    this.#listen(line, socket);
    const peer = this.endpoint.attach(socket, admission, this.#connectionHost);
    lineOf.set(peer, line);
    const clients = this.#clientsWith(limits.idleTimeout);
    this.#residents.set(line, { peer, limits, clients, isSilent: false });
    this.#contexts.add(line);
    clients?.add(line);
    context.run(() => socket.opened());
    return switching(client, socket, headers);
  }

  #listen(line: RemoteSocket, socket: CallbackSocket<WorkerSocket>): void {
    const { native, context } = line;
    line.drained = () => socket.drained();
    const on = <Event>(type: string, listener: (event: Event) => void) =>
      native.addEventListener(type, (event: never) => {
        this.#timers.enter(context);
        context.run(() => listener(event));
      });
    const closed = (info: CloseInfo) => {
      line.end(false);
      socket.closed(info);
    };
    const failed = (failure: SocketFailure | undefined) => {
      if (failure) socket.failed(failure);
      closed({ code: failure?.code ?? 1006, reason: "", wasClean: false });
    };
    on<{ data: string | ArrayBuffer }>("message", ({ data }) => {
      line.heardAt = Date.now();
      if (data === this.#heartbeat?.request) this.#sendHeartbeat(line);
      else if (typeof data === "string") socket.received(data, utf8Length(data));
      else socket.received(new Uint8Array(data), data.byteLength);
    });
    on<CloseInfo>("close", ({ code, reason, wasClean }) => {
      const failure = closeFailureOf(code);
      if (failure) failed(failure);
      else closed({ code, reason: code === 1006 ? "" : reason, wasClean });
    });
    on<{ error?: unknown; message?: string }>(
      "error",
      ({ error, message }) => failed(failureOf(error ?? message)),
    );
  }

  /** Answers a heartbeat. Terminates a client that does not read the answers. */
  #sendHeartbeat(line: RemoteSocket): void {
    const { peer, limits } = this.#residents.get(line) ?? {};
    if (limits && line.bufferedAmount > limits.maxBuffered) peer!.terminate();
    else line.send(encode(this.#heartbeat!.response));
  }

  /**
   * Runs a task in the context of its peer, because work that a task starts ends with the context
   * that runs the task. If the peer's context does not run the task within {@linkcode GONE_MS},
   * another context does.
   */
  #later(context: RequestContext | undefined, task: () => void): void {
    if (!context) return queueMicrotask(task); // a peer of another adapter
    const cancel = this.#timers.after(GONE_MS, task);
    const now = () => {
      cancel();
      task();
    };
    queueMicrotask(() => context.isOver ? now() : context.post(now));
  }

  /** Terminates a peer whose context has not done the last check's task. Else posts a new task. */
  #ask(line: RemoteSocket): void {
    const resident = this.#residents.get(line)!;
    if (resident.isSilent) {
      this.#leave(line.context);
      return resident.peer.terminate();
    }
    resident.isSilent = true;
    line.context.post(() => resident.isSilent = false);
  }

  #ended(line: RemoteSocket): void {
    this.#residents.get(line)?.clients?.delete(line);
    this.#residents.delete(line);
    this.#contexts.delete(line);
  }

  /** Returns the check for silent clients with this `idleTimeout`. */
  #clientsWith(idleTimeout: number): SharedInterval<RemoteSocket> | undefined {
    if (!this.#heartbeat || idleTimeout === 0) return undefined;
    let clients = this.#clients.get(idleTimeout);
    if (!clients) {
      if (this.#clients.size >= MAX_TIMES) this.#clients.clear(); // residents keep their checks
      clients = new SharedInterval(this.#timers, idleTimeout / LOOKS, (line) => {
        if (Date.now() - line.heardAt >= idleTimeout) this.#residents.get(line)?.peer.terminate();
      });
      this.#clients.set(idleTimeout, clients);
    }
    return clients;
  }

  #leave(context: RequestContext): void {
    this.#timers.leave(context);
    context.end();
  }
}

import { admitsOrigin } from "../handshake/allowed_origins.ts";
import { type Admission, Connection, type ConnectionHost } from "./connection.ts";
import { checkDeflate } from "../handshake/deflate_options.ts";
import { invalidOption, logError, PeerError } from "../common/errors.ts";
import { addressOf, hostOf, originOf } from "../handshake/forwarded.ts";
import {
  type AnyContext,
  type Handshake,
  listElements,
  pathnameOf,
  type Refusal,
  refusalResponse,
  type UpgradeRequest,
} from "../handshake/handshake.ts";
import {
  type Awaitable,
  chain,
  checkHookNames,
  HookChooser,
  type HookOptions,
  isThenable,
  type PeerHooks,
  type UpgradeResult,
} from "./hooks.ts";
import { foreignOrigin } from "../handshake/origin_guard.ts";
import { type FrameworkContext, kWebSocketHooks } from "./framework_hooks.ts";
import type { Peer, PeerInit } from "../peer.ts";
import { ConnectionSlots, CountedSlot, type Slot } from "./connection_slots.ts";
import type { ServerSocket } from "../socket/socket.ts";
import { checkedHeaders, checkResponse, chooseProtocol } from "../handshake/upgrade_headers.ts";

/** What becomes of a handshake. */
export type Decision =
  | {
    readonly kind: "accept";
    readonly admission: Admission;
    /** The subprotocol to select, `""` for none. */
    readonly protocol: string;
    /** What `upgrade` said of compression; `undefined` leaves it to the adapter. */
    readonly perMessageDeflate: boolean | object | undefined;
    /** More headers for the 101, checked. */
    readonly headers: readonly (readonly [string, string])[];
  }
  /** The client gets this response. */
  | { readonly kind: "refuse"; readonly response: Response }
  /** The `upgrade` hook has taken the socket over. */
  | { readonly kind: "handled" }
  /** The client has left. */
  | { readonly kind: "gone" };

/** What the doorkeeper shares with its endpoint. */
export interface UpgraderHost extends ConnectionHost {
  /** Whether the endpoint is going away. */
  isClosed(): boolean;
}

/** Of a peer that nobody can serve any more. */
const UNKNOWN_HOOKS: PeerHooks = { message: (peer) => peer.close(1011) };

const GOING_AWAY: Refusal = { status: 503, message: "This server is going away" };

/** Decides which handshakes become peers: the rules of RFC 6455, the limits, the origin guard, and the hooks. */
export class Upgrader {
  readonly #options: HookOptions;
  readonly #host: UpgraderHost;
  readonly #hooks: HookChooser;
  readonly #slots: ConnectionSlots;
  #originLogged = false;

  constructor(options: HookOptions, host: UpgraderHost) {
    checkHookNames(options.hooks);
    this.#options = options;
    this.#host = host;
    this.#hooks = new HookChooser(options.hooks ?? {});
    this.#slots = new ConnectionSlots(host.limits);
  }

  /** Decides at once, unless a hook is asynchronous. Never rejects. */
  decide(handshake: Handshake): Awaitable<Decision> {
    const address = addressOf(handshake, this.#host.trustedHops);
    const refusal = handshake.validate() ??
      (this.#host.isClosed() ? GOING_AWAY : undefined) ??
      this.#slots.refusal(address);
    if (refusal) return this.#refuse(refusalResponse(refusal));
    const visit = new PendingUpgrade(
      handshake,
      address,
      this.#host.trustedHops,
      this.#slots.take(address),
    );
    try {
      const foreign = this.#refuseForOrigin(visit);
      if (foreign) {
        visit.slot.release();
        return this.#refuse(refusalResponse(foreign));
      }
      const decision = this.#ask(visit);
      return isThenable(decision) ? this.#inTime(decision, visit) : decision;
    } catch (error) {
      return this.#failed(error, visit);
    }
  }

  /** Gives a place back if the socket does not open: Deno says nothing when a client leaves before. */
  expect({ slot }: Admission): void {
    if (!(slot instanceof CountedSlot)) return;
    const { timers, limits } = this.#host;
    slot.awaitOpen(timers.after(limits.handshakeTimeout, () => slot.release()));
  }

  /** Peers outlive this process, or the request they came by, from here on: who looks after that. */
  keepBy(keeper: Pick<ConnectionHost, "ran"> & Partial<Pick<ConnectionHost, "later">>): void {
    Object.assign(this.#host, keeper);
  }

  /** Makes a peer of what was saved of one that was admitted in an earlier life of this process. */
  revive(socket: ServerSocket, saved: PeerInit): Peer {
    const hooks = this.#hooksOf(saved.handshake);
    const connection = new Connection(socket, {
      ...saved,
      hooks: isThenable(hooks) ? {} : hooks,
      slot: this.#slots.take(saved.remoteAddress),
    }, this.#host);
    const { peer } = connection;
    if (isThenable(hooks)) this.#host.ran?.(peer, hooks as Promise<unknown> as Promise<void>);
    connection.onopen(isThenable(hooks) ? hooks : true);
    for (const topic of saved.topics ?? []) {
      this.#host.hub.subscribe(peer.namespace, topic, peer);
    }
    return peer;
  }

  /** Chooses hooks again, as at the handshake. Never rejects. */
  #hooksOf(handshake: Handshake): Awaitable<PeerHooks> {
    const request = () => requestOf(handshake, this.#host.trustedHops);
    const failed = (error: unknown) => {
      this.#report(error, "resolve", request());
      return UNKNOWN_HOOKS;
    };
    try {
      const hooks = chain(
        this.#options.resolve?.(request()),
        (chosen) => this.#hooks.choose(chosen as PeerHooks | undefined),
      );
      return isThenable(hooks) ? hooks.catch(failed) : hooks;
    } catch (error) {
      return failed(error);
    }
  }

  /** The adapter could not carry an admission out: gives the place back, and reports why. */
  failed(handshake: Handshake, error?: unknown, admission?: Admission): void {
    admission?.slot.release();
    this.#host.counters.refusals++;
    if (error === undefined) return; // the runtime has answered by itself, or the line was dead
    this.#report(error, "upgrade", requestOf(handshake, this.#host.trustedHops));
  }

  /** Whether pages of this origin may use what is served here, with credentials. */
  admitsOrigin(origin: string, handshake: Handshake): boolean {
    const { allowedOrigins } = this.#options;
    return admitsOrigin(
      allowedOrigins,
      origin,
      () => requestOf(handshake, this.#host.trustedHops),
    );
  }

  /** The origin by which clients reach this server. */
  ownOrigin(handshake: Handshake): string {
    return originOf(handshake, this.#host.trustedHops);
  }

  #ask(visit: PendingUpgrade): Awaitable<Decision> {
    return chain(this.#options.resolve?.(visit.request), (chosen) => {
      const hooks = this.#hooks.choose(chosen as PeerHooks | undefined);
      if (!hooks.upgrade) return this.#conclude(visit, hooks, undefined);
      return chain(
        hooks.upgrade(visit.request),
        (result) => this.#conclude(visit, hooks, result as UpgradeResult | Response | undefined),
      );
    });
  }

  /** Turns what the hooks said into a decision. */
  #conclude(
    visit: PendingUpgrade,
    hooks: PeerHooks,
    result: UpgradeResult | Response | undefined,
  ): Awaitable<Decision> {
    const { slot } = visit;
    if (visit.isOver) return { kind: "gone" }; // refused meanwhile, and counted
    if (result instanceof Response) {
      checkResponse(result);
      slot.release();
      return this.#refuse(result);
    }
    checkResult(result);
    if (result?.handled) {
      slot.release();
      return { kind: "handled" };
    }
    const ended = this.#ended(visit);
    if (ended) return ended;
    const headers = checkedHeaders(result?.headers);
    const named = chooseProtocol(visit.handshake, result?.protocol, headers);
    return chain(
      named || (result?.protocol ?? this.#handleProtocols(visit)),
      (picked) => this.#admit(visit, hooks, result, headers, picked || ""),
    );
  }

  /** What the option of that name picks, where the client offers something. */
  #handleProtocols(visit: PendingUpgrade): Awaitable<string> {
    const { handleProtocols } = this.#options;
    if (!handleProtocols) return "";
    const offered = listElements(visit.handshake.header("sec-websocket-protocol"));
    if (offered.length === 0) return "";
    return chain(
      handleProtocols(new Set(offered), visit.request),
      (picked) => chooseProtocol(visit.handshake, picked || "", []),
    );
  }

  /** What has become of the client or the endpoint while a hook was at work. */
  #ended({ isOver, handshake, slot }: PendingUpgrade): Decision | undefined {
    if (isOver) return { kind: "gone" }; // refused meanwhile, and counted
    if (handshake.aborted) {
      slot.release();
      this.#host.counters.refusals++;
      return { kind: "gone" };
    }
    if (!this.#host.isClosed()) return undefined;
    slot.release();
    return this.#refuse(refusalResponse(GOING_AWAY));
  }

  #admit(
    visit: PendingUpgrade,
    hooks: PeerHooks,
    result: UpgradeResult | undefined,
    headers: [string, string][],
    protocol: string,
  ): Decision {
    const ended = this.#ended(visit);
    if (ended) return ended;
    const admission: Admission = {
      handshake: visit.handshake,
      hooks,
      slot: visit.slot,
      namespace: this.#namespace(visit, result),
      context: mergeContext(visit.context, result?.context),
      remoteAddress: visit.address,
    };
    const { perMessageDeflate } = result ?? {};
    return { kind: "accept", admission, protocol, headers, perMessageDeflate };
  }

  #namespace(visit: PendingUpgrade, result: UpgradeResult | undefined): string {
    const namespace: unknown = result?.namespace ?? this.#options.getNamespace?.(visit.request) ??
      pathnameOf(visit.handshake.target);
    if (typeof namespace === "string") return namespace;
    throw new TypeError(invalidOption("the namespace", "a string", typeof namespace));
  }

  async #inTime(decision: Promise<Decision>, visit: PendingUpgrade): Promise<Decision> {
    const { limits, timers } = this.#host;
    let cancel = () => {};
    const late = new Promise<never>((_, reject) => {
      cancel = timers.after(limits.handshakeTimeout, () =>
        reject(
          new PeerError(
            "ERR_PEER_UPGRADE_TIMEOUT",
            `The upgrade hook took longer than limits.handshakeTimeout, ${limits.handshakeTimeout} ms`,
          ),
        ));
    });
    try {
      return await Promise.race([decision, late]);
    } catch (error) {
      return this.#failed(error, visit);
    } finally {
      cancel();
    }
  }

  /** A hook threw: a response is an answer, anything else a 500 that tells the client nothing. */
  #failed(thrown: unknown, visit: PendingUpgrade): Decision {
    visit.isOver = true;
    visit.slot.release();
    try {
      const response = responseIn(thrown);
      if (response) {
        checkResponse(response);
        return this.#refuse(response);
      }
    } catch (error) {
      thrown = error;
    }
    this.#report(thrown, "upgrade", visit.request);
    if (thrown instanceof PeerError && thrown.code === "ERR_PEER_UPGRADE_TIMEOUT") {
      visit.handshake.abort(() => thrown);
      return this.#refuse(refusalResponse({ status: 503, message: "The server took too long" }));
    }
    return this.#refuse(refusalResponse({ status: 500, message: "Internal Server Error" }));
  }

  #refuse(response: Response): Decision {
    this.#host.counters.refusals++;
    return { kind: "refuse", response };
  }

  #refuseForOrigin(visit: PendingUpgrade): Refusal | undefined {
    const { allowedOrigins } = this.#options;
    const { trustedHops } = this.#host;
    const origin = foreignOrigin(
      visit.handshake,
      trustedHops,
      (origin) => admitsOrigin(allowedOrigins, origin, () => visit.request),
    );
    if (origin === undefined) return undefined;
    const admit = `allowedOrigins: [${JSON.stringify(origin)}]`;
    const message = `The origin ${origin} may not connect to ${
      hostOf(visit.handshake, trustedHops)
    } with credentials: the option \`${admit}\` would admit it`;
    if (!this.#originLogged) {
      this.#originLogged = true;
      this.#report(
        new Error(`${message}. Further refusals are not logged`),
        "origin",
        visit.request,
      );
    }
    return { status: 403, message };
  }

  #report(error: unknown, stage: string, request: UpgradeRequest): void {
    const failed = (thrown: unknown) => logError("the option onError failed itself", thrown);
    try {
      if (!this.#options.onError) return logError(`a handshake failed (${stage})`, error);
      const result: unknown = this.#options.onError(error, { stage, request });
      if (isThenable(result)) Promise.resolve(result).then(undefined, failed);
    } catch (thrown) {
      failed(thrown);
    }
  }
}

/** One handshake on its way through the door. */
class PendingUpgrade {
  readonly handshake: Handshake;
  readonly address: string | undefined;
  readonly slot: Slot;
  /** Set once the client was refused while a hook was still at work. */
  isOver = false;
  readonly #trustedHops: number;
  #request: UpgradeRequest | undefined;

  constructor(
    handshake: Handshake,
    address: string | undefined,
    trustedHops: number,
    place: Slot,
  ) {
    this.handshake = handshake;
    this.address = address;
    this.slot = place;
    this.#trustedHops = trustedHops;
  }

  /** Made only where a hook or an option wants to see it. */
  get request(): UpgradeRequest {
    return this.#request ??= requestOf(this.handshake, this.#trustedHops);
  }

  /** What the framework gave, and what hooks hung on the request since. */
  get context(): AnyContext | undefined {
    return this.#request?.context ?? this.handshake.context;
  }
}

function requestOf(handshake: Handshake, trustedHops: number): UpgradeRequest {
  return handshake.toRequest(originOf(handshake, trustedHops) + handshake.target);
}

const RESULT_KEYS = [
  "headers",
  "context",
  "namespace",
  "protocol",
  "handled",
  "perMessageDeflate",
];

/**
 * Makes sure that what a hook returned is an admission, and not something that was meant to refuse:
 * `false`, or a `Response` of another realm or package.
 */
function checkResult(result: unknown): void {
  if (result === undefined) return;
  const keys = typeof result === "object" && result !== null ? Object.keys(result) : [];
  const isPlain = typeof result === "object" && result !== null && !Array.isArray(result);
  const unknown = keys.find((key) => !RESULT_KEYS.includes(key));
  if (isPlain && !unknown && !("status" in result)) {
    return checkDeflate((result as UpgradeResult).perMessageDeflate);
  }
  throw new TypeError(
    `Cannot go on as upgrade must return nothing, this runtime's own Response, or an object of ${
      RESULT_KEYS.join(", ")
    }: found ${isPlain ? `an object with ${unknown ?? "status"}` : String(result)}`,
  );
}

function responseIn(thrown: unknown): Response | undefined {
  if (thrown instanceof Response) return thrown;
  const { response } = (thrown ?? {}) as { response?: unknown };
  return response instanceof Response ? response : undefined;
}

function mergeContext(...sources: (object | undefined)[]): object {
  const context = {};
  for (const source of sources) {
    if (!source) continue;
    // JSON.parse makes `__proto__` an own key, which must never become a prototype.
    const { ["__proto__"]: _, [kWebSocketHooks]: _hooks, ...values } = source as FrameworkContext;
    Object.assign(context, values);
  }
  return context;
}

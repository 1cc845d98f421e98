import { invalidOption, PeerError } from "../common/errors.ts";
import { MAX_TIME } from "../common/limits.ts";
import { mustNotBePromise } from "../common/thenable.ts";
import { originOf } from "../handshake/forwarded.ts";
import {
  type Handshake,
  listElements,
  pathnameOf,
  type Refusal,
  refusalResponse,
  type UpgradeRequest,
} from "../handshake/handshake.ts";
import { OriginGuard } from "../handshake/origin_guard.ts";
import { checkedHeaders, checkResponse, chooseProtocol } from "../handshake/upgrade_headers.ts";
import type { Peer } from "../peer.ts";
import type { PeerInit } from "../handshake/peer_init.ts";
import type { ServerSocket } from "../socket/socket.ts";
import type { Admission, ConnectionHost } from "./connection_host.ts";
import { ConnectionSlots, CountedSlot, type Slot } from "./connection_slots.ts";
import {
  type Awaitable,
  chain,
  type HookOptions,
  isThenable,
  type PeerHooks,
  type UpgradeResult,
} from "./hooks.ts";
import { FailureReporter } from "./failure_reporter.ts";
import { GIVEN_UP, inHandshakeTime } from "./handshake_time.ts";
import { HookChooser } from "./hook_chooser.ts";
import { PendingUpgrade, requestOf } from "./pending_upgrade.ts";
import { revive } from "./revival.ts";
import { checkResult, mergeContext, responseIn } from "./upgrade_result.ts";

/** Outcome of a handshake. */
export type Decision =
  | {
    readonly kind: "accept";
    readonly admission: Admission;
    /** Subprotocol to select, `""` for none. */
    readonly protocol: string;
    /** Compression that the `upgrade` hook asks for. If `undefined`, the adapter decides. */
    readonly perMessageDeflate: boolean | object | undefined;
    /** Further headers for the 101, checked. */
    readonly headers: readonly (readonly [string, string])[];
  }
  /** The client gets this response. */
  | { readonly kind: "refuse"; readonly response: Response }
  /** The `upgrade` hook has taken over the socket. */
  | { readonly kind: "handled" }
  /** The client has left. */
  | { readonly kind: "gone" };

/** Services that the upgrader shares with its endpoint. */
export interface UpgraderHost extends ConnectionHost {
  /** Whether the endpoint is closing or closed. */
  isClosed(): boolean;
  /** Functions to call once the endpoint has closed: each gives up a handshake that is not over. */
  readonly pending: Set<() => void>;
}

const GOING_AWAY: Refusal = { status: 503, message: "This server is going away" };

/**
 * Decides which handshakes become peers: by the rules of the protocol, the limits, the origin
 * guard, and the hooks `resolve` and `upgrade`.
 *
 * Each handshake is a {@linkcode PendingUpgrade} until its decision is settled, in one place: every
 * decision but "accept" frees the slot.
 */
export class Upgrader {
  readonly #options: HookOptions;
  readonly #host: UpgraderHost;
  readonly #hooks: HookChooser;
  readonly #slots: ConnectionSlots;
  readonly #origins: OriginGuard;
  readonly #failures: FailureReporter;

  constructor(options: HookOptions, host: UpgraderHost) {
    this.#options = options;
    this.#host = host;
    this.#hooks = new HookChooser(options.hooks ?? {});
    this.#slots = new ConnectionSlots(host.limits);
    this.#failures = new FailureReporter(options.onError);
    this.#origins = new OriginGuard(
      options.allowedOrigins,
      host.trustedHops,
      (error, request) => this.#failures.report(error, "origin", request),
    );
  }

  /** Decides about a handshake: at once, unless a hook is asynchronous. Never rejects. */
  decide(handshake: Handshake): Awaitable<Decision> {
    const pending = new PendingUpgrade(handshake, this.#host.trustedHops);
    try {
      const refusal = this.#refusal(pending);
      const decision = refusal ? refused(refusal) : this.#ask(pending);
      return isThenable(decision)
        ? this.#inTime(decision, pending)
        : this.#settle(decision, pending);
    } catch (error) {
      return this.#settle(this.#failure(error, pending), pending);
    }
  }

  /** Revives a peer from the state that was saved before hibernation. */
  revive(socket: ServerSocket, saved: PeerInit, host: ConnectionHost = this.#host): Peer {
    const request = () => requestOf(saved.handshake, this.#host.trustedHops);
    return revive(socket, saved, request, {
      host,
      slots: this.#slots,
      close: this.#options.hooks?.close,
      choose: (request) => this.#chooseHooks(request),
      report: (error, request) => this.#failures.report(error, "resolve", request),
    });
  }

  /** Withdraws a decision that the adapter could not carry out. Reports the error if there is one. */
  failed(handshake: Handshake, error?: unknown, admission?: Admission): void {
    this.#withdraw(admission?.slot);
    if (error === undefined) return; // the runtime itself has answered, or the client has left
    this.report(error, "upgrade", handshake);
  }

  /** Reports a failure that belongs to no peer. */
  report(error: unknown, stage: string, handshake: Handshake): void {
    this.#failures.report(error, stage, requestOf(handshake, this.#host.trustedHops));
  }

  /** Whether pages of this origin may read responses, with credentials. */
  admitsOrigin(origin: string, handshake: Handshake): boolean {
    return this.#origins.admits(origin, () => requestOf(handshake, this.#host.trustedHops));
  }

  /** Returns the origin by which clients reach this server. */
  ownOrigin(handshake: Handshake): string {
    return originOf(handshake, this.#host.trustedHops);
  }

  /** Settles a decision. No other method does. */
  #settle(decision: Decision, pending: PendingUpgrade): Decision {
    if (decision.kind === "accept") this.#expectOpen(pending.slot, 1);
    else if (decision.kind === "handled") pending.slot.release();
    else this.#withdraw(pending.slot);
    return decision;
  }

  /** Frees a slot if its socket does not open in time. Deno does not report that a client left. */
  #expectOpen(slot: Slot, times: number): void {
    if (!(slot instanceof CountedSlot)) return;
    const { timers, limits } = this.#host;
    const ms = Math.min(times * limits.handshakeTimeout, MAX_TIME);
    slot.awaitOpen(timers.after(ms, () => slot.release()));
  }

  /** Frees the slot of a client that does not become a peer, and counts the refusal. */
  #withdraw(slot: Slot | undefined): void {
    slot?.release();
    this.#host.counters.refusals++;
  }

  /** Checks all rules that need no hook, and takes a slot. Returns the refusal if there is one. */
  #refusal(pending: PendingUpgrade): Refusal | undefined {
    const { handshake, address } = pending;
    const refusal = handshake.validate() ??
      (this.#host.isClosed() ? GOING_AWAY : undefined) ??
      this.#slots.refusal(address);
    if (refusal) return refusal;
    this.#expectOpen(pending.slot = this.#slots.take(address), 2); // workerd may end a hook's request
    return this.#origins.refusal(handshake, () => pending.request);
  }

  #chooseHooks(request: UpgradeRequest): Awaitable<PeerHooks> {
    return chain(
      this.#options.resolve?.(request),
      (chosen) => this.#hooks.choose(chosen as PeerHooks | undefined),
    );
  }

  #ask(pending: PendingUpgrade): Awaitable<Decision> {
    const { resolve } = this.#options;
    const chosen = resolve && this.#chooseHooks(pending.request);
    return chain(chosen ?? this.#hooks.choose(undefined), (hooks) => {
      if (!hooks.upgrade) return this.#conclude(pending, hooks, undefined);
      return chain(
        hooks.upgrade(pending.request),
        (result) => this.#conclude(pending, hooks, result as UpgradeResult | Response | undefined),
      );
    });
  }

  /** Turns the result of the hooks into a decision. */
  #conclude(
    pending: PendingUpgrade,
    hooks: PeerHooks,
    result: UpgradeResult | Response | undefined,
  ): Awaitable<Decision> {
    if (result instanceof Response) {
      checkResponse(result);
      return { kind: "refuse", response: result };
    }
    checkResult(result);
    if (result?.handled) return { kind: "handled" };
    const ended = this.#ended(pending);
    if (ended) return ended;
    const headers = checkedHeaders(result?.headers);
    const named = chooseProtocol(pending.handshake, result?.protocol, headers);
    return chain(
      named || (result?.protocol ?? this.#handleProtocols(pending)),
      (picked) => this.#admit(pending, hooks, result, headers, picked || ""),
    );
  }

  /** If the client offers subprotocols, returns the choice of the option `handleProtocols`. */
  #handleProtocols(pending: PendingUpgrade): Awaitable<string> {
    const { handleProtocols } = this.#options;
    if (!handleProtocols) return "";
    const offered = listElements(pending.handshake.header("sec-websocket-protocol"));
    if (offered.length === 0) return "";
    return chain(
      handleProtocols(new Set(offered), pending.request),
      (picked) => chooseProtocol(pending.handshake, picked || "", []),
    );
  }

  /** Returns a decision if the client left or the endpoint was closed while a hook was running. */
  #ended({ handshake }: PendingUpgrade): Decision | undefined {
    if (handshake.aborted) return { kind: "gone" };
    return this.#host.isClosed() ? refused(GOING_AWAY) : undefined;
  }

  #admit(
    pending: PendingUpgrade,
    hooks: PeerHooks,
    result: UpgradeResult | undefined,
    headers: [string, string][],
    protocol: string,
  ): Decision {
    const ended = this.#ended(pending);
    if (ended) return ended;
    const admission: Admission = {
      handshake: pending.handshake,
      hooks,
      slot: pending.slot,
      namespace: this.#namespace(pending, result),
      context: mergeContext(pending.context, result?.context),
      remoteAddress: pending.address,
    };
    const { perMessageDeflate } = result ?? {};
    return { kind: "accept", admission, protocol, headers, perMessageDeflate };
  }

  #namespace(pending: PendingUpgrade, result: UpgradeResult | undefined): string {
    const namespace: unknown = result?.namespace ??
      this.#options.getNamespace?.(pending.request) ?? pathnameOf(pending.handshake.target);
    if (typeof namespace === "string") return namespace;
    mustNotBePromise(
      "the namespace",
      namespace,
      "return it from upgrade, which may be asynchronous",
    );
    throw new TypeError(invalidOption("the namespace", "a string", namespace));
  }

  /** Settles an asynchronous decision, at the latest after `handshakeTimeout`. */
  async #inTime(decision: Promise<Decision>, pending: PendingUpgrade): Promise<Decision> {
    try {
      return this.#settle(await inHandshakeTime(decision, this.#host, this.#host.pending), pending);
    } catch (error) {
      return this.#settle(this.#failure(error, pending), pending);
    }
  }

  /** Decides after a failure: a thrown response, a 503 after a timeout, else a 500 without details. */
  #failure(thrown: unknown, pending: PendingUpgrade): Decision {
    if (thrown === GIVEN_UP) {
      pending.handshake.abort(() => thrown);
      return refused(GOING_AWAY);
    }
    try {
      const response = responseIn(thrown);
      if (response) {
        checkResponse(response);
        return { kind: "refuse", response };
      }
    } catch (error) {
      thrown = error;
    }
    this.#failures.report(thrown, "upgrade", pending.request);
    if (thrown instanceof PeerError && thrown.code === "ERR_PEER_UPGRADE_TIMEOUT") {
      pending.handshake.abort(() => thrown);
      return refused({ status: 503, message: "The server took too long" });
    }
    return refused({ status: 500, message: "Internal Server Error" });
  }
}

function refused(refusal: Refusal): Decision {
  return { kind: "refuse", response: refusalResponse(refusal) };
}

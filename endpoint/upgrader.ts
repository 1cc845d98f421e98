import { PeerError } from "../common/errors.ts";
import { MAX_TIME } from "../common/limits.ts";
import {
  type Handshake,
  listElements,
  type Refusal,
  type UpgradeRequest,
} from "../handshake/handshake.ts";
import { OriginGuard } from "../handshake/origin_guard.ts";
import { checkedHeaders, checkResponse, chooseProtocol } from "../handshake/upgrade_headers.ts";
import type { Peer } from "../peer.ts";
import type { PeerInit } from "../handshake/peer_init.ts";
import type { ServerSocket } from "../socket/socket.ts";
import type { Admission, ConnectionHost } from "./connection_host.ts";
import type { ConnectionSettings, SettingsChooser } from "./connection_settings.ts";
import { ConnectionSlots, CountedSlot, type Slot } from "./connection_slots.ts";
import { type Decision, refused } from "./decision.ts";
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
import { type ChosenHooks, HookChooser } from "./hook_chooser.ts";
import { PendingUpgrade, requestOf } from "./pending_upgrade.ts";
import { revive } from "./revival.ts";
import { checkResult, mergeContext, namespaceOf, responseIn, userOf } from "./upgrade_result.ts";

export type { Decision } from "./decision.ts";

/** Services that the upgrader shares with its endpoint. */
export interface UpgraderHost extends ConnectionHost {
  /** Options in force for a connection. */
  readonly settings: SettingsChooser;
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
  /** Options of handshakes whose hooks carry options. */
  readonly #settings = new WeakMap<Handshake, ConnectionSettings>();

  constructor(options: HookOptions, host: UpgraderHost) {
    this.#options = options;
    this.#host = host;
    this.#hooks = new HookChooser(options.hooks ?? {}, host.settings);
    this.#slots = new ConnectionSlots(host.limits);
    this.#failures = new FailureReporter(options.onError);
    this.#origins = new OriginGuard(
      (error, request) => this.#failures.report(error, "origin", request),
    );
  }

  /**
   * Decides about a handshake: at once, unless a hook is asynchronous. Never rejects.
   *
   * @param mostPayload largest message that the runtime can deliver.
   */
  decide(handshake: Handshake, mostPayload: number = Infinity): Awaitable<Decision> {
    const pending = new PendingUpgrade(handshake, this.#base, mostPayload);
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

  /**
   * Revives a peer from the state that was saved before hibernation.
   *
   * @param host services of this peer alone.
   */
  revive(socket: ServerSocket, saved: PeerInit, host: ConnectionHost): Peer {
    const request = () => requestOf(saved.handshake, this.#host.trustedHops);
    return revive(socket, saved, request, {
      host,
      slots: this.#slots,
      close: this.#options.hooks?.close,
      choose: (request) => this.#chooseHooks(request),
      settings: this.#base,
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
  report(
    error: unknown,
    stage: string,
    handshake: Handshake,
    { trustedHops }: ConnectionSettings = this.settingsOf(handshake),
  ): void {
    this.#failures.report(error, stage, requestOf(handshake, trustedHops));
  }

  /** Returns the options in force for a handshake: those of its hooks, if `resolve` has chosen hooks. */
  settingsOf(handshake: Handshake): ConnectionSettings {
    return this.#settings.get(handshake) ?? this.#base;
  }

  /** Returns the options that would be in force for a request, if the request were a handshake. */
  async settingsFor(handshake: Handshake): Promise<ConnectionSettings> {
    if (!this.#options.resolve) return this.#base;
    const pending = new PendingUpgrade(handshake, this.#base, Infinity);
    try {
      const choice = (async () => await this.#chooseHooks(pending.request))();
      return (await inHandshakeTime(choice, pending, this.#host.timers)).settings;
    } catch (error) {
      if (!responseIn(error)) this.report(error, "resolve", handshake);
      return this.#base;
    }
  }

  get #base(): ConnectionSettings {
    return this.#host.settings.base;
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

  /** Checks the rules that need no hooks, and takes a slot. Returns the refusal if there is one. */
  #refusal(pending: PendingUpgrade): Refusal | undefined {
    const { handshake, address } = pending;
    const refusal = handshake.validate() ??
      (this.#host.isClosed() ? GOING_AWAY : undefined) ??
      this.#slots.refusal(address);
    if (refusal) return refusal;
    this.#expectOpen(pending.slot = this.#slots.take(address), 2); // workerd may end a hook's request
    return undefined;
  }

  #chooseHooks(request: UpgradeRequest): Awaitable<ChosenHooks> {
    return chain(
      this.#options.resolve?.(request),
      (chosen) => this.#hooks.choose(chosen as PeerHooks | undefined),
    );
  }

  #ask(pending: PendingUpgrade): Awaitable<Decision> {
    const { resolve } = this.#options;
    const chosen = resolve && this.#chooseHooks(pending.request);
    return chain(chosen ?? this.#hooks.choose(undefined), ({ hooks, settings }) => {
      const { handshake } = pending;
      pending.use(settings);
      if (settings !== this.#base) this.#settings.set(handshake, settings);
      const refusal = this.#origins.refusal(handshake, settings, () => pending.request);
      if (refusal) return refused(refusal);
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
      settings: pending.settings,
      slot: pending.slot,
      namespace: namespaceOf(result, pending, this.#options),
      user: userOf(result),
      userCloses: this.#host.userCloses.count,
      context: mergeContext(pending.context, result?.context),
      remoteAddress: pending.address,
    };
    const { perMessageDeflate } = result ?? {};
    return { kind: "accept", admission, protocol, headers, perMessageDeflate };
  }

  /** Settles an asynchronous decision, at the latest after `handshakeTimeout`. */
  async #inTime(decision: Promise<Decision>, pending: PendingUpgrade): Promise<Decision> {
    try {
      const { timers, pending: all } = this.#host;
      return this.#settle(await inHandshakeTime(decision, pending, timers, all), pending);
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

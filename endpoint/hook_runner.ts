import { hookError, logError } from "../common/errors.ts";
import type { Peer } from "../peer.ts";
import type { ControlKind } from "../socket/socket.ts";
import { type Awaitable, isThenable, type PeerHooks } from "./hooks.ts";

/** Names of the hooks that run for a peer. The `upgrade` hook runs before a peer exists. */
export type PeerHookName =
  | "open"
  | "message"
  | "drain"
  | "gap"
  | "presence"
  | "close"
  | ControlKind;

/** The owner of a hook runner. */
export interface HookRunnerOwner {
  readonly peer: Peer;
  /** Called after a hook has started, if peers outlive the process. See `ConnectionHost.ran`. */
  ran(hook: Promise<void> | undefined): Promise<void> | undefined;
  /** Called when a hook has failed, after the failure was reported. */
  hookFailed(hook: PeerHookName): void;
}

/** Runs the hooks of one peer. No hook can throw into its caller. */
export class HookRunner {
  /** Hooks of the peer. Replaced after a revival if `resolve` is asynchronous. */
  hooks: PeerHooks;
  readonly #owner: HookRunnerOwner;

  constructor(hooks: PeerHooks, owner: HookRunnerOwner) {
    this.hooks = hooks;
    this.#owner = owner;
  }

  /** Runs a hook. If the hook is asynchronous, returns a promise that never rejects. */
  run(name: PeerHookName, argument?: unknown): Promise<void> | undefined {
    try {
      const hooks = this.hooks as Partial<
        Record<typeof name, (peer: Peer, argument: unknown) => Awaitable<void>>
      >;
      const result = hooks[name]?.(this.#owner.peer, argument);
      const hook = isThenable(result) ? Promise.resolve(result) : undefined;
      const pending = this.#owner.ran(hook) ?? hook;
      return pending?.then(undefined, (error) => this.#fail(name, error));
    } catch (error) {
      return void this.#fail(name, error);
    }
  }

  /** Calls the `error` hook, which must exist. A failure of that hook is logged. */
  report(error: Error): void {
    const failed = (thrown: unknown) =>
      logError("the error hook itself failed", hookError("error", thrown));
    try {
      const result = this.hooks.error!(this.#owner.peer, error);
      if (!isThenable(result)) return;
      const hook = Promise.resolve(result);
      (this.#owner.ran(hook) ?? hook).then(undefined, failed);
    } catch (thrown) {
      failed(thrown);
    }
  }

  #fail(hook: PeerHookName, thrown: unknown): void {
    const error = hookError(hook, thrown);
    if (this.hooks.error) this.report(error);
    else logError(`the ${hook} hook failed, and there is no error hook`, error);
    this.#owner.hookFailed(hook);
  }
}

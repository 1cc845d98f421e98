import { invalidOption } from "../common/errors.ts";
import { mustNotBePromise } from "../common/thenable.ts";
import { givenOptions } from "../common/option_names.ts";
import { headerPairs } from "../handshake/upgrade_headers.ts";
import type { ConnectionSettings, SettingsChooser } from "./connection_settings.ts";
import {
  type Awaitable,
  chain,
  type HookName,
  isThenable,
  type PeerHooks,
  type UpgradeResult,
} from "./hooks.ts";
import { checkHooks } from "./options.ts";
import { checkResult } from "./upgrade_result.ts";

/** Hooks of a connection, and the options in force for it. */
export interface ChosenHooks {
  readonly hooks: PeerHooks;
  readonly settings: ConnectionSettings;
}

/** Composes global and resolved hooks, once for each pair, so that a connection costs no closures. */
export class HookChooser {
  readonly #global: ChosenHooks;
  readonly #settings: SettingsChooser;
  readonly #composed = new WeakMap<PeerHooks, ChosenHooks>();

  constructor(global: PeerHooks, settings: SettingsChooser) {
    this.#global = { hooks: global, settings: settings.base };
    this.#settings = settings;
  }

  /**
   * @throws {TypeError} for a value that is no object of hooks, and for an option of the wrong type.
   * @throws {RangeError} for a limit out of range.
   */
  choose(chosen: PeerHooks | undefined | void): ChosenHooks {
    if (!chosen || chosen === this.#global.hooks) return this.#global;
    let composed = this.#composed.get(chosen);
    if (!composed) {
      if (typeof chosen !== "object") {
        throw new TypeError(invalidOption("the result of resolve", "an object of hooks", chosen));
      }
      for (const [name, hook] of Object.entries(chosen)) mustNotBePromise(`hook ${name}`, hook);
      checkHooks("hooks of resolve", chosen);
      composed = {
        hooks: compose(this.#global.hooks, chosen),
        settings: this.#settings.of(chosen, "hooks of resolve."),
      };
      this.#composed.set(chosen, composed);
    }
    return composed;
  }
}

function compose(first: PeerHooks, second: PeerHooks): PeerHooks {
  return {
    upgrade: (request) =>
      chain(first.upgrade?.(request), (a) => {
        if (isFinal(a)) return a;
        return chain(second.upgrade?.(request), (b) => isFinal(b) ? b : merge(a, b));
      }),
    ...both(first, second, "open"),
    ...both(first, second, "message"),
    ...both(first, second, "ping"),
    ...both(first, second, "pong"),
    ...both(first, second, "drain"),
    ...both(first, second, "presence"),
    ...both(first, second, "close"),
    ...both(first, second, "error"),
  };
}

/**
 * Whether a result of `upgrade` is final: a refusal, or the sign that the hook has the socket.
 *
 * @throws {TypeError} for a value that is no result.
 */
function isFinal(result: UpgradeResult | Response | void): result is Response | UpgradeResult {
  if (result instanceof Response) return true;
  checkResult(result);
  return Boolean(result?.handled);
}

function merge(a: UpgradeResult | void, b: UpgradeResult | void): UpgradeResult | void {
  if (!a || !b) return b || a;
  return {
    ...a,
    ...givenOptions(b),
    context: { ...a.context, ...b.context },
    headers: [...headerPairs(a.headers ?? []), ...headerPairs(b.headers ?? [])] as [
      string,
      string,
    ][],
  };
}

type LaterHook = Exclude<HookName, "upgrade">;

function both(first: PeerHooks, second: PeerHooks, name: LaterHook): PeerHooks {
  // TypeScript cannot type hooks of different kinds more closely in one list.
  type Hook = (...args: unknown[]) => Awaitable<void>;
  const [a, b] = [first, second].map((hooks) => (hooks[name] as Hook | undefined)?.bind(hooks));
  if (!a || !b) return a || b ? { [name]: a ?? b } : {};
  // The second `open` waits, as it may need results of the first. Two hooks of any other kind start
  // in one turn, so that messages keep their order and no hook starts after `close`.
  if (name === "open") return { open: (...args: unknown[]) => chain(a(...args), () => b(...args)) };
  return { [name]: (...args: unknown[]) => settleBoth([attempt(a, args), attempt(b, args)]) };
}

/** Calls a hook. An exception becomes a rejection. */
function attempt(
  hook: (...args: unknown[]) => Awaitable<void>,
  args: unknown[],
): Awaitable<void> | PromiseLike<void> {
  try {
    return hook(...args);
  } catch (error) {
    const rejected = Promise.reject(error);
    rejected.catch(() => {});
    return rejected;
  }
}

function settleBoth(results: (Awaitable<void> | PromiseLike<void>)[]): Awaitable<void> {
  if (!results.some(isThenable)) return;
  return Promise.allSettled(results).then((settled) => {
    const failed = settled.filter((result) => result.status === "rejected");
    if (failed.length === 0) return;
    const errors = failed.map(({ reason }) => reason);
    throw errors.length === 1 ? errors[0] : new AggregateError(errors, "Both hooks failed");
  });
}

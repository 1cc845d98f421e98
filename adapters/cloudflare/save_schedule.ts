import { logError } from "../../common/errors.ts";

/** State that a {@linkcode SaveSchedule} saves. */
export interface Saveable {
  /** Number of hooks that are running and can change the state. The schedule counts them. */
  running: number;
  /** Whether the connection is over. One more save follows, which deletes the state. */
  readonly isClosed: boolean;
  /** Writes the state if it has changed. May throw. */
  save(): void;
  /** Returns a name for the console. */
  toString(): string;
}

/**
 * Decides when the state of each peer is saved.
 *
 * - After a hook that returned no promise: at once.
 * - After an asynchronous hook: when the hook has settled, if no other hook of the peer is running.
 * - After any other change: at the end of the turn, unless a hook of the peer is running.
 * - Once more when no hook of any peer is running, if a hook was running at the end of the turn.
 *   Such a hook may hold the context of another peer. The schedule does not notice when the hook
 *   changes this context later.
 */
export class SaveSchedule<T extends Saveable> {
  readonly #keepAlive: (promise: Promise<void>) => void;
  /** States that may have changed in this turn. */
  readonly #touched = new Set<T>();
  /** States that a running hook may still change. */
  readonly #held = new Set<T>();
  readonly #hooks = new Set<Promise<void>>();
  #isSaving = false;

  /** @param keepAlive keeps the Durable Object in memory until a promise has settled. */
  constructor(keepAlive: (promise: Promise<void>) => void) {
    this.#keepAlive = keepAlive;
  }

  /** Notes that a state may have changed, or that the caller may change it in this turn. */
  touch(state: T): void {
    this.#touched.add(state);
    if (this.#isSaving) return;
    this.#isSaving = true;
    // workerd 2026-11: `queueMicrotask()` takes 2 µs, four times the cost of the rest of a message.
    Promise.resolve().then(() => {
      this.#isSaving = false;
      this.#saveAll(this.#touched);
    });
  }

  /**
   * Notes that a hook was called. Saves the state of its peer now, or when the hook has settled.
   *
   * @param hook the promise of an asynchronous hook.
   * @returns Promise that settles as the hook does, and rejects if the state could not be saved.
   */
  ran(state: T | undefined, hook: Promise<void> | undefined): Promise<void> | undefined {
    if (!hook) {
      if (state?.running === 0) this.#save(state);
      return undefined;
    }
    if (state) state.running++;
    const settled = hook.finally(() => {
      if (state && --state.running === 0) this.#save(state);
    });
    const over = settled.then(() => {}, () => {}).then(() => {
      this.#hooks.delete(over);
      if (this.#hooks.size === 0) this.#saveAll(this.#held);
    });
    this.#hooks.add(over);
    this.#keepAlive(over);
    return settled;
  }

  /** Resolves when no hook is running. Until then the object must stay in memory. */
  async settled(): Promise<void> {
    await null; // the core starts a close hook one microtask after the event
    while (this.#hooks.size > 0) await Promise.all(this.#hooks);
  }

  #saveAll(states: Set<T>): void {
    for (const state of states) {
      try {
        if (state.running === 0) state.save();
      } catch (error) {
        logError(`${state} could not be saved`, error);
      }
      if (this.#hooks.size > 0 && !state.isClosed) this.#held.add(state);
    }
    states.clear();
  }

  #save(state: T): void {
    this.#touched.delete(state);
    if (state.isClosed) this.#held.delete(state);
    state.save();
  }
}

import { Deferred } from "./deferred.ts";

/**
 * Timers of one endpoint, with a count: a test can check that no timer is left. Each timer is one
 * timer of the runtime, since all runtimes handle many timers efficiently.
 */
export class Timers {
  readonly #running = new Set<ReturnType<typeof setTimeout>>();
  /** Other implementation, for runtimes on which a timer ends with the request that set it. */
  keeper: Timers | undefined;

  /** Number of running timers. */
  get size(): number {
    return this.keeper?.size ?? this.#running.size;
  }

  /** Milliseconds of a clock that never goes back. */
  time(): number {
    return performance.now();
  }

  /**
   * Calls `callback` once after `ms`. Returns a function that cancels the timer, at any time.
   *
   * @param isBackground whether the process may end while the timer runs.
   */
  after(ms: number, callback: () => void, isBackground = false): () => void {
    if (this.keeper) return this.keeper.after(ms, callback, isBackground);
    const timer = setTimeout(() => {
      this.#running.delete(timer);
      callback();
    }, ms);
    if (isBackground) letEnd(timer);
    this.#running.add(timer);
    return () => {
      if (this.#running.delete(timer)) clearTimeout(timer);
    };
  }

  /** Calls `callback` every `ms`, as {@linkcode after} does once. */
  every(ms: number, callback: () => void, isBackground = false): () => void {
    if (this.keeper) return this.keeper.every(ms, callback, isBackground);
    const timer = setInterval(callback, ms);
    if (isBackground) letEnd(timer);
    this.#running.add(timer);
    return () => {
      if (this.#running.delete(timer)) clearInterval(timer);
    };
  }

  /**
   * Waits for work, at most `ms`. Returns whether the work was done in time. Rejects if the work has
   * failed in time.
   */
  async within(ms: number, work: void | PromiseLike<unknown>): Promise<boolean> {
    const late = new Deferred(), cancel = this.after(ms, late.resolve);
    try {
      return await Promise.race([
        Promise.resolve(work).then(() => true),
        late.promise.then(() => false),
      ]);
    } finally {
      cancel();
    }
  }

  /** Returns a promise that this request can await, even if another request resolves `promise`. */
  awake<T>(promise: Promise<T>): Promise<T> {
    return this.keeper?.awake(promise) ?? promise;
  }
}

/** Lets the process end while a timer runs. Node and Bun have a method for this, Deno a function. */
function letEnd(timer: unknown): void {
  const { Deno } = globalThis as { Deno?: { unrefTimer?(timer: unknown): void } };
  if (typeof timer === "object") (timer as { unref?(): void }).unref?.();
  else Deno?.unrefTimer?.(timer);
}

/** Set of items that one timer checks. The timer runs only while the set has items. */
export class SharedInterval<T> {
  readonly #watched = new Set<T>();
  readonly #timers: Timers;
  readonly #interval: number;
  readonly #look: (item: T) => void;
  #stop: (() => void) | undefined;

  constructor(timers: Timers, interval: number, look: (item: T) => void) {
    this.#timers = timers;
    this.#interval = interval;
    this.#look = look;
  }

  /** Adds an item to check in every interval. */
  add(item: T): void {
    this.#watched.add(item);
    this.#stop ??= this.#timers.every(this.#interval, () => {
      for (const watched of this.#watched) this.#look(watched);
    });
  }

  /** Removes an item. */
  delete(item: T): void {
    if (!this.#watched.delete(item) || this.#watched.size > 0) return;
    this.#stop?.();
    this.#stop = undefined;
  }
}

/**
 * The timers of one endpoint, counted, so that a test can see that none is left.
 * A plain `setTimeout` each: runtimes keep those in a wheel of their own.
 */
export class Timers {
  readonly #running = new Set<ReturnType<typeof setTimeout>>();
  /** Who keeps them instead, where the runtime's own would end with the request that sets them. */
  keeper: Timers | undefined;

  /** How many are running. */
  get size(): number {
    return this.keeper?.size ?? this.#running.size;
  }

  /** Calls back once after `ms`. Returns the way to cancel it, which may be called at any time. */
  after(ms: number, callback: () => void): () => void {
    if (this.keeper) return this.keeper.after(ms, callback);
    const timer = setTimeout(() => {
      this.#running.delete(timer);
      callback();
    }, ms);
    this.#running.add(timer);
    return () => {
      if (this.#running.delete(timer)) clearTimeout(timer);
    };
  }

  /** Calls back every `ms` until cancelled. */
  every(ms: number, callback: () => void): () => void {
    if (this.keeper) return this.keeper.every(ms, callback);
    const timer = setInterval(callback, ms);
    this.#running.add(timer);
    return () => {
      if (this.#running.delete(timer)) clearInterval(timer);
    };
  }

  /** What to wait for in place of a promise that others resolve. */
  awake<T>(promise: Promise<T>): Promise<T> {
    return this.keeper?.awake(promise) ?? promise;
  }
}

/** Things that one shared timer looks at, and that runs only while there are any. */
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

  /** Looks at `item` every interval from now on. */
  add(item: T): void {
    this.#watched.add(item);
    this.#stop ??= this.#timers.every(this.#interval, () => {
      for (const watched of this.#watched) this.#look(watched);
    });
  }

  /** Looks no more at `item`. */
  delete(item: T): void {
    if (!this.#watched.delete(item) || this.#watched.size > 0) return;
    this.#stop?.();
    this.#stop = undefined;
  }
}

/** The part of a Worker's `ctx` that is used. */
export interface WorkerContext {
  /** Keeps the request's context alive until a promise has settled. */
  waitUntil(promise: Promise<unknown>): void;
  /** Ends the request's context at once, and its socket. */
  abort?(reason?: unknown): void;
}

/**
 * The context of one request to a Worker. Cloudflare's runtime, workerd, lets nobody else touch what
 * was made in it: sockets, timers. So others post what is to be done there, and it does so in order.
 */
export class RequestContext {
  static #current: RequestContext | undefined;
  readonly #ctx: WorkerContext;
  #posted: (() => void)[] = [];
  #wake: (() => void) | undefined;
  #isOver = false;

  /** Of the request that is being handled. */
  constructor(ctx: WorkerContext) {
    this.#ctx = ctx;
    ctx.waitUntil(this.#work());
  }

  /** Whether what runs now surely runs in it. */
  get isCurrent(): boolean {
    return RequestContext.#current === this;
  }

  /** Whether nothing runs in it any more, as far as we know. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Does what the runtime reports in this context. */
  run<T>(event: () => T): T {
    RequestContext.#current = this;
    try {
      return event();
    } finally {
      RequestContext.#current = undefined;
    }
  }

  /** Does something in it: now if that can be, else in the order of the calls. Never if it is over. */
  post(task: () => void): void {
    if (this.#isOver) return;
    if (this.isCurrent && this.#posted.length === 0) return this.#do(task);
    this.#posted.push(task);
    this.#wake?.();
  }

  /** Does nothing any more. */
  end(): void {
    this.#isOver = true;
    this.#wake?.();
  }

  /** Drops its socket without a closing handshake. Nothing runs in it from here on. */
  abort(): void {
    this.#isOver = true;
    this.#ctx.abort?.(new Error("onepeer: the connection was terminated"));
  }

  #do(task: () => void): void {
    try {
      task();
    } catch { // its socket has gone; or it was current when a hook called `ctx.abort()`, which runs no `finally`
      RequestContext.#current = undefined;
    }
  }

  async #work(): Promise<void> {
    while (!this.#isOver) {
      if (this.#posted.length === 0) {
        // Others may resolve a promise that was made here: its continuation runs here (workerd since
        // 2024-10-14). Not that of `new Promise` once V8 has optimized it (workerd 2026-11).
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        await promise;
      }
      this.#wake = undefined;
      this.run(() => {
        for (const task of this.#posted) this.#do(task); // what they post is done behind them
      });
      this.#posted = [];
    }
  }
}

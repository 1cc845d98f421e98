/** Members of a Worker's `ctx` that the adapter uses. */
export interface WorkerContext {
  /** Keeps the context of the request alive until the promise has settled. */
  waitUntil(promise: Promise<unknown>): void;
  /** Ends the context of the request at once, with its socket. */
  abort?(reason?: unknown): void;
}

/**
 * Checks that one request can wake another. Before 2024-10-14, tasks for another request would wait
 * forever.
 *
 * @throws {Error} if the Worker's compatibility date is too early.
 */
export function checkWakes(): void {
  const { Cloudflare } = globalThis as {
    Cloudflare?: { compatibilityFlags?: Record<string, boolean> };
  };
  const flags = Cloudflare?.compatibilityFlags ?? {};
  if (flags["handle_cross_request_promise_resolution"] !== false) return;
  throw new Error(
    "Cannot serve peers in a plain Worker as a publish would not reach them: set compatibility_date in wrangler.jsonc to 2024-10-14 or later",
  );
}

/**
 * The context of one request to a Worker.
 *
 * In workerd, only this request may use its sockets and timers. So other requests post tasks, and
 * this context does the tasks in order.
 */
export class RequestContext {
  static #current: RequestContext | undefined;
  readonly #ctx: WorkerContext;
  #posted: (() => void)[] = [];
  #wake: (() => void) | undefined;
  #isOver = false;

  /** @param ctx the `ctx` of the request that is being handled. */
  constructor(ctx: WorkerContext) {
    this.#ctx = ctx;
    ctx.waitUntil(this.#work());
  }

  /** Whether an event or task of this context is running. False after its first `await`. */
  get isCurrent(): boolean {
    return RequestContext.#current === this;
  }

  /** Whether the context has ended, as far as known: workerd may end a context without a report. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Handles an event that the runtime reports in this context. */
  run<T>(event: () => T): T {
    RequestContext.#current = this;
    try {
      return event();
    } finally {
      RequestContext.#current = undefined;
    }
  }

  /**
   * Does a task in this context: at once if the context is current and no task waits, else after
   * the tasks that wait. Has no effect if the context has ended. Errors of a task are ignored.
   */
  post(task: () => void): void {
    if (this.#isOver) return;
    if (this.isCurrent && this.#posted.length === 0) return this.#do(task);
    this.#posted.push(task);
    this.#wake?.();
  }

  /** Ends the context: tasks that are posted from now on are not done. */
  end(): void {
    this.#isOver = true;
    this.#wake?.();
  }

  /** Ends the context, and drops its socket without a closing handshake. */
  abort(): void {
    this.#isOver = true;
    this.#ctx.abort?.(new Error("onepeer: the connection was terminated"));
  }

  #do(task: () => void): void {
    try {
      task();
    } catch {
      // Either the socket has gone, or a hook called `ctx.abort()`. After `abort()` no `finally` runs,
      // so the ended context may still be current.
      RequestContext.#current = undefined;
    }
  }

  async #work(): Promise<void> {
    while (!this.#isOver) {
      if (this.#posted.length === 0) {
        // If another request resolves a promise of this request, the continuation runs in this
        // request (workerd since 2024-10-14). This fails for `new Promise` once V8 has optimized the
        // code (workerd 2026-11).
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        await promise;
      }
      this.#wake = undefined;
      this.run(() => {
        for (const task of this.#posted) this.#do(task); // also tasks that are posted meanwhile
      });
      this.#posted = [];
    }
  }
}

/** The part of a Worker's `ctx` that is used. */
export interface WorkerContext {
  /** Keeps the request's context alive until a promise has settled. */
  waitUntil(promise: Promise<unknown>): void;
  /** Ends the request's context at once, and its socket. */
  abort?(reason?: unknown): void;
}

/** Longer than anything waits for: workerd holds a request that waits without I/O of its own for hung. */
const AWAKE_MS = 2 ** 31 - 1;

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

  /** Does what the runtime reports in this context. */
  run<T>(event: () => T): T {
    const outer = RequestContext.#current;
    RequestContext.#current = this;
    try {
      return event();
    } finally {
      RequestContext.#current = outer;
    }
  }

  /** Does something in it: now if that can be, else in the order of the calls. Never if it is over. */
  post(task: () => void): void {
    if (this.#isOver) return;
    if (this.isCurrent && this.#posted.length === 0) return task();
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

  async #work(): Promise<void> {
    while (!this.#isOver) {
      // Others may resolve a promise that was made here: its continuation runs here (workerd since 2024-10-14).
      if (this.#posted.length === 0) await new Promise<void>((resolve) => this.#wake = resolve);
      this.#wake = undefined;
      const posted = this.#posted;
      this.#posted = [];
      this.run(() => {
        for (const task of posted) task();
      });
    }
  }
}

/** Waits in this request for something that others bring about. */
export async function awake<T>(promise: Promise<T>): Promise<T> {
  const timer = setTimeout(() => {}, AWAKE_MS);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

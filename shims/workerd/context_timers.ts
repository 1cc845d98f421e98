import { Timers } from "../../common/timers.ts";
import type { RequestContext } from "./request_context.ts";

/** One that runs. */
interface Due {
  at: number;
  readonly every: number | undefined;
  readonly callback: () => void;
}

/** How late a context may ring until it is given up. */
const OVERDUE_MS = 500;

/** A context that waits for a time. */
class Bell {
  readonly context: RequestContext;
  #at = Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(context: RequestContext) {
    this.context = context;
  }

  /** When it rings. */
  get at(): number {
    return this.#at;
  }

  /** Rings at a time, if not before. */
  set(at: number, ring: () => void): void {
    if (at >= this.#at) return;
    this.#at = at;
    this.context.post(() => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => {
        this.#at = Infinity;
        this.context.run(ring);
      }, Math.max(0, at - Date.now()));
    });
  }
}

/**
 * Timers for a Worker, where the runtime's own end with the request that has set them: all are kept
 * here, and one request that is there waits for the next of them. Another sees whether it does.
 */
export class ContextTimers extends Timers {
  readonly #due = new Set<Due>();
  readonly #contexts = new Set<RequestContext>();
  #host: Bell | undefined;
  #guard: Bell | undefined;

  override get size(): number {
    return this.#due.size;
  }

  override after(ms: number, callback: () => void): () => void {
    return this.#start({ at: Date.now() + ms, every: undefined, callback });
  }

  override every(ms: number, callback: () => void): () => void {
    return this.#start({ at: Date.now() + ms, every: ms, callback });
  }

  /** A context is there, and may wait for others. Call it whenever one hears of something. */
  enter(context: RequestContext): void {
    this.#contexts.add(context);
    this.#check();
    if (!this.#host || (!this.#guard && this.#contexts.size > 1)) this.#arm();
  }

  /** A context is no more. */
  leave(context: RequestContext): void {
    this.#contexts.delete(context);
    if (this.#guard?.context === context) this.#guard = undefined;
    if (this.#host?.context !== context) return;
    this.#host = this.#guard;
    this.#guard = undefined;
    this.#arm();
  }

  /** Waits, in the request that runs now, for something that others bring about. */
  override async awake<T>(promise: Promise<T>): Promise<T> {
    const { promise: here, resolve, reject } = Promise.withResolvers<T>(); // as in RequestContext
    promise.then(resolve, reject);
    // workerd ends a request that waits without I/O of its own: it seems to hang.
    const timer = setInterval(() => {
      this.#check();
      if (!this.#host) this.#ring(); // nobody else is there to do it
    }, OVERDUE_MS);
    try {
      return await here;
    } finally {
      clearInterval(timer);
    }
  }

  #start(due: Due): () => void {
    this.#due.add(due);
    if (due.at < (this.#host?.at ?? Infinity)) this.#arm();
    return () => void this.#due.delete(due);
  }

  /** Has the host wait for what is next, and the guard for the host. */
  #arm(): void {
    if (this.#due.size === 0) return;
    let next = Infinity;
    for (const { at } of this.#due) next = Math.min(next, at);
    this.#host ??= this.#bell();
    this.#host?.set(next, () => this.#ring());
    this.#guard ??= this.#bell();
    this.#guard?.set(next + OVERDUE_MS, () => {
      this.#check();
      this.#arm();
    });
  }

  #bell(): Bell | undefined {
    for (const context of this.#contexts) {
      if (context !== this.#host?.context) return new Bell(context);
    }
    return undefined;
  }

  /** Gives the host up where it has not rung: its context has ended without a word. */
  #check(): void {
    if (this.#host && Date.now() >= this.#host.at + OVERDUE_MS) this.leave(this.#host.context);
  }

  #ring(): void {
    const now = Date.now();
    for (const due of [...this.#due]) {
      if (due.at > now || !this.#due.has(due)) continue;
      if (due.every === undefined) this.#due.delete(due);
      else due.at = now + due.every;
      due.callback();
    }
    this.#arm();
  }
}

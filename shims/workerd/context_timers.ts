import { MAX_TIME } from "../../common/limits.ts";
import { Timers } from "../../common/timers.ts";
import type { RequestContext } from "./request_context.ts";

/** A timer that is running. */
interface Due {
  /** Time of the next call, as `Date.now()` counts. */
  at: number;
  /** Milliseconds between two calls of `callback`; `undefined` for one call. */
  readonly every: number | undefined;
  readonly callback: () => void;
}

/** Milliseconds that a context may ring late. After that, the context counts as ended. */
const OVERDUE_MS = 500;

/** An alarm that rings inside one context. */
class Bell {
  readonly context: RequestContext;
  #at = Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(context: RequestContext) {
    this.context = context;
  }

  /** Time at which the alarm rings; `Infinity` while the alarm is not set. */
  get at(): number {
    return this.#at;
  }

  /** Sets the alarm to a time, unless the alarm is set to an earlier time. */
  set(at: number, ring: () => void): void {
    if (at >= this.#at) return;
    this.#at = at;
    this.context.post(() => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => {
        this.#at = Infinity;
        this.context.run(ring);
      }, Math.min(Math.max(0, at - Date.now()), MAX_TIME));
    });
  }
}

/**
 * Timers of an isolate, which outlive the request that has set them.
 *
 * In a Worker, a timer of the runtime ends with its request. So this class keeps all timers. One
 * running request, the host, sets a timer of the runtime for the next time that is due. A second
 * request, the guard, checks that the host rings. If the host has ended, the guard becomes the host.
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

  /** Notes that a context is alive. Call at each event of a context. */
  enter(context: RequestContext): void {
    this.#contexts.add(context);
    this.#check();
    if (!this.#host || (!this.#guard && this.#contexts.size > 1)) this.#arm();
  }

  /** Notes that a context has ended. */
  leave(context: RequestContext): void {
    this.#contexts.delete(context);
    if (this.#guard?.context === context) this.#guard = undefined;
    if (this.#host?.context !== context) return;
    this.#host = this.#guard;
    this.#guard = undefined;
    this.#arm();
  }

  /** Waits, in the current request, for a promise that another request resolves. */
  override async awake<T>(promise: Promise<T>): Promise<T> {
    // The await needs a promise of this request, for the reason given in `RequestContext`.
    const { promise: here, resolve, reject } = Promise.withResolvers<T>();
    promise.then(resolve, reject);
    // workerd ends a request as hanging if the request waits without any I/O or timer.
    const timer = setInterval(() => {
      this.#check();
      if (!this.#host) this.#ring(); // no other request can ring
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

  /** Sets the host's alarm to the next timer, and the guard's alarm a little later. */
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

  /** Returns an alarm in a context that is not the host's; `undefined` if there is none. */
  #bell(): Bell | undefined {
    for (const context of this.#contexts) {
      if (context !== this.#host?.context) return new Bell(context);
    }
    return undefined;
  }

  /** Replaces a host that did not ring, since the runtime does not report the end of a context. */
  #check(): void {
    if (this.#host && Date.now() >= this.#host.at + OVERDUE_MS) this.leave(this.#host.context);
  }

  /** Calls the callbacks of all timers that are due. */
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

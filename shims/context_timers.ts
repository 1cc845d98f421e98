import { Timers } from "../timers.ts";
import type { RequestContext } from "./request_context.ts";

/** One that runs. */
interface Due {
  at: number;
  readonly every: number | undefined;
  readonly callback: () => void;
}

/** How late the runtime's timer may be until its context is given up. */
const OVERDUE_MS = 1000;

/**
 * Timers for a Worker, where the runtime's own end with the request that has set them: all are kept
 * here, and one request that is still there waits for the next.
 */
export class ContextTimers extends Timers {
  readonly #due = new Set<Due>();
  readonly #contexts = new Set<RequestContext>();
  #host: RequestContext | undefined;
  /** What the host waits for: a time, and the runtime's timer. */
  #armedFor = Infinity;
  #cancel = () => {};

  override get size(): number {
    return this.#due.size;
  }

  override after(ms: number, callback: () => void): () => void {
    return this.#start({ at: Date.now() + ms, every: undefined, callback });
  }

  override every(ms: number, callback: () => void): () => void {
    return this.#start({ at: Date.now() + ms, every: ms, callback });
  }

  /** A context is there, and may wait for others. Call it again whenever it hears of something. */
  enter(context: RequestContext): void {
    if (this.#host && Date.now() > this.#armedFor + OVERDUE_MS) this.leave(this.#host);
    this.#contexts.add(context);
    if (!this.#host) this.#arm();
  }

  /** A context is no more. */
  leave(context: RequestContext): void {
    this.#contexts.delete(context);
    if (this.#host !== context) return;
    this.#host = undefined;
    this.#armedFor = Infinity;
    this.#cancel = () => {}; // it would mean a timer of another context
    this.#arm();
  }

  #start(due: Due): () => void {
    this.#due.add(due);
    if (due.at < this.#armedFor) this.#arm();
    return () => void this.#due.delete(due);
  }

  /** Has the host wait for what is next. */
  #arm(): void {
    const [first] = this.#contexts;
    const host = this.#host ??= first;
    if (!host || this.#due.size === 0) return;
    let next = Infinity;
    for (const { at } of this.#due) next = Math.min(next, at);
    this.#armedFor = next;
    host.post(() => {
      if (this.#host !== host) return;
      this.#cancel();
      const timer = setTimeout(() => this.#ring(), Math.max(0, this.#armedFor - Date.now()));
      this.#cancel = () => clearTimeout(timer);
    });
  }

  #ring(): void {
    this.#armedFor = Infinity;
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

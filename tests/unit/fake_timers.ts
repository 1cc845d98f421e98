import { Timers } from "../../common/timers.ts";

interface FakeTimer {
  at: number;
  readonly every: number | undefined;
  readonly callback: () => void;
}

/** Timers whose time passes only by {@linkcode FakeTimers.pass}. */
export class FakeTimers extends Timers {
  now = 0;
  readonly #waiting = new Set<FakeTimer>();

  override get size(): number {
    return this.#waiting.size;
  }

  override time(): number {
    return this.now;
  }

  override after(ms: number, callback: () => void): () => void {
    return this.#start({ at: this.now + ms, every: undefined, callback });
  }

  override every(ms: number, callback: () => void): () => void {
    return this.#start({ at: this.now + ms, every: ms, callback });
  }

  /** Lets time pass, and calls what is due in order. */
  pass(ms: number): void {
    const end = this.now + ms;
    for (let next = this.#next(end); next; next = this.#next(end)) {
      this.now = Math.max(this.now, next.at); // a test may let timers fire late
      if (next.every === undefined) this.#waiting.delete(next);
      else next.at += next.every;
      next.callback();
    }
    this.now = end;
  }

  #next(end: number): FakeTimer | undefined {
    const due = [...this.#waiting].filter(({ at }) => at <= end);
    return due.reduce<FakeTimer | undefined>(
      (first, timer) => !first || timer.at < first.at ? timer : first,
      undefined,
    );
  }

  #start(timer: FakeTimer): () => void {
    this.#waiting.add(timer);
    return () => void this.#waiting.delete(timer);
  }
}

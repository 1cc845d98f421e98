/// <reference lib="dom" />

/** Milliseconds for a reconnect. The log does not report a person who is back within this time. */
const GRACE = 4_000;

/** Reports each person who joins or leaves, but not a person who only reconnects. */
export class Arrivals {
  readonly #show: (news: string) => void;
  readonly #leaving = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(show: (news: string) => void) {
    this.#show = show;
  }

  joined(name: string): void {
    if (!this.#forget(name)) this.#show(`${name} joined`);
  }

  left(name: string): void {
    this.#forget(name);
    this.#leaving.set(
      name,
      setTimeout(() => {
        this.#leaving.delete(name);
        this.#show(`${name} left`);
      }, GRACE),
    );
  }

  /** Called after the page's own reconnect, with the names before and after the reconnect. */
  reconnected(before: readonly string[], now: readonly string[]): void {
    for (const name of before) if (!now.includes(name)) this.left(name);
  }

  clear(): void {
    for (const timer of this.#leaving.values()) clearTimeout(timer);
    this.#leaving.clear();
  }

  #forget(name: string): boolean {
    clearTimeout(this.#leaving.get(name));
    return this.#leaving.delete(name);
  }
}

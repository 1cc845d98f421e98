/// <reference lib="dom" />

/** Milliseconds in which somebody who left may come back unnoticed: a reconnect is not news. */
const GRACE = 4_000;

/** Turns comings and goings into news, and keeps quiet about those who only reconnect. */
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

  /** One's own connection is back: of those who were here, the others may not be yet. */
  returned(before: readonly string[], now: readonly string[]): void {
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

/// <reference lib="dom" />

/** What the browser keeps for us, where it is willing to: private windows may not be. */
export class SafeStorage {
  readonly #storage: () => Storage;

  constructor(storage: () => Storage) {
    this.#storage = storage;
  }

  get(key: string): string | undefined {
    try {
      return this.#storage().getItem(`chat.${key}`) ?? undefined;
    } catch {
      return undefined;
    }
  }

  /** Keeps a value; an empty one is forgotten. */
  set(key: string, value: string): void {
    try {
      if (value) this.#storage().setItem(`chat.${key}`, value);
      else this.#storage().removeItem(`chat.${key}`);
    } catch {
      // Then it lasts as long as the page.
    }
  }
}

/** For this browser. */
export const browserStorage: SafeStorage = new SafeStorage(() => localStorage);
/** For this tab. */
export const tabStorage: SafeStorage = new SafeStorage(() => sessionStorage);

/// <reference lib="dom" />

/** Storage that does not throw if the browser denies access, as in some private windows. */
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

  /** Stores a value. An empty value removes the key. */
  set(key: string, value: string): void {
    try {
      if (value) this.#storage().setItem(`chat.${key}`, value);
      else this.#storage().removeItem(`chat.${key}`);
    } catch {
      // Without storage, the value lasts until the page closes.
    }
  }
}

/** Storage of this browser. */
export const browserStorage: SafeStorage = new SafeStorage(() => localStorage);
/** Storage of this tab. */
export const tabStorage: SafeStorage = new SafeStorage(() => sessionStorage);

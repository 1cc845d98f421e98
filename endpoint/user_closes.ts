/** Milliseconds for which a close counts. Sockets of accepted handshakes open much earlier, if at all. */
const MAX_OPENING = 10_000;

/** How the peers of a user were closed. */
export interface UserClose {
  readonly code: number;
  readonly reason: string;
}

/** A close, with its number and time. */
interface NumberedClose extends UserClose {
  readonly number: number;
  readonly time: number;
}

/**
 * The latest closes of users. They also count for handshakes that were accepted, and whose sockets
 * have not opened: Deno 2.9 opens them a turn later. Without this, such a connection would stay
 * open after `disconnect`.
 */
export class UserCloses {
  /** By user; the latest last. */
  readonly #closes = new Map<string, NumberedClose>();
  #count = 0;

  /** Number of all closes. */
  get count(): number {
    return this.#count;
  }

  /** Notes that the peers of a user were closed. */
  add(user: string, { code, reason }: UserClose): void {
    const time = performance.now();
    for (const [known, close] of this.#closes) {
      if (time - close.time < MAX_OPENING) break;
      this.#closes.delete(known);
    }
    this.#closes.delete(user);
    this.#closes.set(user, { code, reason, number: ++this.#count, time });
  }

  /** Returns how a user was closed since there were `count` closes; `undefined` if it was not. */
  since(user: string | undefined, count: number): UserClose | undefined {
    const close = user === undefined ? undefined : this.#closes.get(user);
    return close && close.number > count ? close : undefined;
  }
}

import type { Refusal } from "./handshake.ts";
import type { Limits } from "./limits.ts";

/** A place among the peers that `limits` admits. */
export interface Place {
  /** The socket has opened: the place is kept until released. */
  keep(): void;
  /** Gives the place back. May be called more than once. */
  release(): void;
}

/** Counts who is in, for `maxPeers` and `maxPeersPerAddress`. */
export class Places {
  readonly #limits: Limits;
  readonly #isLimited: boolean;
  readonly #perAddress = new Map<string, number>();
  #taken = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
    this.#isLimited = limits.maxPeers !== Infinity || limits.maxPeersPerAddress !== Infinity;
  }

  refusal(address: string | undefined): Refusal | undefined {
    if (this.#taken >= this.#limits.maxPeers) {
      return { status: 503, message: "This server is full", headers: { "retry-after": "1" } };
    }
    if ((this.#perAddress.get(address ?? "") ?? 0) >= this.#limits.maxPeersPerAddress) {
      return { status: 429, message: "Too many connections from this address" };
    }
    return undefined;
  }

  take(address = ""): Place {
    if (!this.#isLimited) return FREE_PLACE;
    this.#add(address, 1);
    return new KeptPlace(() => this.#add(address, -1));
  }

  #add(address: string, change: 1 | -1): void {
    this.#taken += change;
    const count = (this.#perAddress.get(address) ?? 0) + change;
    if (count > 0) this.#perAddress.set(address, count);
    else this.#perAddress.delete(address);
  }
}

const FREE_PLACE: Place = { keep() {}, release() {} };

export class KeptPlace implements Place {
  #giveBack: (() => void) | undefined;
  #cancel: (() => void) | undefined;

  constructor(giveBack: () => void) {
    this.#giveBack = giveBack;
  }

  awaitOpen(cancel: () => void): void {
    this.#cancel = cancel;
  }

  keep(): void {
    this.#cancel?.();
  }

  release(): void {
    this.#cancel?.();
    this.#giveBack?.();
    this.#giveBack = undefined;
  }
}

import type { Refusal } from "../handshake/handshake.ts";
import type { Limits } from "../common/limits.ts";

/** One unit of `maxPeers` and `maxPeersPerAddress`. */
export interface Slot {
  /** Keeps the slot until {@linkcode release}. Call when the socket has opened. */
  keep(): void;
  /** Frees the slot. Later calls have no effect. */
  release(): void;
}

/** Counts connections, for `maxPeers` and `maxPeersPerAddress`. */
export class ConnectionSlots {
  readonly #limits: Limits;
  readonly #isLimited: boolean;
  readonly #perAddress = new Map<string | undefined, number>();
  #taken = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
    this.#isLimited = limits.maxPeers !== Infinity || limits.maxPeersPerAddress !== Infinity;
  }

  refusal(address: string | undefined): Refusal | undefined {
    if (this.#taken >= this.#limits.maxPeers) {
      return { status: 503, message: "This server is full", headers: { "retry-after": "1" } };
    }
    if ((this.#perAddress.get(networkOf(address)) ?? 0) >= this.#limits.maxPeersPerAddress) {
      return { status: 429, message: "Too many connections from this address" };
    }
    return undefined;
  }

  take(address: string | undefined): Slot {
    if (!this.#isLimited) return UNCOUNTED_SLOT;
    const network = networkOf(address);
    this.#add(network, 1);
    return new CountedSlot(() => this.#add(network, -1));
  }

  #add(network: string | undefined, change: 1 | -1): void {
    this.#taken += change;
    if (network === undefined) return; // clients without an address may be many clients
    const count = (this.#perAddress.get(network) ?? 0) + change;
    if (count > 0) this.#perAddress.set(network, count);
    else this.#perAddress.delete(network);
  }
}

/** Returns an IPv4 address, or the /64 of an IPv6 address: one client may own a /64 (RFC 6177). */
function networkOf(address: string | undefined): string | undefined {
  if (!address?.includes(":")) return address;
  const [head = [], tail = []] = address.split("::").map((part) => part.split(":"));
  const zeros = Array(Math.max(0, 8 - head.length - tail.length)).fill("0");
  return `${[...head, ...zeros, ...tail].slice(0, 4).map((group) => parseInt(group, 16) || 0)}`;
}

/** Slot of an endpoint that does not limit its peers. */
export const UNCOUNTED_SLOT: Slot = { keep() {}, release() {} };

export class CountedSlot implements Slot {
  #giveBack: (() => void) | undefined;
  #cancel: (() => void) | undefined;

  constructor(giveBack: () => void) {
    this.#giveBack = giveBack;
  }

  /** @param cancel cancels the timer that frees the slot. Replaces an earlier timer. */
  awaitOpen(cancel: () => void): void {
    this.#cancel?.();
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

import { addressOf, originOf } from "../handshake/forwarded.ts";
import type { AnyContext, Handshake, UpgradeRequest } from "../handshake/handshake.ts";
import { type Slot, UNCOUNTED_SLOT } from "./connection_slots.ts";

/** A handshake that waits for the upgrader's decision. */
export class PendingUpgrade {
  readonly handshake: Handshake;
  /** IP address of the client, if known. */
  readonly address: string | undefined;
  /** Slot that the client takes. The upgrader frees it unless the client becomes a peer. */
  slot: Slot = UNCOUNTED_SLOT;
  readonly #trustedHops: number;
  #request: UpgradeRequest | undefined;

  constructor(handshake: Handshake, trustedHops: number) {
    this.handshake = handshake;
    this.address = addressOf(handshake, trustedHops);
    this.#trustedHops = trustedHops;
  }

  /** Request for hooks and options, created at the first use. */
  get request(): UpgradeRequest {
    return this.#request ??= requestOf(this.handshake, this.#trustedHops);
  }

  /** Context from a framework, and values that hooks have added to the request. */
  get context(): AnyContext | undefined {
    return this.#request?.context ?? this.handshake.context;
  }
}

/** Returns the request of a handshake, with the URL that the client used. */
export function requestOf(handshake: Handshake, trustedHops: number): UpgradeRequest {
  return handshake.toRequest(originOf(handshake, trustedHops) + handshake.target);
}

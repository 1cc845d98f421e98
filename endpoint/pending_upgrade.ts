import { addressOf, originOf } from "../handshake/forwarded.ts";
import type { AnyContext, Handshake, UpgradeRequest } from "../handshake/handshake.ts";
import type { ConnectionSettings } from "./connection_settings.ts";
import { type Slot, UNCOUNTED_SLOT } from "./connection_slots.ts";
import type { TimedHandshake } from "./handshake_time.ts";

/** A handshake that waits for the upgrader's decision. */
export class PendingUpgrade implements TimedHandshake {
  readonly handshake: Handshake;
  /** Slot that the client takes. The upgrader frees it unless the client becomes a peer. */
  slot: Slot = UNCOUNTED_SLOT;
  timeChanged: (() => void) | undefined;
  readonly #mostPayload: number;
  #settings: ConnectionSettings;
  #address: string | undefined;
  #request: UpgradeRequest | undefined;

  /** @param mostPayload largest message that the runtime can deliver. */
  constructor(handshake: Handshake, settings: ConnectionSettings, mostPayload: number) {
    this.handshake = handshake;
    this.#settings = settings;
    this.#mostPayload = mostPayload;
    this.#address = addressOf(handshake, settings.trustedHops);
  }

  /** Options in force: those of the endpoint, until the hooks are known. */
  get settings(): ConnectionSettings {
    return this.#settings;
  }

  /** IP address of the client, if known. */
  get address(): string | undefined {
    return this.#address;
  }

  /**
   * Puts the settings of the client's hooks in force.
   *
   * @throws {RangeError} if the runtime cannot deliver messages of `limits.maxPayload`.
   */
  use(settings: ConnectionSettings): void {
    if (settings === this.#settings) return;
    const { limits: { maxPayload }, trustedHops } = settings;
    if (maxPayload > this.#mostPayload) {
      throw new RangeError(
        `Cannot use limits.maxPayload of these hooks as this runtime has one limit for all connections, ${this.#mostPayload} bytes: current value is ${maxPayload}. Set limits.maxPayload of the adapter`,
      );
    }
    this.#settings = settings;
    this.#address = addressOf(this.handshake, trustedHops);
    if (this.#request) this.#request = requestOf(this.handshake, trustedHops);
    this.timeChanged?.();
  }

  /** Request for hooks and options, created at the first use. */
  get request(): UpgradeRequest {
    return this.#request ??= requestOf(this.handshake, this.#settings.trustedHops);
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

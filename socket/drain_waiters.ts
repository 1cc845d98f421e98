/**
 * Options of `peer.waitForDrain`.
 *
 * @example
 * ```ts
 * import { defineHooks } from "@onepeer/onepeer";
 *
 * defineHooks({
 *   async open(peer) {
 *     for (let chunk = 0; chunk < 10; chunk++) {
 *       peer.send(new Uint8Array(64 * 1024));
 *       await peer.waitForDrain({ threshold: 64 * 1024 });
 *     }
 *   },
 * });
 * ```
 */
export interface DrainOptions {
  /**
   * Number of bytes that may still be queued.
   *
   * @default limits.drainThreshold
   */
  readonly threshold?: number;
  /** Signal that ends the wait with the reason of the abort. */
  readonly signal?: AbortSignal;
}

/** Names of the options of `peer.waitForDrain`. Applications for crossws also pass its `pollInterval`. */
export const DRAIN_OPTIONS: readonly string[] = ["threshold", "signal", "pollInterval"];

interface Waiter {
  readonly threshold: number;
  readonly resolve: () => void;
}

/** Callers that wait for a queue to drain. Each has its own threshold. */
export class DrainWaiters {
  readonly #waiters = new Set<Waiter>();

  /** Number of callers that wait. */
  get size(): number {
    return this.#waiters.size;
  }

  /**
   * Waits until {@linkcode release} is called with at most `threshold` bytes. Rejects with the reason
   * of the signal if the signal aborts first.
   */
  wait(threshold: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const abort = () => {
        this.#waiters.delete(waiter);
        reject(signal!.reason);
      };
      const waiter: Waiter = {
        threshold,
        resolve: () => {
          signal?.removeEventListener("abort", abort);
          this.#waiters.delete(waiter);
          resolve();
        },
      };
      this.#waiters.add(waiter);
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  /** Ends the wait of all callers whose threshold is at least `queued`; 0 ends all waits. */
  release(queued: number): void {
    for (const waiter of this.#waiters) {
      if (queued <= waiter.threshold) waiter.resolve();
    }
  }
}

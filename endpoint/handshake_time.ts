import { PeerError } from "../common/errors.ts";
import type { Timers } from "../common/timers.ts";

/** Thrown for a handshake whose hooks are pending when its endpoint has closed. */
export const GIVEN_UP: Error = new DOMException("This server is going away", "AbortError");

/** A handshake whose time limit can change while its hooks are pending. */
export interface TimedHandshake {
  readonly settings: { readonly limits: { readonly handshakeTimeout: number } };
  /** Set while the limit is in force. Call when the settings have changed. */
  timeChanged?: (() => void) | undefined;
}

/**
 * Waits for the hooks of a handshake, at most `limits.handshakeTimeout`.
 *
 * @param pending gets a function to call at the end of the endpoint.
 * @throws {PeerError} `ERR_PEER_UPGRADE_TIMEOUT`
 * @throws {DOMException} {@linkcode GIVEN_UP}
 */
export async function inHandshakeTime<T>(
  hooks: Promise<T>,
  handshake: TimedHandshake,
  timers: Timers,
  pending?: Set<() => void>,
): Promise<T> {
  const startedAt = performance.now();
  let cancel = () => {}, giveUp = cancel;
  const late = new Promise<never>((_, reject) => {
    pending?.add(giveUp = () => reject(GIVEN_UP));
    handshake.timeChanged = () => {
      const { handshakeTimeout } = handshake.settings.limits;
      const left = handshakeTimeout - Math.floor(performance.now() - startedAt);
      cancel();
      cancel = timers.after(Math.max(0, left), () =>
        reject(
          new PeerError(
            "ERR_PEER_UPGRADE_TIMEOUT",
            `The hooks of a handshake took longer than limits.handshakeTimeout, ${handshakeTimeout} ms`,
          ),
        ));
    };
    handshake.timeChanged();
  });
  try {
    return await Promise.race([hooks, late]);
  } finally {
    handshake.timeChanged = undefined;
    cancel();
    pending?.delete(giveUp);
  }
}

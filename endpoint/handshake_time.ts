import { PeerError } from "../common/errors.ts";
import type { ConnectionHost } from "./connection_host.ts";

/** Thrown for a handshake whose hooks are pending when its endpoint has closed. */
export const GIVEN_UP: Error = new DOMException("This server is going away", "AbortError");

/**
 * Waits for the hooks of a handshake, at most `limits.handshakeTimeout`.
 *
 * @param pending gets a function to call at the end of the endpoint.
 * @throws {PeerError} `ERR_PEER_UPGRADE_TIMEOUT`
 * @throws {DOMException} {@linkcode GIVEN_UP}
 */
export async function inHandshakeTime<T>(
  hooks: Promise<T>,
  { limits: { handshakeTimeout }, timers }: Pick<ConnectionHost, "limits" | "timers">,
  pending?: Set<() => void>,
): Promise<T> {
  let cancel = () => {}, giveUp = cancel;
  const late = new Promise<never>((_, reject) => {
    pending?.add(giveUp = () => reject(GIVEN_UP));
    cancel = timers.after(handshakeTimeout, () =>
      reject(
        new PeerError(
          "ERR_PEER_UPGRADE_TIMEOUT",
          `The hooks of a handshake took longer than limits.handshakeTimeout, ${handshakeTimeout} ms`,
        ),
      ));
  });
  try {
    return await Promise.race([hooks, late]);
  } finally {
    cancel();
    pending?.delete(giveUp);
  }
}

import { PeerError } from "../common/errors.ts";
import type { ConnectionHost } from "./connection_host.ts";

/**
 * Waits for the hooks of a handshake, at most `limits.handshakeTimeout`.
 *
 * @throws {PeerError} `ERR_PEER_UPGRADE_TIMEOUT`
 */
export async function inHandshakeTime<T>(
  hooks: Promise<T>,
  { limits: { handshakeTimeout }, timers }: Pick<ConnectionHost, "limits" | "timers">,
): Promise<T> {
  let cancel = () => {};
  const late = new Promise<never>((_, reject) => {
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
  }
}

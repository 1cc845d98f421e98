import type { CallbackSocket } from "../../socket/callback_socket.ts";
import type { SocketFailure } from "../../socket/socket.ts";

/**
 * Passes on a close as uWebSockets reports it, in uWebSockets.js 20 and, built on it, in Bun 1.4:
 * a protocol error is 1006, with what was wrong as the reason.
 */
export function reportClose(
  socket: CallbackSocket<unknown>,
  code: number,
  reason: string,
): void {
  const failure = code === 1006 ? failureOf(reason) : undefined;
  if (failure) socket.failed(failure);
  const isDrop = code === 1006;
  socket.closed({ code, reason: isDrop ? "" : reason, wasClean: !isDrop });
}

function failureOf(message: string): SocketFailure | undefined {
  if (!message.startsWith("Received")) return undefined;
  const code = /utf-8|compressed/i.test(message)
    ? 1007
    : /too big message/i.test(message)
    ? 1009
    : 1002;
  return { code, message };
}

import type { CallbackSocket } from "../../socket/callback_socket.ts";
import type { SocketFailure } from "../../socket/socket.ts";

/**
 * Reports a close of uWebSockets.js 20, or of Bun 1.4, which is built on uWebSockets. Both report a
 * protocol error as 1006, with the error message as the reason.
 */
export function reportClose(
  socket: CallbackSocket<unknown>,
  code: number,
  reason: string,
): void {
  const failure = code === 1006 ? failureOf(reason) : undefined;
  const isDrop = code === 1006;
  socket.closed({ code, reason: isDrop ? "" : reason, wasClean: !isDrop }, failure);
}

function failureOf(message: string): SocketFailure | undefined {
  if (!message.startsWith("Received") || message.startsWith("Received TCP FIN")) return undefined;
  const code = /utf-8|compressed/i.test(message)
    ? 1007
    : /too big message/i.test(message)
    ? 1009
    : 1002;
  return { code, message };
}

import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { ignoreFailure } from "./ignore_failure.ts";

/** Node and Deno announce each new socket on this channel, Bun 1.4 does not. */
const NEW_SOCKETS = "net.client.socket";

const ignore = (): void => {};

/** The part of a socket of `node:net` that {@linkcode reset} uses. */
export interface ResettableSocket {
  readonly connecting?: boolean;
  readonly writableEnded?: boolean;
  /** Throws for a socket over TLS. */
  resetAndDestroy?(): unknown;
  destroy(): unknown;
}

/**
 * The sockets of a client library that does not show them.
 *
 * 1. A lost connection must carry nothing more. The kernel keeps what a socket could not send, also
 *    when the socket is destroyed, and sends it when the network is whole again. Only a reset drops it.
 *    On Bun 1.4, which announces no sockets, such messages still arrive late.
 * 2. `@nats-io/transport-node` 3.4 removes all listeners of a socket, and then destroys the socket. On
 *    Deno 2.9, a socket that has failed in the same turn then emits `error`, which ends the process.
 *    That happened in 10 of 300 attempts with a wrong password.
 * 3. It also keeps the socket of an attempt that has timed out, so the process does not end.
 */
export class SocketGuard {
  readonly #sockets = new Set<Socket>();

  /** Calls `connect`, and guards the sockets that it makes. */
  async watch<T>(connect: () => Promise<T>): Promise<T> {
    const inside = new AsyncLocalStorage<boolean>();
    const made = (message: unknown) => {
      if (inside.getStore()) this.#guard((message as { readonly socket: Socket }).socket);
    };
    subscribe(NEW_SOCKETS, made);
    try {
      return await inside.run(true, connect);
    } finally {
      unsubscribe(NEW_SOCKETS, made);
      inside.disable(); // Node 20 and 22 would observe all promises of the process
    }
  }

  /**
   * Destroys all sockets.
   *
   * @param isLost whether to drop what the sockets have not sent. Default: false.
   */
  destroy(isLost = false): void {
    for (const socket of this.#sockets) {
      if (isLost) reset(socket);
      else socket.destroy();
    }
  }

  #guard(socket: Socket): void {
    this.#sockets.add(socket);
    const { removeAllListeners } = socket;
    socket.on("error", ignore);
    socket.removeAllListeners = (...event) => { // without an event, all listeners go
      removeAllListeners.apply(socket, event);
      return socket.on("error", ignore);
    };
  }
}

/** Destroys a socket, so that the kernel drops what it has not sent. Over TLS, the kernel keeps that. */
export function reset(socket: ResettableSocket): void {
  // A reset waits until all is sent, for ever on a lost connection. `destroy()` then carries it out.
  // Not after `end()`: on Node 20 to 26, the handle would never close, and the process never end.
  if (!socket.connecting && !socket.writableEnded) ignoreFailure(() => socket.resetAndDestroy?.());
  socket.destroy();
}

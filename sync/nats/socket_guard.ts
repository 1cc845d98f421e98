import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";

/** Node and Deno announce each new socket on this channel, Bun 1.4 does not. */
const NEW_SOCKETS = "net.client.socket";

const ignore = (): void => {};

/**
 * Guards the process against two faults of `@nats-io/transport-node` 3.4.
 *
 * 1. The package removes all listeners of a socket, and then destroys the socket. On Deno 2.9, a
 *    socket that has failed in the same turn then emits `error`, which ends the process. That
 *    happened in 10 of 300 attempts with a wrong password.
 * 2. The package keeps the socket of an attempt that has timed out, so the process does not end.
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

  /** Destroys all sockets. */
  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
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

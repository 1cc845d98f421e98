import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";

/** Node and Deno announce each new socket on this channel, Bun 1.4 does not. */
const NEW_SOCKETS = "net.client.socket";

const ignore = (): void => {};

/**
 * Guards the process against two faults of `@nats-io/transport-node` 3.4.
 *
 * It removes all listeners of a socket before it destroys the socket. On Deno 2.9, the socket may
 * have failed in the same turn, and emits `error` afterwards: the process would end. So did 10 of 300
 * attempts with a wrong password. And it keeps the socket of an attempt that has timed out, so the
 * process would not end.
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

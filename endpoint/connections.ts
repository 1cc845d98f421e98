import type { Timers } from "../common/timers.ts";
import type { LiveConnection } from "./connection_host.ts";

/** Milliseconds that {@linkcode Connections.drain} waits for the sockets of accepted handshakes to open. */
const MAX_OPENING = 2000;

/** How to close all connections. */
export interface DrainSettings {
  readonly code: number;
  readonly reason: string;
  /** Milliseconds after which the remaining peers are terminated. */
  readonly timeout: number;
  /** Milliseconds over which the closes are spread. */
  readonly jitter: number;
}

/** The connections of an endpoint, from the accepted handshake to the end of the last hook. */
export class Connections {
  readonly #timers: Timers;
  readonly #live = new Set<LiveConnection>();
  /** Number of accepted handshakes whose sockets have not opened. Deno 2.9 opens them a turn later. */
  #unopened = 0;
  #closing: { readonly code: number; readonly reason: string } | undefined;
  #allFinished: (() => void) | undefined;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Whether {@linkcode drain} was called. */
  get isClosing(): boolean {
    return this.#closing !== undefined;
  }

  /** A handshake was accepted, whose socket will open. */
  accepted(): void {
    this.#unopened++;
  }

  /** A connection has opened, or returns from hibernation. */
  began(connection: LiveConnection): void {
    this.#live.add(connection);
    if (this.#unopened > 0) this.#unopened--; // a peer from hibernation was not counted
    // The handshake was accepted before `drain()` was called, but the socket opens only now.
    const closing = this.#closing;
    if (closing) queueMicrotask(() => connection.peer.close(closing.code, closing.reason));
  }

  /** A connection is over, and so is its last hook. */
  finished(connection: LiveConnection): void {
    if (this.#live.delete(connection)) this.#checkFinished();
  }

  /** Closes every peer, or terminates every peer if `force` is true. */
  closeAll(code: number, reason: string, force: boolean): void {
    for (const { peer } of this.#live) {
      if (force) peer.terminate();
      else peer.close(code, reason);
    }
  }

  /** Closes every peer, present and future, and waits for their last hooks. */
  async drain({ code, reason, timeout, jitter }: DrainSettings): Promise<void> {
    this.#closing = { code, reason };
    const cancels: (() => void)[] = [];
    for (const { peer } of this.#live) {
      if (jitter <= 0) peer.close(code, reason);
      else {
        const delay = Math.random() * Math.min(jitter, timeout);
        cancels.push(this.#timers.after(delay, () => peer.close(code, reason)));
      }
    }
    if (this.#live.size + this.#unopened > 0) {
      await new Promise<void>((resolve) => {
        this.#allFinished = resolve;
        cancels.push(this.#timers.after(timeout, resolve));
        cancels.push(this.#timers.after(Math.min(timeout, MAX_OPENING), () => this.#giveUp()));
      });
    }
    for (const cancel of cancels) cancel();
    for (const { peer } of this.#live) peer.terminate();
  }

  /** Stops waiting for sockets that never open: Deno does not report that such a client left. */
  #giveUp(): void {
    this.#unopened = 0;
    this.#checkFinished();
  }

  #checkFinished(): void {
    if (this.#live.size + this.#unopened === 0) this.#allFinished?.();
  }
}

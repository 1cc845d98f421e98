import type { Limits } from "../common/limits.ts";
import { SharedInterval, type Timers } from "../common/timers.ts";

/** Number of checks in one `pingInterval`: pings are exact to a tenth of the interval. */
export const CHECKS = 10;

/** A connection to check. */
export interface CheckedConnection {
  /** Pings a silent client, and ends the connection of a dead one. */
  checkLiveness(): void;
}

/** Checks all connections of an endpoint. The same checks decide about pings and about ends. */
export class LivenessClock extends SharedInterval<CheckedConnection> {
  /** Whether silent clients are pinged. */
  readonly pings: boolean;
  /** Number of silent checks after which a connection ends; `Infinity` without `idleTimeout`. */
  readonly end: number;

  constructor(timers: Timers, { pingInterval, idleTimeout }: Limits) {
    const interval = (pingInterval || idleTimeout / 2) / CHECKS;
    super(timers, interval, (connection) => connection.checkLiveness());
    this.pings = pingInterval > 0;
    this.end = Math.ceil(idleTimeout / interval) || Infinity;
  }
}

/** State of a connection at a check. */
export interface Signs {
  /** Number that changes whenever the client has sent something. */
  readonly activity: number;
  /** Bytes queued for a slow client; -1 for a client that keeps up. */
  readonly queued: number;
  /** Whether the socket has a heartbeat. Without one, only a slow client can count as dead. */
  readonly hasHeartbeat: boolean;
  /** Whether the connection is not read, so that no answer to a ping can arrive. */
  readonly isPaused: boolean;
}

/**
 * Decides whether a client needs a ping, and whether a client is dead. A {@linkcode LivenessClock}
 * calls {@linkcode check} of each connection ten times in a `pingInterval`.
 *
 * A client gets a ping after each `pingInterval` of silence. A client is dead in two cases:
 *
 * - The client has been silent for `idleTimeout`.
 * - A slow client has neither sent nor read anything for `idleTimeout`. A ping would wait behind all
 *   queued bytes, and a runtime may never end such a connection (Deno 2.9).
 */
export class Liveness {
  #activity = 0;
  #queued = -1;
  /** Number of silent checks. The first check does not count: the connection may be new. */
  #silent = -1;
  #stuck = 0;

  /** Returns what the connection must do: send a ping, end, or nothing. */
  check(
    { activity, queued, hasHeartbeat, isPaused }: Signs,
    { pings, end }: Pick<LivenessClock, "pings" | "end">,
  ): "ping" | "end" | undefined {
    const isStuck = activity === this.#activity && queued > 0 && queued === this.#queued;
    this.#stuck = isStuck ? this.#stuck + 1 : 0;
    this.#queued = queued;
    this.#silent = activity === this.#activity ? this.#silent + 1 : 0;
    this.#activity = activity;
    if (this.#stuck >= end) return "end";
    if (!hasHeartbeat) return undefined;
    // No answer can arrive while the connection is not read. But the write of a ping reveals a
    // client that has left: on Bun 1.4, nothing else does.
    if (isPaused) this.#silent %= CHECKS;
    if (this.#silent >= end) return "end";
    // A sign of life may be almost one interval older than the check that notices the sign.
    return pings && this.#silent % CHECKS === CHECKS - 1 ? "ping" : undefined;
  }

  /** Notes that the client has read something: its queue has changed between two checks. */
  moved(): void {
    this.#stuck = 0;
  }
}

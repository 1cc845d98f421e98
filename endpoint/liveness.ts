/** Number of checks in one `idleTimeout`. */
export const CHECKS = 8;
/** Silent checks before a ping. */
const PING_AFTER = CHECKS / 2;

/** State of a connection at a check. */
export interface Signs {
  /** Number that changes whenever the client has sent something. */
  readonly activity: number;
  /** Bytes queued for a slow client; -1 for a client that keeps up. */
  readonly queued: number;
  /** Whether the socket can ping. If not, the runtime detects silent clients itself (Deno 2.9). */
  readonly canPing: boolean;
  /** Whether the connection is not read, so that no answer to a ping can arrive. */
  readonly isPaused: boolean;
}

/**
 * Decides whether a client is dead. One shared interval calls {@linkcode check} of each connection
 * eight times in an `idleTimeout`.
 *
 * A client is dead in two cases:
 *
 * - The client has been silent for eight checks, and has not answered a ping.
 * - A slow client has neither sent nor read anything for eight checks. A ping would wait behind all
 *   queued bytes, and a runtime may never end such a connection (Deno 2.9).
 */
export class Liveness {
  #activity = 0;
  #queued = -1;
  #silent = 0;
  #stuck = 0;

  /** Returns what the connection must do: send a ping, end, or nothing. */
  check({ activity, queued, canPing, isPaused }: Signs): "ping" | "end" | undefined {
    const isStuck = activity === this.#activity && queued > 0 && queued === this.#queued;
    this.#stuck = isStuck ? this.#stuck + 1 : 0;
    this.#queued = queued;
    this.#silent = activity === this.#activity ? this.#silent + 1 : 0;
    this.#activity = activity;
    if (this.#stuck >= CHECKS) return "end";
    if (!canPing) return undefined;
    if (this.#silent === PING_AFTER) {
      // No answer can arrive while the connection is not read. But the write reveals a client that
      // has left: on Bun 1.4, nothing else does.
      if (isPaused) this.#silent = 0;
      return "ping";
    }
    return this.#silent >= CHECKS ? "end" : undefined;
  }

  /** Notes that the client has read something: its queue has changed between two checks. */
  moved(): void {
    this.#stuck = 0;
  }
}

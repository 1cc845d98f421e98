import { BodyClock } from "./body_clock.ts";
import type { Wire } from "../../socket/callback_socket.ts";
import { isSameToken, keyOf } from "../../session/session_token.ts";
import { CLOSED_ID, type SessionHost, type SSESession } from "./session.ts";
import { eventBody } from "./server_sent_event.ts";
import { SharedInterval, Timers } from "../../common/timers.ts";

/** Wire of a socket that consists of responses and requests. */
export const sessionWire: Wire<SSESession> = {
  isOpen: () => true, // a client's close is reported at once
  send: (session, frame) => session.send(frame),
  sizeOf: (frame) => eventBody(frame).size,
  flush: (session) => session.flush(),
  close: (session, code, reason) => session.close(code, reason),
  terminate: (session) => session.terminate(),
  bufferedAmount: (session) => session.bufferedAmount,
  flow: {
    pause: (session) => session.pause(),
    resume: (session) => session.resume(),
  },
};

/** Event for a client that resumes too late: its messages are lost. */
const RECOVERY_FAILED = lastEvent(1006, "the session is over: missed messages cannot be recovered");
/** Number of sessions that are remembered after their clients have left. */
const MOST_LEFT = 1000;

/** All sessions of one adapter, and their shared services. */
export class SSESessions implements SessionHost {
  readonly heartbeat: number;
  readonly grace: number;
  readonly replay: number;
  readonly timers: Timers = new Timers();
  readonly streams: SharedInterval<SSESession>;
  /** Stops request bodies that take too long. */
  readonly bodies: BodyClock;
  /** Sessions by the public part of their token. */
  readonly #byKey = new Map<string, SSESession>();
  /** Last events of sessions that clients have left. An HTTP client may repeat a DELETE by itself. */
  readonly #left = new Map<string, string>();
  /** Sessions that have something to send at the end of the turn. */
  #gathering: SSESession[] = [];

  constructor(
    { heartbeat, grace, replay, bodyTimeout }:
      & Pick<SessionHost, "heartbeat" | "grace" | "replay">
      & { readonly bodyTimeout: number },
  ) {
    this.heartbeat = heartbeat;
    this.grace = grace;
    this.replay = replay;
    this.bodies = new BodyClock(this.timers, bodyTimeout);
    this.streams = new SharedInterval<SSESession>(
      this.timers,
      heartbeat,
      (session) => session.heartbeat(),
    );
  }

  /** Returns the session with this token. */
  find(token: string | null): SSESession | undefined {
    const session = this.#byKey.get(keyOf(token ?? ""));
    return session && isSameToken(session.token, token!) ? session : undefined;
  }

  /** Whether the token is of a session that its client has left. */
  hasLeft(token: string | null): boolean {
    return this.#left.has(token ?? "");
  }

  /** Returns the last event for a client that resumes a session that is over. */
  closingEvent(token: string): string {
    return this.#left.get(token) ?? RECOVERY_FAILED;
  }

  left({ token }: SSESession, code: number, reason: string): void {
    this.#left.set(token, lastEvent(code, reason));
    if (this.#left.size <= MOST_LEFT) return;
    for (const oldest of this.#left.keys()) return void this.#left.delete(oldest);
  }

  began(session: SSESession): void {
    this.#byKey.set(keyOf(session.token), session);
  }

  ended(session: SSESession): void {
    this.#byKey.delete(keyOf(session.token));
    if (this.#byKey.size === 0) this.bodies.rest();
  }

  flushLater(session: SSESession): void {
    if (this.#gathering.push(session) > 1) return;
    queueMicrotask(() => {
      const sessions = this.#gathering;
      this.#gathering = [];
      for (const session of sessions) session.flush();
    });
  }
}

function lastEvent(code: number, reason: string): string {
  return `id: ${CLOSED_ID}\nevent: close\ndata: ${JSON.stringify({ code, reason })}\n\n`;
}

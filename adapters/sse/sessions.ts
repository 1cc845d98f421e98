import { BodyClock } from "./body_clock.ts";
import type { Wire } from "../../socket/callback_socket.ts";
import { isSameToken, keyOf } from "../../session/session_token.ts";
import { CLOSED_ID, type SessionHost, type SSESession } from "./session.ts";
import { SharedInterval, Timers } from "../../common/timers.ts";

/** The wire of a socket that is made of responses and requests. */
export const sessionWire: Wire<SSESession> = {
  isOpen: () => true, // a close is reported at once
  send: (session, frame) => session.send(frame),
  flush: (session) => session.flush(),
  close: (session, code, reason) => session.close(code, reason),
  terminate: (session) => session.terminate(),
  bufferedAmount: (session) => session.bufferedAmount,
  flow: {
    pause: (session) => session.pause(),
    resume: (session) => session.resume(),
  },
};

/** For who comes back too late, and must learn that its messages are lost. */
const RECOVERY_FAILED = lastEvent(1006, "the session is over: what was missed cannot be recovered");
/** How many sessions are remembered that their clients have left. */
const MOST_LEFT = 1000;

/** The sessions of one adapter, and what they share. */
export class SSESessions implements SessionHost {
  readonly heartbeat: number;
  readonly grace: number;
  readonly replay: number;
  readonly maxPayload: number;
  readonly timers: Timers = new Timers();
  readonly lines: SharedInterval<SSESession>;
  /** Sees to it that messages come in at one go. */
  readonly bodies: BodyClock;
  /** By the part of their token that is no proof. */
  readonly #byKey = new Map<string, SSESession>();
  /** How those ended that were left last: HTTP repeats a DELETE whose answer was lost by itself. */
  readonly #left = new Map<string, string>();
  /** What has something to send when the turn ends. */
  #gathering: SSESession[] = [];

  constructor(
    { heartbeat, grace, replay, maxPayload, bodyTimeout }:
      & Pick<SessionHost, "heartbeat" | "grace" | "replay" | "maxPayload">
      & { readonly bodyTimeout: number },
  ) {
    this.heartbeat = heartbeat;
    this.grace = grace;
    this.replay = replay;
    this.maxPayload = maxPayload;
    this.bodies = new BodyClock(this.timers, bodyTimeout);
    this.lines = new SharedInterval<SSESession>(
      this.timers,
      heartbeat,
      (session) => session.heartbeat(),
    );
  }

  /** The session of whoever knows its token. */
  find(token: string | null): SSESession | undefined {
    const session = this.#byKey.get(keyOf(token ?? ""));
    return session && isSameToken(session.token, token!) ? session : undefined;
  }

  /** Whether it was a session that its client has left. */
  hasLeft(token: string | null): boolean {
    return this.#left.has(token ?? "");
  }

  /** All that is left to say to who comes back. */
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

import type { Peer } from "./peer.ts";
import type { CallbackSocket, Wire } from "./shims/callback_socket.ts";
import { EventStream, type EventStreamListener } from "./shims/event_stream.ts";
import { ReplayRing } from "./shims/replay_ring.ts";
import type { RequestBody } from "./shims/request_body.ts";
import { type EventBody, eventBody, idLine, namedEvent } from "./shims/server_sent_event.ts";
import { keyOf, newToken } from "./shims/session_token.ts";
import type { CloseInfo, OutgoingFrame, Payload } from "./socket.ts";
import type { Timers, Watch } from "./timers.ts";

/** What all sessions of one adapter share. */
export interface SessionHost {
  /** Milliseconds between comments on a line that is silent. */
  readonly heartbeat: number;
  /** Milliseconds that a session outlives its line. */
  readonly grace: number;
  /** Bytes of what was sent that may be asked for again. */
  readonly replay: number;
  readonly maxPayload: number;
  readonly timers: Timers;
  /** Sees to the heartbeats. */
  readonly lines: Watch<SSESession>;
  /** Sessions by the part of their token that they are found by. */
  readonly sessions: Map<string, SSESession>;
}

/** The wire of a socket that is made of a response and requests. */
export const sessionWire: Wire<SSESession> = {
  isOpen: () => true, // a close is reported at once
  send: (session, frame) => session.send(frame),
  close: (session, code, reason) => session.close(code, reason),
  terminate: (session) => session.terminate(),
  bufferedAmount: (session) => session.bufferedAmount,
  flow: {
    pause: (session) => session.pause(),
    resume: (session) => session.resume(),
  },
};

const LOST: CloseInfo = { code: 1006, reason: "", wasClean: false };

/** The last part of the id of a session's last event: who asks for what follows gets a 204. */
export const CLOSED_ID = "closed";

/**
 * One client's session: events down by whatever response is its line at the time, messages up by
 * requests. Survives its line for a while, and keeps what was sent to send it again.
 */
export class SSESession implements EventStreamListener {
  /** Who knows it is the client. */
  readonly token: string = newToken();
  /** The `Origin` of the request that opened it. */
  readonly origin: string | null;
  /** Where its own server is, once somebody had to know. */
  host: string | undefined;
  /** Our end. Set before anything is sent, like {@linkcode peer}. */
  socket!: CallbackSocket<SSESession>;
  peer!: Peer;
  /** The number of the last message taken from the client. */
  received = 0;
  /** The message that is being read, or waits to be. */
  turn: RequestBody | undefined;
  /** What lets its page read the answers, where it is of another origin. */
  cors: Record<string, string> | undefined;
  readonly #host: SessionHost;
  readonly #ring: ReplayRing;
  #line: EventStream | undefined;
  /** Bytes sent since the line was lost. */
  #unsent = 0;
  #closeEvent: EventBody | undefined;
  #cancelGrace: (() => void) | undefined;
  #isOpened = false;
  #isOver = false;
  #paused: Gate | undefined;

  constructor(host: SessionHost, origin: string | null) {
    this.#host = host;
    this.origin = origin;
    this.#ring = new ReplayRing(host.replay);
  }

  /** Whether nothing is left to ask of it. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Bytes that no server has read. */
  get bufferedAmount(): number {
    return this.#line ? this.#line.bufferedAmount : this.#unsent;
  }

  /** Its first line. It opens when the server reads: nobody says so of a client that left before. */
  start(isPoll: boolean): EventStream {
    const { heartbeat, grace, maxPayload, sessions } = this.#host;
    sessions.set(keyOf(this.token), this);
    const line = this.#line = new EventStream(this, isPoll);
    const { protocol } = this.socket;
    const event = namedEvent("open", { protocol, heartbeat, grace, maxPayload });
    line.write(this.#id(0), event);
    return line;
  }

  /** One more line in place of the last, from the event with this number on; `undefined` where that is gone. */
  restart(isPoll: boolean, sequence: number): EventStream | undefined {
    const missed = this.#ring.since(sequence);
    if (!missed) return void this.terminate();
    this.#leaveLine()?.end();
    const line = this.#line = new EventStream(this, isPoll);
    this.#cancelGrace?.();
    this.#cancelGrace = undefined;
    this.#unsent = 0;
    this.#host.lines.add(this);
    line.write(this.#id(sequence), namedEvent("resume", { received: this.received }));
    for (const body of missed) line.write(this.#id(++sequence), body);
    if (this.#closeEvent) this.#writeClose(line);
    else if (isPoll && missed.length > 0) this.#endPoll();
    return line;
  }

  onread(line: EventStream): void {
    if (line !== this.#line) return;
    if (this.#isOpened) return this.socket.drained();
    this.#isOpened = true;
    this.#host.lines.add(this);
    this.socket.opened();
    if (line.isPoll) this.#endPoll();
  }

  onleave(line: EventStream): void {
    if (line !== this.#line) return;
    this.#leaveLine();
    this.#awaitLine();
  }

  /** Sends one message. */
  send(frame: OutgoingFrame): boolean {
    const body = eventBody(frame);
    const sequence = this.#ring.push(body, this.bufferedAmount + body.size);
    const line = this.#line;
    if (!line) {
      this.#unsent += body.size;
      return false;
    }
    line.write(this.#id(sequence), body);
    if (line.isPoll) this.#endPoll();
    return line.bufferedAmount === 0;
  }

  /** Keeps the line busy; to be called every `heartbeat`. */
  beat(): void {
    this.#line?.beat();
    if (this.#line?.isPoll) this.#endPoll();
  }

  /** Tells the client that we close. It may answer by {@linkcode left}. */
  close(code: number, reason: string): void {
    this.#closeEvent = namedEvent("close", { code, reason });
    if (this.#line) this.#writeClose(this.#line);
  }

  /** The client closes, or answers our close. */
  left(code: number, reason: string): void {
    if (!this.#closeEvent) this.close(code === 1005 ? 1000 : code, reason);
    this.#end({ code, reason, wasClean: true });
  }

  /** Ends without a word, and for good. */
  terminate(): void {
    this.#leaveLine()?.drop();
    this.#end(LOST);
  }

  /** A message of the client. */
  take(payload: Payload, byteLength: number): void {
    this.received++;
    this.socket.received(payload, byteLength);
  }

  pause(): void {
    this.#paused ??= new Gate();
  }

  resume(): void {
    this.#paused?.open();
    this.#paused = undefined;
  }

  /** Resolves once messages may come; `undefined` where they may now. */
  get paused(): Promise<void> | undefined {
    return this.#paused?.opened;
  }

  #id(sequence: number | string): Uint8Array<ArrayBuffer> {
    return idLine(`${this.token}.${sequence}`);
  }

  /** Ends a line. Nobody says whether the client has read that: it answers, or asks again. */
  #writeClose(line: EventStream): void {
    line.write(this.#id(CLOSED_ID), this.#closeEvent!);
    line.end();
    this.#awaitLine();
  }

  /** Ends the response of a client that gets nothing of it before; it will ask for the next. */
  #endPoll(): void {
    queueMicrotask(() => {
      if (!this.#line?.isPoll) return;
      this.#leaveLine()!.end();
      this.#awaitLine();
    });
  }

  #leaveLine(): EventStream | undefined {
    const line = this.#line;
    this.#line = undefined;
    this.#host.lines.delete(this);
    return line;
  }

  #awaitLine(): void {
    if (this.#isOver) return;
    this.#cancelGrace?.();
    this.#cancelGrace = this.#host.timers.after(this.#host.grace, () => this.terminate());
  }

  #end(info: CloseInfo): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#host.sessions.delete(keyOf(this.token));
    this.#leaveLine();
    this.#cancelGrace?.();
    this.#ring.clear();
    this.resume();
    this.socket.closed(info);
  }
}

/** A promise that somebody else resolves. (Node 20 has no `Promise.withResolvers`.) */
class Gate {
  open!: () => void;
  readonly opened: Promise<void> = new Promise((resolve) => this.open = resolve);
}

import type { Peer } from "./peer.ts";
import type { CallbackSocket, Wire } from "./shims/callback_socket.ts";
import { EventChunk } from "./shims/event_chunk.ts";
import { EventStream, type EventStreamSource } from "./shims/event_stream.ts";
import { ReplayRing } from "./shims/replay_ring.ts";
import type { RequestBody } from "./shims/request_body.ts";
import { type EventBody, eventBody, HEARTBEAT, namedEvent } from "./shims/server_sent_event.ts";
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
  /** Has a session flushed when the turn ends. */
  flushLater(session: SSESession): void;
}

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

const LOST: CloseInfo = { code: 1006, reason: "", wasClean: false };

/** The last part of the id of a session's last event: who asks for what follows gets a 204. */
export const CLOSED_ID = "closed";

/** Most bytes that wait for the turn to end. */
const MAX_GATHERED = 32_768;

/**
 * One client's session: events down by whatever response is its line at the time, messages up by
 * requests. Survives its line for a while, and keeps what was sent to send it again.
 */
export class SSESession implements EventStreamSource {
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
  /** What its line begins with. */
  #prelude: EventBody | undefined;
  #closeEvent: EventBody | undefined;
  #hasSaidClose = false;
  #cancelGrace: (() => void) | undefined;
  #isOpened = false;
  #isOver = false;
  #isGathering = false;
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

  /** What no server has read. */
  get bufferedAmount(): number {
    return this.#ring.unsentSize + (this.#line?.bufferedAmount ?? 0);
  }

  /** Its first line. It opens when the server reads: nobody says so of a client that left before. */
  start(isPoll: boolean): EventStream {
    const { heartbeat, grace, maxPayload, sessions } = this.#host;
    sessions.set(keyOf(this.token), this);
    const { protocol } = this.socket;
    this.#prelude = namedEvent("open", { protocol, heartbeat, grace, maxPayload });
    return this.#line = new EventStream(this, isPoll);
  }

  /** One more line in place of the last, from the event with this number on; `undefined` where that is gone. */
  restart(isPoll: boolean, sequence: number): EventStream | undefined {
    if (!this.#ring.rewind(sequence)) return void this.terminate();
    this.#leaveLine()?.end();
    this.#cancelGrace?.();
    this.#hasSaidClose = false;
    this.#prelude = namedEvent("resume", { received: this.received });
    this.#host.lines.add(this);
    return this.#line = new EventStream(this, isPoll);
  }

  onread(line: EventStream): void {
    if (line !== this.#line) return;
    if (!this.#isOpened) {
      this.#isOpened = line.hasSent = true;
      this.#host.lines.add(this);
      this.socket.opened();
    } else if (!this.#ring.hasNext) this.socket.drained();
    if (!this.#isGathering) this.#feed(line);
  }

  onleave(line: EventStream): void {
    if (line !== this.#line) return;
    this.#leaveLine();
    this.#awaitLine();
  }

  /** Sends one message, at the end of the turn at the latest. */
  send(frame: OutgoingFrame): void {
    this.#ring.push(eventBody(frame));
    if (!this.#line?.isHungry) return;
    if (this.#ring.unsentSize > MAX_GATHERED) this.#feed(this.#line);
    else if (!this.#isGathering) {
      this.#isGathering = true;
      this.#host.flushLater(this);
    }
  }

  /** Sends what was gathered. */
  flush(): void {
    this.#isGathering = false;
    if (this.#line?.isHungry) this.#feed(this.#line);
  }

  /** Keeps the line busy; to be called every `heartbeat`. */
  beat(): void {
    const line = this.#line;
    if (!line?.isHungry) return; // it is busy
    line.hasSent = true;
    line.write(HEARTBEAT.bytes, 0);
  }

  /** Tells the client that we close. It may answer by {@linkcode left}. */
  close(code: number, reason: string): void {
    this.#closeEvent = namedEvent("close", { code, reason });
    this.flush();
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

  /** Gives a line what it waits for, as far as there is something. */
  #feed(line: EventStream): void {
    const ring = this.#ring;
    const chunk = new EventChunk(this.token);
    if (this.#prelude) chunk.add(ring.nextNumber - 1, this.#prelude);
    this.#prelude = undefined;
    while (ring.hasNext && !chunk.isFull) {
      chunk.add(ring.nextNumber, ring.next());
      line.hasSent = true;
    }
    const isDone = chunk.isEmpty && (this.#hasSaidClose || (line.isPoll && line.hasSent));
    if (this.#closeEvent && !this.#hasSaidClose && !ring.hasNext) {
      this.#hasSaidClose = true;
      chunk.add(CLOSED_ID, this.#closeEvent);
    }
    chunk.writeTo(line);
    if (!isDone) return;
    this.#leaveLine();
    line.end();
    // Whether the client has read it nobody says: it answers, or asks again.
    this.#awaitLine();
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
    this.#leaveLine()?.end();
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

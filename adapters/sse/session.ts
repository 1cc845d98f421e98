import type { Peer } from "../../peer.ts";
import type { CallbackSocket } from "../../socket/callback_socket.ts";
import { EventChunk } from "./event_chunk.ts";
import { EventStream, type EventStreamSource } from "./event_stream.ts";
import { Deferred } from "../../common/deferred.ts";
import { ReplayRing } from "../../session/replay_ring.ts";
import type { RequestBody } from "./request_body.ts";
import { type EventBody, eventBody, HEARTBEAT, namedEvent } from "./server_sent_event.ts";
import { newToken } from "../../session/session_token.ts";
import type { CloseInfo, OutgoingFrame, Payload } from "../../socket/socket.ts";
import type { SharedInterval, Timers } from "../../common/timers.ts";

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
  readonly lines: SharedInterval<SSESession>;
  /** From here on a session may be asked for. */
  began(session: SSESession): void;
  /** From here on it may not. */
  ended(session: SSESession): void;
  /** Its client has closed it, or answered our close. */
  left(session: SSESession, code: number, reason: string): void;
  /** Has a session flushed when the turn ends. */
  flushLater(session: SSESession): void;
}

/** Milliseconds until a response must be read, or our close answered; or as many as `grace` has. */
const PATIENCE = 10_000;

const LOST: CloseInfo = { code: 1006, reason: "", wasClean: false };

/** The last part of the id of a session's last event: who asks for what follows gets a 204. */
export const CLOSED_ID = "closed";

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
  readonly #ring: ReplayRing<EventBody>;
  #line: EventStream | undefined;
  /** What its line begins with. */
  #prelude: EventBody | undefined;
  #closeEvent: EventBody | undefined;
  #hasSaidClose = false;
  #cancelGrace: (() => void) | undefined;
  #isOpened = false;
  #isOver = false;
  #isGathering = false;
  #paused: Deferred | undefined;

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
    this.#host.began(this);
    this.#prelude = this.#opening();
    this.#awaitReader(PATIENCE);
    return this.#line = new EventStream(this, isPoll);
  }

  /**
   * One more line in place of the last, from the event with this number on; `undefined` where that
   * is gone. From -1 on for who knows its token by the header alone: somebody held the body back.
   */
  restart(isPoll: boolean, sequence: number): EventStream | undefined {
    if (this.#isOver || !this.#ring.rewind(Math.max(sequence, 0))) return void this.terminate();
    this.#leaveLine()?.end();
    this.#awaitReader(PATIENCE);
    this.#hasSaidClose = false;
    const isFirst = sequence < 0;
    this.#prelude = isFirst ? this.#opening() : namedEvent("resume", { received: this.received });
    this.#host.lines.add(this);
    const line = this.#line = new EventStream(this, isPoll);
    line.hasSent = isFirst;
    return line;
  }

  #opening(): EventBody {
    const { heartbeat, grace, maxPayload } = this.#host;
    return namedEvent("start", { protocol: this.socket.protocol, heartbeat, grace, maxPayload });
  }

  onread(line: EventStream): void {
    if (line !== this.#line) return;
    this.#cancelGrace?.();
    this.#cancelGrace = undefined;
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
    this.#awaitReader();
  }

  /** Sends one message, together with all others of this turn. */
  send(frame: OutgoingFrame): void {
    this.#ring.push(eventBody(frame));
    if (!this.#line?.isHungry || this.#isGathering) return;
    this.#isGathering = true;
    this.#host.flushLater(this);
  }

  /** Sends what was gathered. */
  flush(): void {
    this.#isGathering = false;
    if (this.#line?.isHungry) this.#feed(this.#line);
  }

  /** Keeps the line busy; to be called every `heartbeat`. */
  heartbeat(): void {
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
    if (this.#isOver) return;
    if (!this.#closeEvent) this.close(code, reason);
    this.#host.left(this, code, reason);
    this.#end({ code, reason, wasClean: true });
  }

  /** Ends without a word, and for good. */
  terminate(): void {
    this.#leaveLine()?.end();
    this.#end(LOST);
  }

  /** A message of the client. */
  take(payload: Payload, byteLength: number): void {
    this.received++;
    this.socket.received(payload, byteLength);
  }

  pause(): void {
    this.#paused ??= new Deferred();
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
    this.#awaitReader();
  }

  #leaveLine(): EventStream | undefined {
    const line = this.#line;
    this.#line = undefined;
    this.#host.lines.delete(this);
    return line;
  }

  /** Ends it unless a server reads: it may never, where the client has left for example. */
  #awaitReader(patience = this.#hasSaidClose ? PATIENCE : 0): void {
    if (this.#isOver) return;
    this.#cancelGrace?.();
    const ms = Math.max(this.#host.grace, patience);
    this.#cancelGrace = this.#host.timers.after(ms, () => this.terminate());
  }

  #end(info: CloseInfo): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#host.ended(this);
    this.#leaveLine()?.end();
    this.#cancelGrace?.();
    this.#ring.clear();
    this.resume();
    this.socket.closed(info);
  }
}

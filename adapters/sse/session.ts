import type { ConnectionSettings } from "../../endpoint/connection_settings.ts";
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

/** Services that all sessions of one adapter share. */
export interface SessionHost {
  /** Milliseconds between comments on a silent stream. */
  readonly heartbeat: number;
  /** Milliseconds that a session outlives its stream. */
  readonly grace: number;
  /** Bytes of sent events that are kept for a client that resumes. */
  readonly replay: number;
  readonly timers: Timers;
  /** Sends heartbeats to the sessions that have a stream. */
  readonly streams: SharedInterval<SSESession>;
  /** Registers a session, so that requests find it by its token. */
  began(session: SSESession): void;
  /** Unregisters a session that is over. */
  ended(session: SSESession): void;
  /** Remembers how a client left its session: by a close, or by its answer to our close. */
  left(session: SSESession, code: number, reason: string): void;
  /** Flushes a session at the end of the current turn. */
  flushLater(session: SSESession): void;
}

/** Least milliseconds for the runtime to read a response, and for a client to answer our close. */
const READ_TIMEOUT = 10_000;

const LOST: CloseInfo = { code: 1006, reason: "", wasClean: false };

/** Suffix of the id of a session's last event. A client that reconnects with this id stops. */
export const CLOSED_ID = "closed";

/**
 * Session of one client. The current stream, a response, carries events to the client. Requests carry
 * messages from the client. The session outlives a lost stream for a while, and keeps sent events so
 * that the next stream can send them again.
 */
export class SSESession implements EventStreamSource {
  /** Secret that proves that a request comes from the client. */
  readonly token: string = newToken();
  /** `Origin` of the request that opened the session. */
  readonly origin: string | null;
  /** Options in force for the session. */
  readonly settings: ConnectionSettings;
  /** Host of the server itself; set when the first request needs it. */
  host: string | undefined;
  /** Socket of the session. Set before the first send, like {@linkcode peer}. */
  socket!: CallbackSocket<SSESession>;
  peer!: Peer;
  /** Number of the last message that was accepted from the client. */
  received = 0;
  /** Body of the message that is being read, or waits to be read. */
  turn: RequestBody | undefined;
  /** Headers that let a page of another origin read the responses. */
  cors: Record<string, string> | undefined;
  readonly #host: SessionHost;
  readonly #ring: ReplayRing<EventBody>;
  #stream: EventStream | undefined;
  /** First event of the stream, until it is sent. */
  #prelude: EventBody | undefined;
  #closeEvent: EventBody | undefined;
  #hasSaidClose = false;
  #cancelGrace: (() => void) | undefined;
  #isOpened = false;
  #isOver = false;
  #isGathering = false;
  #paused: Deferred | undefined;

  constructor(host: SessionHost, origin: string | null, settings: ConnectionSettings) {
    this.#host = host;
    this.origin = origin;
    this.settings = settings;
    this.#ring = new ReplayRing(host.replay);
  }

  /** Whether the session has ended. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Bytes that the runtime has not read from the session. */
  get bufferedAmount(): number {
    return this.#ring.unsentSize + (this.#stream?.bufferedAmount ?? 0);
  }

  /**
   * Returns the first stream. The socket opens when the runtime reads the stream: no runtime reports
   * a client that leaves earlier.
   */
  start(isPoll: boolean): EventStream {
    this.#host.began(this);
    this.#prelude = this.#opening();
    this.#awaitReader(READ_TIMEOUT);
    return this.#stream = new EventStream(this, isPoll);
  }

  /**
   * Returns a stream that replaces the last one and continues after event number `sequence`. If a
   * later event is no longer kept, ends the session and returns `undefined`.
   *
   * @param sequence -1 if the client knows the token from a header, but has received no event because
   * a proxy holds back the body.
   */
  restart(isPoll: boolean, sequence: number): EventStream | undefined {
    if (this.#isOver || !this.#ring.rewind(Math.max(sequence, 0))) return void this.terminate();
    this.#leaveStream()?.end();
    this.#awaitReader(READ_TIMEOUT);
    this.#hasSaidClose = false;
    const isFirst = sequence < 0;
    this.#prelude = isFirst ? this.#opening() : namedEvent("resume", { received: this.received });
    this.#host.streams.add(this);
    const stream = this.#stream = new EventStream(this, isPoll);
    stream.hasSent = isFirst;
    return stream;
  }

  #opening(): EventBody {
    const { heartbeat, grace } = this.#host, { maxPayload } = this.settings.limits;
    return namedEvent("start", { protocol: this.socket.protocol, heartbeat, grace, maxPayload });
  }

  onread(stream: EventStream): void {
    if (stream !== this.#stream) return;
    this.#cancelGrace?.();
    this.#cancelGrace = undefined;
    if (!this.#isOpened) {
      this.#isOpened = stream.hasSent = true;
      this.#host.streams.add(this);
      this.socket.opened();
    } else if (!this.#ring.hasNext) this.socket.drained();
    if (!this.#isGathering) this.#feed(stream);
  }

  onleave(stream: EventStream): void {
    if (stream !== this.#stream) return;
    this.#leaveStream();
    this.#awaitReader();
  }

  /** Sends one message, together with all other messages of this turn. */
  send(frame: OutgoingFrame): void {
    this.#ring.push(eventBody(frame));
    if (!this.#stream?.isHungry || this.#isGathering) return;
    this.#isGathering = true;
    this.#host.flushLater(this);
  }

  /** Sends the events that this turn has queued. */
  flush(): void {
    this.#isGathering = false;
    if (this.#stream?.isHungry) this.#feed(this.#stream);
  }

  /** Writes a comment to a stream that is idle. Called every `heartbeat` milliseconds. */
  heartbeat(): void {
    const stream = this.#stream;
    if (!stream?.isHungry) return; // the runtime has not read the last chunk yet
    stream.hasSent = true;
    stream.write(HEARTBEAT.bytes, 0);
  }

  /** Sends our close to the client. The answer arrives by {@linkcode left}. */
  close(code: number, reason: string): void {
    this.#closeEvent = namedEvent("close", { code, reason });
    this.flush();
  }

  /** Handles the client's close, or the client's answer to our close. */
  left(code: number, reason: string): void {
    if (this.#isOver) return;
    if (!this.#closeEvent) this.close(code, reason);
    this.#host.left(this, code, reason);
    this.#end({ code, reason, wasClean: true });
  }

  /** Ends the session at once, without a close event. */
  terminate(): void {
    this.#leaveStream()?.end();
    this.#end(LOST);
  }

  /** Accepts a message of the client. */
  take(payload: Payload, byteLength: number): void {
    this.received++;
    this.socket.received(payload, byteLength);
  }

  pause(): void {
    this.#paused ??= new Deferred();
  }

  resume(): void {
    this.#paused?.resolve();
    this.#paused = undefined;
  }

  /** Settles when messages may arrive again; `undefined` if they may arrive now. */
  get paused(): Promise<void> | undefined {
    return this.#paused?.promise;
  }

  /** Writes queued events to a stream that the runtime is reading. */
  #feed(stream: EventStream): void {
    const ring = this.#ring;
    const chunk = new EventChunk(this.token);
    if (this.#prelude) chunk.add(ring.nextNumber - 1, this.#prelude);
    this.#prelude = undefined;
    while (ring.hasNext && !chunk.isFull) {
      chunk.add(ring.nextNumber, ring.next());
      stream.hasSent = true;
    }
    const isDone = chunk.isEmpty && (this.#hasSaidClose || (stream.isPoll && stream.hasSent));
    if (this.#closeEvent && !this.#hasSaidClose && !ring.hasNext) {
      this.#hasSaidClose = true;
      chunk.add(CLOSED_ID, this.#closeEvent);
    }
    chunk.writeTo(stream);
    if (!isDone) return;
    this.#leaveStream();
    stream.end();
    // No runtime reports whether the client has read the end. The client answers or reconnects.
    this.#awaitReader();
  }

  #leaveStream(): EventStream | undefined {
    const stream = this.#stream;
    this.#stream = undefined;
    this.#host.streams.delete(this);
    return stream;
  }

  /**
   * Ends the session unless the runtime reads a stream in time. Runtimes stop reading once the client
   * is lost.
   */
  #awaitReader(timeout = this.#hasSaidClose ? READ_TIMEOUT : 0): void {
    if (this.#isOver) return;
    this.#cancelGrace?.();
    const ms = Math.max(this.#host.grace, timeout);
    this.#cancelGrace = this.#host.timers.after(ms, () => this.terminate());
  }

  #end(info: CloseInfo): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#host.ended(this);
    this.#leaveStream()?.end();
    this.#cancelGrace?.();
    this.#ring.clear();
    this.resume();
    this.socket.closed(info);
  }
}

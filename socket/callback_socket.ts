import {
  type BroadcastDomain,
  CLOSED,
  type CloseInfo,
  CLOSING,
  CONNECTING,
  type ControlKind,
  OPEN,
  type OutgoingFrame,
  type Payload,
  type ServerSocket,
  type SocketFailure,
  type SocketFlow,
  type SocketHeartbeat,
  type SocketListener,
  type SocketTopics,
} from "./socket.ts";

/**
 * Functions by which a {@linkcode CallbackSocket} uses the native socket of one runtime. An adapter
 * has one such object for all connections: the functions get the native socket as an argument.
 */
export interface Wire<Native> {
  /** Whether the native socket accepts frames. False after the close frame of the client. */
  isOpen(native: Native): boolean;
  /** Sends one message. Returns true if the runtime reports that no byte had to be queued. */
  send(native: Native, frame: OutgoingFrame, compress: boolean): boolean | void;
  /** Bytes that a queued message adds to `bufferedAmount`. Default: the length of its payload. */
  sizeOf?(frame: OutgoingFrame): number;
  /** Whether a queued message without bytes adds nothing to `bufferedAmount`. */
  readonly hidesEmpty?: boolean;
  /** Hands gathered bytes to the network. Absent if the runtime gathers none. */
  flush?(native: Native): void;
  /** Starts the closing handshake. */
  close(native: Native, code: number, reason: string): void;
  /** Whether `close` must wait for an empty queue, as the runtime reports no queued bytes after a close. */
  readonly closeForgetsQueue?: boolean;
  /** Ends the connection without a closing handshake, as far as the runtime can. */
  terminate(native: Native): void;
  /** Number of bytes accepted and not yet handed to the network, without those of `topics`. */
  bufferedAmount(native: Native): number;
  /** Native topics. Absent if the runtime has none. */
  readonly topics?: {
    domain(native: Native): BroadcastDomain | undefined;
    subscribe(native: Native, name: string): void;
    unsubscribe(native: Native, name: string): void;
    broadcast(native: Native, name: string, frame: OutgoingFrame, compress: boolean): void;
    /** Number of broadcast bytes for this socket that the runtime has not tried to write. */
    unflushed(native: Native): number;
    /** Called after a `send`, because a send also writes the broadcast bytes. */
    flushed(native: Native): void;
    /** Makes the runtime call `drained` once no broadcast bytes wait. */
    awaitFlush(native: Native): void;
  };
  /** Stops and starts reading. Absent if the runtime cannot stop reading. */
  readonly flow?: { pause(native: Native): void; resume(native: Native): void };
  /**
   * Pings, and a number that changes with each received frame. Absent if the runtime detects silent
   * clients by itself, or never. `ping` is absent if the runtime cannot send a ping on demand.
   */
  readonly heartbeat?: {
    ping?(native: Native, data: Uint8Array<ArrayBuffer>): void;
    activity(native: Native): number;
  };
}

const NOTHING = new Uint8Array();

/**
 * A {@linkcode ServerSocket} over the native socket of any runtime. Enforces the rules of states on
 * all runtimes. The adapter calls `opened`, `received`, `controlled`, `drained`, `failed` and
 * `closed` in the order, and as often, as its runtime reports these events.
 *
 * The groups {@linkcode topics}, {@linkcode flow} and {@linkcode heartbeat} are this object itself:
 * objects of their own would cost memory for every idle peer.
 */
export class CallbackSocket<Native>
  implements ServerSocket, SocketTopics, SocketFlow, SocketHeartbeat {
  listener: SocketListener | null = null;
  readonly raw: Native;
  readonly protocol: string;
  readonly extensions: string;
  readonly #wire: Wire<Native>;
  #state = CONNECTING;
  #isPaused = false;
  #isClosed = false;
  #hasFailed = false;
  #wasSubscribed = false;
  #pendingClose: { readonly code: number; readonly reason: string } | undefined;
  /** Whether `close()` is running. Meanwhile the state is CLOSING, whatever the wire reports. */
  #isClosing = false;
  /** Whether a function of the wire is running. Events that come meanwhile wait for a microtask. */
  #isCalling = false;
  #reports: (() => void)[] | undefined;

  constructor(wire: Wire<Native>, native: Native, protocol = "", extensions = "") {
    this.#wire = wire;
    this.raw = native;
    this.protocol = protocol;
    this.extensions = extensions;
  }

  get readyState(): number {
    return this.#state === OPEN && !this.#wire.isOpen(this.raw) ? CLOSING : this.#state;
  }

  get bufferedAmount(): number {
    return !this.#isClosed && (this.#state === OPEN || this.#state === CLOSING)
      ? this.#wire.bufferedAmount(this.raw) + this.unflushedAmount
      : 0;
  }

  get unflushedAmount(): number {
    return this.#wasSubscribed && !this.#isClosed ? this.#wire.topics!.unflushed(this.raw) : 0;
  }

  get topics(): SocketTopics | undefined {
    return this.#wire.topics && this;
  }

  get flow(): SocketFlow | undefined {
    return this.#wire.flow && this;
  }

  get heartbeat(): SocketHeartbeat | undefined {
    return this.#wire.heartbeat && this;
  }

  send(frame: OutgoingFrame, compress: boolean): number {
    if (this.readyState !== OPEN) return this.bufferedAmount;
    this.#isCalling = true;
    try {
      const isWritten = this.#wire.send(this.raw, frame, compress);
      if (this.#wasSubscribed) this.#wire.topics!.flushed(this.raw);
      return isWritten ? 0 : this.bufferedAmount;
    } finally {
      this.#isCalling = false;
    }
  }

  sizeOf(frame: OutgoingFrame): number {
    return this.#wire.sizeOf?.(frame) ?? frame.byteLength;
  }

  get hidesEmpty(): boolean {
    return this.#wire.hidesEmpty === true;
  }

  flush(): void {
    this.#isCalling = true;
    try {
      if (!this.#isClosed) this.#wire.flush?.(this.raw);
    } finally {
      this.#isCalling = false;
    }
  }

  get wasSubscribed(): boolean {
    return this.#wasSubscribed;
  }

  get domain(): BroadcastDomain | undefined {
    return this.#isClosed ? undefined : this.#wire.topics?.domain(this.raw);
  }

  subscribe(name: string): void {
    this.#wasSubscribed = true;
    this.#wire.topics!.subscribe(this.raw, name);
  }

  unsubscribe(name: string): void {
    if (!this.#isClosed) this.#wire.topics!.unsubscribe(this.raw, name);
  }

  broadcast(name: string, frame: OutgoingFrame, compress: boolean): void {
    this.#wire.topics!.broadcast(this.raw, name, frame, compress);
  }

  close(code: number, reason: string): void {
    if (this.readyState !== OPEN) return;
    this.#state = CLOSING;
    this.listener?.onclosing();
    this.#isClosing = true;
    if (this.#wire.closeForgetsQueue && this.bufferedAmount > 0) {
      this.#pendingClose = { code, reason };
      if (this.unflushedAmount > 0) this.#wire.topics!.awaitFlush(this.raw);
    } else this.#wire.close(this.raw, code, reason);
    this.#isClosing = false;
    this.resume(); // a paused reader would not get the close frame of the client
  }

  terminate(): void {
    if (this.#state === CLOSED) return;
    const isThere = !this.#isClosed;
    this.#isClosed ||= this.#state === CONNECTING; // a socket that never opened reports no close
    this.#state = CLOSED;
    if (isThere) this.#wire.terminate(this.raw);
    this.closed({ code: 1006, reason: "", wasClean: false });
  }

  pause(): void {
    if (this.#isPaused || this.readyState !== OPEN) return;
    this.#isPaused = true;
    this.#wire.flow?.pause(this.raw);
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (!this.#isClosed) this.#wire.flow?.resume(this.raw);
  }

  ping(data: Uint8Array<ArrayBuffer> = NOTHING): boolean {
    const { heartbeat } = this.#wire;
    if (this.readyState === OPEN) heartbeat?.ping?.(this.raw, data);
    return heartbeat?.ping !== undefined;
  }

  activity(): number {
    return this.#wire.heartbeat?.activity(this.raw) ?? 0;
  }

  /** Whether the client broke the protocol. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Called when the handshake is complete. */
  opened(): void {
    if (this.#state !== CONNECTING) return;
    this.#state = OPEN;
    this.listener?.onopen();
  }

  /** Called for a complete message. Ignored unless the state is OPEN, as in the WHATWG `WebSocket`. */
  received(payload: Payload, byteLength: number): void {
    if (this.#mustWait) return this.#later(() => this.received(payload, byteLength));
    if (this.#state === OPEN) this.listener?.onmessage(payload, byteLength);
  }

  /** Called for a ping or a pong. No other code may change the bytes later. */
  controlled(kind: ControlKind, data: Uint8Array<ArrayBuffer>): void {
    if (this.#mustWait) return this.#later(() => this.controlled(kind, data));
    if (this.#state === OPEN) this.listener?.oncontrol(kind, data);
  }

  /** Called when the runtime has written queued bytes. */
  drained(): void {
    if (this.#mustWait) return this.#later(() => this.drained());
    if (this.#state === OPEN) this.listener?.ondrain();
    if (this.#isClosed || !this.#pendingClose || this.bufferedAmount > 0) return;
    const { code, reason } = this.#pendingClose;
    this.#pendingClose = undefined;
    this.#wire.close(this.raw, code, reason);
  }

  /** Called when the client has broken the protocol. The runtime itself closes the connection. */
  failed(failure: SocketFailure): void {
    if (this.#mustWait) return this.#later(() => this.failed(failure));
    if (this.#state !== OPEN) return;
    this.#state = CLOSING;
    this.#hasFailed = true;
    this.listener?.onerror(failure);
  }

  /**
   * Called when the connection has ended. The listener gets no report if the socket never opened.
   *
   * @param failure error of the client that the runtime reports together with the end.
   */
  closed(info: CloseInfo, failure?: SocketFailure): void {
    const hasOpened = this.#state !== CONNECTING;
    const isFirst = !this.#isClosed;
    this.#isClosed = true; // before an `error` hook runs, which may use the peer
    if (failure) this.failed(failure);
    if (!this.#isClosing) this.#state = CLOSED;
    if (!isFirst || !hasOpened) return;
    this.listener?.onclosing();
    // Bun 1.4 and uWebSockets.js 20 report the close from inside close(). The report always waits
    // for a microtask, so that the report neither interrupts a caller nor overtakes another report.
    this.#later(() => {
      this.#state = CLOSED;
      this.listener?.onclose(info);
    });
  }

  get #mustWait(): boolean {
    return this.#isCalling || this.#reports !== undefined;
  }

  #later(report: () => void): void {
    if (this.#reports) return void this.#reports.push(report);
    const reports = this.#reports = [report];
    queueMicrotask(() => {
      this.#reports = undefined;
      for (const waiting of reports) waiting();
    });
  }
}

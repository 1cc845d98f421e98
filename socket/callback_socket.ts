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
 * How one runtime's socket does the few things every socket must. One object per
 * adapter, not per connection: each function gets the native socket it works on.
 */
export interface Wire<Native> {
  /** Whether the native socket still takes frames: false once the client's close has come in. */
  isOpen(native: Native): boolean;
  /** Puts one message on the wire; tells whether nothing of it had to be queued, where it knows that by now. */
  send(native: Native, frame: OutgoingFrame, compress: boolean): boolean | void;
  /** Gives to the network what only waits for more to go with it, where there is such a thing. */
  flush?(native: Native): void;
  /** Starts the closing handshake. */
  close(native: Native, code: number, reason: string): void;
  /** Whether {@linkcode close} loses track of what is queued: then it is called once the queue is empty. */
  readonly closeForgetsQueue?: boolean;
  /** Drops the line without a closing handshake, as far as the runtime can. */
  terminate(native: Native): void;
  /** Bytes accepted and not yet given to the network, less what {@linkcode topics} holds. */
  bufferedAmount(native: Native): number;
  /** The runtime's own topics, where it has them. */
  readonly topics?: {
    domain(native: Native): BroadcastDomain | undefined;
    subscribe(native: Native, name: string): void;
    unsubscribe(native: Native, name: string): void;
    broadcast(native: Native, name: string, frame: OutgoingFrame, compress: boolean): void;
    /** Bytes that others broadcast, and that are not being written yet. */
    unflushed(native: Native): number;
    /** Something was sent, and so what was held. */
    flushed(native: Native): void;
    /** Has `drained` called once nothing is held any more. */
    awaitFlush(native: Native): void;
  };
  /** Stops and starts the reader, where the runtime can. */
  readonly flow?: { pause(native: Native): void; resume(native: Native): void };
  /** Pings, and tells by a changing number that something was heard; where the runtime does not watch idle lines itself. */
  readonly heartbeat?: {
    ping(native: Native, data: Uint8Array<ArrayBuffer>): void;
    activity(native: Native): number;
  };
}

const NOTHING = new Uint8Array();

/**
 * A {@linkcode ServerSocket} over any runtime's socket: all state rules, once.
 * The adapter calls `opened`, `received`, `controlled`, `drained`, `failed` and `closed`, in
 * whatever order and however often its runtime reports.
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
  /** Set inside close(): the state is CLOSING until the caller is done, whatever the wire reports. */
  #isClosing = false;
  /** Set while the wire is at work: what it reports from inside waits here until the turn is over. */
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
    this.resume(); // or the client's answer would never be read
  }

  terminate(): void {
    if (this.#state === CLOSED) return;
    const isThere = !this.#isClosed;
    this.#isClosed ||= this.#state === CONNECTING; // then nobody is told
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

  ping(data: Uint8Array<ArrayBuffer> = NOTHING): void {
    if (this.readyState === OPEN) this.#wire.heartbeat?.ping(this.raw, data);
  }

  activity(): number {
    return this.#wire.heartbeat?.activity(this.raw) ?? 0;
  }

  /** Whether the client broke the protocol. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** The runtime says: the handshake is over. */
  opened(): void {
    if (this.#state !== CONNECTING) return;
    this.#state = OPEN;
    this.listener?.onopen();
  }

  /** The runtime says: a whole message came. Silent unless open, as in the WHATWG `WebSocket`. */
  received(payload: Payload, byteLength: number): void {
    if (this.#mustWait) return this.#later(() => this.received(payload, byteLength));
    if (this.#state === OPEN) this.listener?.onmessage(payload, byteLength);
  }

  /** The runtime says: a ping or a pong came. The bytes are not touched by anybody from here on. */
  controlled(kind: ControlKind, data: Uint8Array<ArrayBuffer>): void {
    if (this.#mustWait) return this.#later(() => this.controlled(kind, data));
    if (this.#state === OPEN) this.listener?.oncontrol(kind, data);
  }

  /** The runtime says: the queue has been written. */
  drained(): void {
    if (this.#mustWait) return this.#later(() => this.drained());
    if (this.#state === OPEN) this.listener?.ondrain();
    if (this.#isClosed || !this.#pendingClose || this.bufferedAmount > 0) return;
    const { code, reason } = this.#pendingClose;
    this.#pendingClose = undefined;
    this.#wire.close(this.raw, code, reason);
  }

  /** The runtime says: the client broke the protocol. It closes the line by itself. */
  failed(failure: SocketFailure): void {
    if (this.#mustWait) return this.#later(() => this.failed(failure));
    if (this.#state !== OPEN) return;
    this.#state = CLOSING;
    this.#hasFailed = true;
    this.listener?.onerror(failure);
  }

  /** The runtime says: it is over. A socket that never opened has nobody to tell. */
  closed(info: CloseInfo): void {
    const hasOpened = this.#state !== CONNECTING;
    if (!this.#isClosing) this.#state = CLOSED;
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (!hasOpened) return;
    this.listener?.onclosing();
    // Bun 1.4 and uWebSockets.js 20 report the close from inside close(). Always wait a turn, so
    // that no caller is re-entered half way through its own function, and nothing is overtaken.
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

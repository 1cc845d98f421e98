import type { OutgoingFrame } from "../../socket/socket.ts";
import type { Wire } from "../../socket/callback_socket.ts";
import type { RequestContext } from "./request_context.ts";
import type { CloudflareSocket } from "./workerd.ts";

const LINE: unique symbol = Symbol("line");

/** Members of workerd's `WebSocket` that the adapter uses in a plain Worker. */
export interface WorkerSocket extends CloudflareSocket {
  /** As in the WHATWG `WebSocket`. workerd has this property since 2026-03. */
  binaryType?: string;
  /** Accepts the socket, and starts to read. */
  accept(options: { readonly allowHalfOpen: boolean }): void;
  /** As in the DOM. */
  addEventListener(type: string, listener: (event: never) => void): void;
  [LINE]?: RemoteSocket;
}

/** Most milliseconds between two checks of the bytes that wait for a slow client. */
const MAX_LOOK_MS = 10;

/** Milliseconds that a context outlives its last hook, for work the hook has started. */
export const LINGER_MS = 1000;

/** Milliseconds that hooks may take after the client has left. Cloudflare then ends the request. */
const HOOKS_MAY_TAKE_MS = 30_000;

/** The owner of the sockets of an isolate. */
export interface LineHost {
  /** Milliseconds for hooks after the server has dropped the socket. Then the context ends. */
  readonly hooksMayTake: number;
  /** Called when the socket no longer accepts frames. */
  ended(line: RemoteSocket): void;
  /** Called when the context of the socket is not needed any more. */
  over(line: RemoteSocket): void;
}

/**
 * A socket that other requests can use. Posts each call to the context that the native socket
 * belongs to.
 */
export class RemoteSocket {
  readonly native: WorkerSocket;
  readonly context: RequestContext;
  /** Time at which the last message arrived, as `Date.now()` counts. */
  heardAt: number = Date.now();
  /** Called in the context of the socket when queued bytes may have been written. */
  drained: () => void = () => {};
  readonly #host: LineHost;
  #isOpen = true;
  #isDropped = false;
  /** Number of hooks of the peer that are running. */
  #running = 0;
  /** Bytes that wait for the context. */
  #posted = 0;
  /** Bytes that waited for the network at the last check. */
  #queued = 0;
  /** Milliseconds between checks, plus 1; 0 while no byte waits. */
  #lookIn = 0;

  constructor(native: WorkerSocket, context: RequestContext, host: LineHost) {
    this.native = native;
    this.context = context;
    this.#host = host;
    native[LINE] = this;
  }

  /** Whether the socket accepts frames. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Bytes that wait: exact in the socket's context, some milliseconds old in other contexts. */
  get bufferedAmount(): number {
    if (this.context.isCurrent) this.context.post(() => this.#look());
    return this.#posted + this.#queued;
  }

  send({ payload, byteLength }: OutgoingFrame): void {
    this.#posted += byteLength;
    this.context.post(() => {
      this.#posted -= byteLength;
      if (!this.#isOpen) return;
      this.native.send(payload);
      if (this.#lookIn > 0) this.#look();
      else this.#watch();
    });
  }

  close(code: number, reason: string): void {
    this.context.post(() => {
      if (this.#isOpen) this.native.close(code, reason);
    });
  }

  /** Notes a running hook of the peer. The context lives until the hook has settled. */
  ran(hook: Promise<void>): void {
    this.#running++;
    const settled = () => {
      if (--this.#running === 0 && !this.#isOpen) this.#finishSoon();
    };
    hook.then(settled, settled);
  }

  /** Notes that the socket has ended. If `isDropped`, the server drops the connection. */
  end(isDropped: boolean): void {
    this.#isDropped ||= isDropped;
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#host.ended(this);
    this.#finishSoon();
    const hooksMayTake = isDropped ? this.#host.hooksMayTake : HOOKS_MAY_TAKE_MS;
    this.context.post(() => void setTimeout(() => this.#letGo(), hooksMayTake));
  }

  /** Releases the context after the `close` hook has started, unless a hook is running then. */
  #finishSoon(): void {
    const wait = this.#isDropped ? 0 : LINGER_MS;
    this.context.post(() => void setTimeout(() => this.#finish(), wait));
  }

  #finish(): void {
    if (this.#running === 0) this.#letGo();
  }

  #letGo(): void {
    this.#host.over(this);
    if (this.#isDropped) this.context.abort();
    else this.context.end();
  }

  #look(): void {
    this.#queued = this.#isOpen ? this.native.bufferedAmount ?? 0 : 0;
  }

  /** Repeats a check while bytes wait, as workerd does not report when the bytes are written. */
  #watch(): void {
    this.#look();
    this.#lookIn = this.#queued > 0 ? Math.min(this.#lookIn + 1, MAX_LOOK_MS) : 0;
    if (this.#lookIn === 0) return;
    setTimeout(() =>
      this.context.run(() => {
        this.#watch();
        this.drained();
      }), this.#lookIn - 1);
  }
}

/** @internal Wire of a socket that belongs to a request of a plain Worker. */
export const workerWire: Wire<WorkerSocket> = {
  isOpen: (native) => native[LINE]!.isOpen,
  send: (native, frame) => native[LINE]!.send(frame),
  close: (native, code, reason) => native[LINE]!.close(code, reason),
  terminate: (native) => native[LINE]!.end(true),
  bufferedAmount: (native) => native[LINE]!.bufferedAmount,
  hidesEmpty: true,
};

import type { OutgoingFrame } from "../../socket/socket.ts";
import type { Wire } from "../../socket/callback_socket.ts";
import type { RequestContext } from "./request_context.ts";
import type { CloudflareSocket } from "./workerd.ts";

const LINE: unique symbol = Symbol("line");

/** The part of workerd's `WebSocket` that is used, where it lives in a Worker's request. */
export interface WorkerSocket extends CloudflareSocket {
  /** As in the WHATWG `WebSocket`; workerd has it since 2026-03. */
  binaryType?: string;
  /** Takes the socket over: from here on it is read. */
  accept(options: { readonly allowHalfOpen: boolean }): void;
  /** As in DOM. */
  addEventListener(type: string, listener: (event: never) => void): void;
  [LINE]?: RemoteSocket;
}

/** Between looks at what a slow client has not taken. */
const MAX_LOOK_MS = 10;

/** Milliseconds for what a hook has left behind to go on after the end: a timer, a request to elsewhere. */
export const LINGER_MS = 1000;

/** Milliseconds for the hooks of who has left: no longer does Cloudflare keep its request. */
const HOOKS_MAY_TAKE_MS = 30_000;

/** Who looks after lines. */
export interface LineHost {
  /** Milliseconds for the hooks of a line that is dropped: they end with its context. */
  readonly hooksMayTake: number;
  /** A line takes no frames from here on. */
  ended(line: RemoteSocket): void;
  /** Its context is not needed any more. */
  over(line: RemoteSocket): void;
}

/** A socket and the context it lives in, for whoever is elsewhere. */
export class RemoteSocket {
  readonly native: WorkerSocket;
  readonly context: RequestContext;
  /** When something was heard from the client. */
  heardAt: number = Date.now();
  /** Some of what waited for the network may have been written: called within its context. */
  drained: () => void = () => {};
  readonly #host: LineHost;
  #isOpen = true;
  #isDropped = false;
  /** Hooks of its peer that are at work. */
  #running = 0;
  /** Bytes that wait for their context. */
  #posted = 0;
  /** Bytes that waited for the network at the last look. */
  #queued = 0;
  /** Milliseconds until the next look, while there is something to look at; else 0. */
  #lookIn = 0;

  constructor(native: WorkerSocket, context: RequestContext, host: LineHost) {
    this.native = native;
    this.context = context;
    this.#host = host;
    native[LINE] = this;
  }

  /** Whether it takes frames. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Bytes that wait: true within its context, at most some milliseconds old elsewhere. */
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

  /** Waits for a hook of its peer. */
  ran(hook: Promise<void>): void {
    this.#running++;
    const settled = () => {
      if (--this.#running === 0 && !this.#isOpen) this.#finishSoon();
    };
    hook.then(settled, settled);
  }

  /** It has ended, by itself or by being dropped. */
  end(isDropped: boolean): void {
    this.#isDropped ||= isDropped;
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#host.ended(this);
    this.#finishSoon();
    const hooksMayTake = isDropped ? this.#host.hooksMayTake : HOOKS_MAY_TAKE_MS;
    this.context.post(() => void setTimeout(() => this.#letGo(), hooksMayTake));
  }

  /** Lets go of the context once no hook is at work: the `close` hook has not started yet. */
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

  /** Looks again and again while something waits: the runtime does not say when it has been written. */
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

/** @internal The wire of a socket that lives in a Worker's request. */
export const workerWire: Wire<WorkerSocket> = {
  isOpen: (native) => native[LINE]!.isOpen,
  send: (native, frame) => native[LINE]!.send(frame),
  close: (native, code, reason) => native[LINE]!.close(code, reason),
  terminate: (native) => native[LINE]!.end(true),
  bufferedAmount: (native) => native[LINE]!.bufferedAmount,
};

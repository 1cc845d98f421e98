/// <reference lib="dom" />
import { type ClientMessage, parseServerMessage, type ServerMessage } from "../protocol.ts";
import { backoff } from "./backoff.ts";

export type ConnectionState =
  | { readonly kind: "connecting" }
  | { readonly kind: "connected" }
  /** Until the next attempt, at `until` by `performance.now()`. */
  | { readonly kind: "waiting"; readonly until: number };

export interface ConnectionListener {
  onstate(state: ConnectionState): void;
  onmessage(message: ServerMessage): void;
}

/** A connection that lasted this long was a good one: the next failure is the first again. */
const STABLE_AFTER = 5_000;

/** A WebSocket to one room that comes back by itself, until it is closed. */
export class Connection {
  readonly #url: () => string;
  readonly #listener: ConnectionListener;
  #socket: WebSocket | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #openedAt = Infinity;
  #closed = false;

  /** @param url is asked at each attempt, as the name in it may have changed. */
  constructor(url: () => string, listener: ConnectionListener) {
    this.#url = url;
    this.#listener = listener;
    addEventListener("online", this.retry);
    addEventListener("offline", this.reset);
    document.addEventListener("visibilitychange", this.#onVisible);
    this.#connect();
  }

  /** Sends where that is possible now; tells whether it was. */
  send(message: ClientMessage): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /** Makes the next attempt at once, where one is waited for. */
  readonly retry = (): void => {
    if (this.#timer !== undefined) this.#connect();
  };

  /** Gives up this socket for another: it looks open, but nothing comes back any more. */
  readonly reset = (): void => {
    if (this.#closed || !this.#socket) return;
    this.#drop();
    this.#wait();
  };

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    removeEventListener("online", this.retry);
    removeEventListener("offline", this.reset);
    document.removeEventListener("visibilitychange", this.#onVisible);
    this.#drop();
  }

  readonly #onVisible = (): void => {
    if (!document.hidden) this.retry();
  };

  #connect(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#listener.onstate({ kind: "connecting" });
    const socket = this.#socket = new WebSocket(this.#url());
    socket.onopen = () => {
      this.#openedAt = performance.now();
      this.#listener.onstate({ kind: "connected" });
    };
    socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      const message = typeof data === "string" ? parseServerMessage(data) : undefined;
      if (message) this.#listener.onmessage(message);
    };
    socket.onclose = () => {
      this.#drop();
      this.#wait();
    };
  }

  #wait(): void {
    if (performance.now() - this.#openedAt > STABLE_AFTER) this.#failures = 0;
    this.#openedAt = Infinity;
    const delay = backoff(this.#failures++);
    this.#timer = setTimeout(() => this.#connect(), delay);
    this.#listener.onstate({ kind: "waiting", until: performance.now() + delay });
  }

  /** Without its handlers first: a close may take its time, and nobody is to hear of it. */
  #drop(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }
}

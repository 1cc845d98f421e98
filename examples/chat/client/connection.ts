/// <reference lib="dom" />
import type { FallbackSocket, WebSocketSSE } from "../../../websocket/sse.ts";
import { type ClientMessage, parseServerMessage, type ServerMessage } from "../protocol.ts";
import { backoff } from "./backoff.ts";

type Socket = FallbackSocket | WebSocketSSE;

export type ConnectionState =
  | { readonly kind: "connecting" }
  | { readonly kind: "connected"; readonly transport: Socket["transport"] }
  /** Waits for the next attempt at `until`, a time of `performance.now()`. */
  | { readonly kind: "waiting"; readonly until: number };

export interface ConnectionListener {
  onstate(state: ConnectionState): void;
  onmessage(message: ServerMessage): void;
}

/** Milliseconds after which an open connection resets the number of failures. */
const STABLE_AFTER = 5_000;
/** Milliseconds to wait for a socket's close before the next socket opens. */
const CLOSE_TIMEOUT = 1_000;

/** A connection to one room that reconnects until `close()`. */
export class Connection {
  readonly #open: () => Socket;
  readonly #listener: ConnectionListener;
  #socket: Socket | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #openedAt = Infinity;
  #closed = false;

  /** @param open opens a socket for each attempt, with the current name and transport. */
  constructor(open: () => Socket, listener: ConnectionListener) {
    this.#open = open;
    this.#listener = listener;
    addEventListener("online", this.retry);
    addEventListener("offline", this.reset);
    document.addEventListener("visibilitychange", this.#onVisible);
    this.#connect();
  }

  /** Sends a message if the socket is open. Returns whether the socket was open. */
  send(message: ClientMessage): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /** Connects at once if the connection waits for its next attempt. */
  readonly retry = (): void => {
    if (this.#timer !== undefined) this.#connect();
  };

  /** Replaces a socket that looks open but receives nothing. */
  readonly reset = (): void => {
    if (this.#closed || !this.#socket) return;
    this.#drop();
    this.#wait();
  };

  /** Opens a new socket after the old one has closed: other clients see a leave, then a join. */
  renew(): void {
    const old = this.#socket;
    this.#drop();
    if (!old) return this.retry();
    old.onclose = this.retry;
    this.#timer = setTimeout(() => this.#connect(), CLOSE_TIMEOUT);
    this.#listener.onstate({ kind: "connecting" });
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
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
    const socket = this.#socket = this.#open();
    socket.onopen = () => {
      this.#openedAt = performance.now();
      this.#listener.onstate({ kind: "connected", transport: socket.transport });
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

  /** Closes the socket. Removes its handlers first, because the `close` event can come late. */
  #drop(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }
}

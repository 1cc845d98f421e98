/** Events of a WebSocket, by name. */
export interface SocketEventMap {
  /** The connection is open. */
  readonly open: Event;
  /** A message was received: `data` is a string, a `Blob` or an `ArrayBuffer`. */
  readonly message: MessageEvent;
  /** The connection has failed; `close` follows. */
  readonly error: Event;
  /** The connection has ended. */
  readonly close: CloseEvent;
}

/** Value of an `on…` property. */
export type SocketEventHandler<K extends keyof SocketEventMap> =
  | ((event: SocketEventMap[K]) => unknown)
  | null;

const STATES = { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 } as const;
const EVENTS = ["open", "message", "error", "close"] as const;

/** Base of `WebSocketSSE` and `FallbackSocket`: constants, `on…` handlers and types of events. */
export abstract class SocketTarget extends EventTarget {
  /** Not open yet. */
  declare static readonly CONNECTING: 0;
  /** Messages can be sent. */
  declare static readonly OPEN: 1;
  /** `close()` was called, and the connection has not ended yet. */
  declare static readonly CLOSING: 2;
  /** The connection has ended, or could not be opened. */
  declare static readonly CLOSED: 3;
  /** Not open yet. */
  declare readonly CONNECTING: 0;
  /** Messages can be sent. */
  declare readonly OPEN: 1;
  /** `close()` was called, and the connection has not ended yet. */
  declare readonly CLOSING: 2;
  /** The connection has ended, or could not be opened. */
  declare readonly CLOSED: 3;
  /** Called when the connection is open. */
  declare onopen: SocketEventHandler<"open">;
  /** Called for each message. */
  declare onmessage: SocketEventHandler<"message">;
  /** Called when the connection has failed, before `onclose`. */
  declare onerror: SocketEventHandler<"error">;
  /** Called when the connection has ended. */
  declare onclose: SocketEventHandler<"close">;
  readonly #handlers: Record<string, SocketEventHandler<never>> = {};

  static {
    Object.assign(this, STATES);
    Object.assign(this.prototype, STATES);
    for (const type of EVENTS) {
      Object.defineProperty(this.prototype, `on${type}`, {
        get(this: SocketTarget) {
          return this.#handlers[type] ?? null;
        },
        set(this: SocketTarget, handler: SocketEventHandler<never>) {
          // A handler keeps the place of the first handler among the listeners (HTML, event handlers).
          if (!(type in this.#handlers)) {
            this.addEventListener(
              type,
              (event) => this.#handlers[type]?.call(this, event as never),
            );
          }
          this.#handlers[type] = typeof handler === "function" ? handler : null;
        },
        enumerable: true,
        configurable: true,
      });
    }
  }
}

/** Types of the events. */
export interface SocketTarget {
  /** Adds a listener. */
  addEventListener<K extends keyof SocketEventMap>(
    type: K,
    listener: (event: SocketEventMap[K]) => unknown,
    options?: Parameters<EventTarget["addEventListener"]>[2],
  ): void;
  /** Adds a listener for an event of any name. */
  addEventListener(...args: Parameters<EventTarget["addEventListener"]>): void;
  /** Removes a listener. */
  removeEventListener<K extends keyof SocketEventMap>(
    type: K,
    listener: (event: SocketEventMap[K]) => unknown,
    options?: Parameters<EventTarget["removeEventListener"]>[2],
  ): void;
  /** Removes a listener for an event of any name. */
  removeEventListener(...args: Parameters<EventTarget["removeEventListener"]>): void;
}

/** Makes a `close` event. Node has no `CloseEvent` before version 23. */
export function closeEvent(code: number, reason: string, wasClean: boolean): CloseEvent {
  const details = { code, reason, wasClean };
  if (typeof CloseEvent === "function") return new CloseEvent("close", details);
  return Object.assign(new Event("close"), details) as CloseEvent;
}

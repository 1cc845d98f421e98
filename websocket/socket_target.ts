/** The events of a WebSocket, by name. */
export interface SocketEventMap {
  /** The connection stands. */
  readonly open: Event;
  /** A message has come: `data` is a string, a `Blob` or an `ArrayBuffer`. */
  readonly message: MessageEvent;
  /** The connection has failed; `close` follows. */
  readonly error: Event;
  /** The connection has ended. */
  readonly close: CloseEvent;
}

/** What an `on…` property holds. */
export type SocketEventHandler<K extends keyof SocketEventMap> =
  | ((event: SocketEventMap[K]) => unknown)
  | null;

/** What all sockets here share: constants, `on…` handlers and the types of the events. */
export abstract class SocketTarget extends EventTarget {
  /** Not open yet. */
  static readonly CONNECTING: 0 = 0;
  /** Messages can be sent. */
  static readonly OPEN: 1 = 1;
  /** {@linkcode SocketTarget.close} was called, or the connection is failing. */
  static readonly CLOSING: 2 = 2;
  /** The connection has ended, or there never was one. */
  static readonly CLOSED: 3 = 3;
  /** Not open yet. */
  readonly CONNECTING: 0 = 0;
  /** Messages can be sent. */
  readonly OPEN: 1 = 1;
  /** {@linkcode SocketTarget.close} was called, or the connection is failing. */
  readonly CLOSING: 2 = 2;
  /** The connection has ended, or there never was one. */
  readonly CLOSED: 3 = 3;
  readonly #handlers: { [K in keyof SocketEventMap]?: SocketEventHandler<K> } = {};

  /** Called when the connection stands. */
  get onopen(): SocketEventHandler<"open"> {
    return this.#handlers.open ?? null;
  }
  set onopen(handler: SocketEventHandler<"open">) {
    this.#handle("open", handler);
  }

  /** Called for each message. */
  get onmessage(): SocketEventHandler<"message"> {
    return this.#handlers.message ?? null;
  }
  set onmessage(handler: SocketEventHandler<"message">) {
    this.#handle("message", handler);
  }

  /** Called when the connection has failed, before `onclose`. */
  get onerror(): SocketEventHandler<"error"> {
    return this.#handlers.error ?? null;
  }
  set onerror(handler: SocketEventHandler<"error">) {
    this.#handle("error", handler);
  }

  /** Called when the connection has ended. */
  get onclose(): SocketEventHandler<"close"> {
    return this.#handlers.close ?? null;
  }
  set onclose(handler: SocketEventHandler<"close">) {
    this.#handle("close", handler);
  }

  /** Listens to an event. */
  override addEventListener<K extends keyof SocketEventMap>(
    type: K,
    listener: (event: SocketEventMap[K]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  /** Listens to an event of any name. */
  override addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  override addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void {
    super.addEventListener(type, listener, options);
  }

  /** Listens no more. */
  override removeEventListener<K extends keyof SocketEventMap>(
    type: K,
    listener: (event: SocketEventMap[K]) => unknown,
    options?: boolean | EventListenerOptions,
  ): void;
  /** Listens no more to an event of any name. */
  override removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void;
  override removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void {
    super.removeEventListener(type, listener, options);
  }

  #handle<K extends keyof SocketEventMap>(type: K, handler: SocketEventHandler<K>): void {
    // The place among the listeners is that of the first handler, as HTML has it.
    if (!(type in this.#handlers)) {
      this.addEventListener(type, (event) => this.#handlers[type]?.call(this, event));
    }
    Object.assign(this.#handlers, { [type]: typeof handler === "function" ? handler : null });
  }
}

/** Makes a `close` event; Node has no `CloseEvent` before 23. */
export function closeEvent(code: number, reason: string, wasClean: boolean): CloseEvent {
  const details = { code, reason, wasClean };
  if (typeof CloseEvent === "function") return new CloseEvent("close", details);
  return Object.assign(new Event("close"), details) as CloseEvent;
}

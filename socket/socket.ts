/**
 * The socket interface that the core uses on every runtime, and the types around it.
 *
 * @module
 */

/** Payload of a message: text as a `string`, binary data as its bytes. */
export type Payload = string | Uint8Array<ArrayBuffer>;

/** @internal Control frames that have a hook (RFC 6455 §5.5). */
export type ControlKind = "ping" | "pong";

/** How a connection ended. */
export interface CloseInfo {
  /**
   * Close code (RFC 6455 §7.4): the server's code if the server closed first. Otherwise the client's
   * code, 1005 for a close frame without a code, or 1006 without a close frame.
   */
  readonly code: number;
  /** Reason that belongs to the code, or `""`. */
  readonly reason: string;
  /** Whether the closing handshake was complete. */
  readonly wasClean: boolean;
}

/** @internal Group of sockets whose native broadcasts reach each other. */
export interface BroadcastDomain {
  /** Makes a native topic with this name. */
  topic(name: string): NativeTopic;
}

/** @internal Subscribers of one topic in one broadcast domain. */
export interface NativeTopic {
  /** The subscribers, as a live view. */
  readonly members: ReadonlySet<NativeSubscriber>;
  /** Adds a subscriber, unless it is present. */
  add(member: NativeSubscriber): void;
  /** Removes a subscriber. */
  delete(member: NativeSubscriber): void;
  /** Prepares for the publish of a frame: evicts subscribers that may be too slow for a broadcast. */
  reserve(frame: OutgoingFrame, except: NativeSubscriber | undefined): void;
  /** Sends a frame to all subscribers but one, once. Returns how many accepted the frame. */
  publish(frame: OutgoingFrame, except: NativeSubscriber | undefined, compress: boolean): number;
}

/** @internal Subscriber of a native topic. */
export interface NativeSubscriber {
  /** Sends one frame to the subscriber. Returns whether the frame was accepted. Never throws. */
  deliver(frame: OutgoingFrame, compress: boolean): boolean;
  /** Send queue of the subscriber, which sends and receives broadcasts. */
  readonly sendQueue: NativeSendQueue;
}

/** @internal The part of a send queue that a native topic uses. */
export interface NativeSendQueue {
  /** Socket that subscribes and broadcasts. */
  readonly socket: Pick<ServerSocket, "topics" | "bufferedAmount">;
  /** Broadcasts a frame to the `count` other subscribers of this name in the domain. */
  broadcast(name: string, frame: OutgoingFrame, compress: boolean, count: number): void;
  /** Marks the client as slow if more than `highWaterMark` bytes are queued. A slow client leaves all native topics. Returns the number of queued bytes. */
  checkBackpressure(): number;
}

/** @internal Most bytes in the header of an unmasked frame (RFC 6455 §5.2). */
export const MAX_HEADER = 10;

/**
 * @internal States of a connection, which only move forward. A socket has the first four, which are
 * the states of the WHATWG `WebSocket`. The connection adds the last one.
 *
 * | state | what may happen | next |
 * | --- | --- | --- |
 * | `CONNECTING` | the handshake is being answered; nothing is sent or received | `OPEN`, `CLOSED` |
 * | `OPEN` | messages, both ways | `CLOSING`, `CLOSED` |
 * | `CLOSING` | queued bytes leave; messages that have arrived start their hooks | `CLOSED` |
 * | `CLOSED` | the peer has left hub and slot; messages that have arrived start their hooks | `FINISHED` |
 * | `FINISHED` | the `close` hook has started; only `error` for a failed hook can follow | none |
 */
export const CONNECTING = 0, OPEN = 1, CLOSING = 2, CLOSED = 3, FINISHED = 4;

/**
 * @internal A payload to send, encoded at most once for all recipients. Each adapter reads the form
 * that its runtime sends fastest.
 */
export interface OutgoingFrame {
  /** Payload to send. Never changes. */
  readonly payload: Payload;
  /** Payload as bytes, before compression. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Length of {@linkcode bytes}. Reading it encodes nothing. */
  readonly byteLength: number;
}

/** @internal Reason for which the runtime itself ended a connection. */
export interface SocketFailure {
  /** Close code of RFC 6455 for this failure: 1002, 1007, 1009, or 1008 for a limit of `ws`. */
  readonly code: number;
  /** Error text of the runtime. */
  readonly message: string;
  /** Error or event of the runtime, if there is one. */
  readonly cause?: unknown;
}

/**
 * @internal Receiver of the events of a {@linkcode ServerSocket}. One object receives all events: a
 * function for each event would cost memory for every idle peer.
 */
export interface SocketListener {
  /** The handshake is complete. Frames can be sent and received. */
  onopen(): void;
  /**
   * A complete message has arrived. `byteLength` is its size in bytes, after inflation. Bytes may
   * be a view of a larger buffer, which no other code reads or changes.
   */
  onmessage(payload: Payload, byteLength: number): void;
  /** The runtime has written queued bytes. A hint only: read `bufferedAmount`. */
  ondrain(): void;
  /** A ping or pong with at most 125 bytes has arrived. Deno 2.9 and workerd do not report control frames. */
  oncontrol(kind: ControlKind, data: Uint8Array<ArrayBuffer>): void;
  /** The client broke the protocol or exceeded a limit. `onclose` follows. */
  onerror(failure: SocketFailure): void;
  /**
   * The socket accepts no more frames. `onclose` follows. Unlike the other events, this one is called
   * from inside the call that ends the socket, `close()` and `terminate()` included. The listener must
   * only update its own state.
   */
  onclosing(): void;
  /** The connection has ended. `code` is 1006 if no close frame arrived. */
  onclose(info: CloseInfo): void;
}

/**
 * @internal The server's end of one WebSocket, similar to the socket of `Deno.upgradeWebSocket()`.
 *
 * Rules beyond the types, tested by `tests/unit/socket/callback_socket_test.ts`:
 *
 * - The state only moves forward.
 * - `send()` does nothing after the end. Only the first `close()` has an effect.
 * - No event but `onclosing` is reported inside `send()`, `close()` or `terminate()`.
 * - `onclose` is reported once, and is the last event.
 * - After `close()` or `onerror`, only `onclosing` and `onclose` are reported.
 */
export interface ServerSocket {
  /** Set by the core before `onopen`. */
  listener: SocketListener | null;
  /** CONNECTING, OPEN, CLOSING or CLOSED. */
  readonly readyState: number;
  /** Negotiated subprotocol, or `""`. */
  readonly protocol: string;
  /** Negotiated extensions, or `""`. */
  readonly extensions: string;
  /** Number of bytes that {@linkcode send} has accepted and the network has not. */
  readonly bufferedAmount: number;
  /** The runtime's own socket. */
  readonly raw: unknown;
  /**
   * Queues one message. Does not throw if the connection has ended. Returns the
   * {@linkcode bufferedAmount} after the call.
   */
  send(frame: OutgoingFrame, compress: boolean): number;
  /** Number of bytes that a message adds to {@linkcode bufferedAmount} while queued. */
  sizeOf(frame: OutgoingFrame): number;
  /** Whether a queued message without bytes adds nothing to {@linkcode bufferedAmount}. */
  readonly hidesEmpty?: boolean;
  /** Hands gathered bytes to the network. */
  flush(): void;
  /** Starts the closing handshake. The core has validated code and reason. */
  close(code: number, reason: string): void;
  /** Ends the connection without a closing handshake, as far as the runtime can. */
  terminate(): void;
  /** The runtime's own topics. Absent if the runtime has none. */
  readonly topics?: SocketTopics | undefined;
  /** Control of the reader. Absent if the runtime cannot stop reading. */
  readonly flow?: SocketFlow | undefined;
  /** Signs of life, and pings. Absent on workerd, over SSE, and on Deno 2.9 with `pingInterval`. */
  readonly heartbeat?: SocketHeartbeat | undefined;
}

/** @internal Topics that a runtime keeps by itself, as seen by one of its sockets. */
export interface SocketTopics {
  /** The sockets that receive each other's {@linkcode broadcast}; `undefined` after the connection ended. */
  readonly domain: BroadcastDomain | undefined;
  /** Whether {@linkcode subscribe} was ever called: only then can a broadcast queue bytes for this socket. */
  readonly wasSubscribed: boolean;
  /**
   * Bytes broadcast in this turn that the runtime has not tried to write. The runtime writes them
   * with the next `send()`, or when the turn ends. Part of the socket's `bufferedAmount`.
   */
  readonly unflushedAmount: number;
  /** Receives broadcasts of this domain under a name. The core calls it once for each name. */
  subscribe(name: string): void;
  /** Stops receiving broadcasts under a name. Earlier broadcasts still arrive. */
  unsubscribe(name: string): void;
  /** Sends one message to all other subscribers of this name in the domain, in order with `send()`. */
  broadcast(name: string, frame: OutgoingFrame, compress: boolean): void;
}

/** @internal Control of a socket's reader. */
export interface SocketFlow {
  /** Stops reading, so that TCP slows the client down. */
  pause(): void;
  /** Reads on. */
  resume(): void;
}

/** @internal Ways to find out whether a client is still there. */
export interface SocketHeartbeat {
  /** Sends a ping frame with at most 125 bytes. Returns whether the runtime can send pings. */
  ping(data?: Uint8Array<ArrayBuffer>): boolean;
  /** A number that changes whenever the client has sent something. */
  activity(): number;
}

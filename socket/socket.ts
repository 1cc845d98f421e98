/**
 * The one socket the core knows, and the vocabulary around it.
 *
 * @module
 */

/** What a message carries: text as a `string`, binary as exactly its bytes. */
export type Payload = string | Uint8Array<ArrayBuffer>;

/** @internal Control frames that somebody may want to hear of (RFC 6455 §5.5). */
export type ControlKind = "ping" | "pong";

/** How a connection ended. */
export interface CloseInfo {
  /**
   * The close code of RFC 6455 §7.4: what the client sent, 1005 where it sent
   * none, 1006 where the line dropped, and our own code where we closed.
   */
  readonly code: number;
  /** The reason that came with the code, or `""`. */
  readonly reason: string;
  /** Whether the closing handshake was seen. */
  readonly wasClean: boolean;
}

/** @internal Sockets whose broadcasts reach each other. */
export interface BroadcastDomain {
  /** Makes the circle of those that hear a topic, which broadcasts know by this name. */
  topic(name: string): NativeTopic;
}

/** @internal Those of one group that hear a topic. */
export interface NativeTopic {
  /** How many there are. */
  readonly size: number;
  /** Takes one in, unless it is in. */
  add(member: NativeSubscriber): void;
  /** Takes one out. */
  delete(member: NativeSubscriber): void;
  /** A frame is about to be published: whoever may be too slow to hear it in here leaves first. */
  reserve(frame: OutgoingFrame, except: NativeSubscriber | undefined): void;
  /** Gets a frame to all but one, once; returns how many accepted it. */
  publish(frame: OutgoingFrame, except: NativeSubscriber | undefined, compress: boolean): number;
}

/** @internal One in a circle. */
export interface NativeSubscriber {
  /** Takes one frame; tells whether it was accepted. Never throws. */
  deliver(frame: OutgoingFrame, compress: boolean): boolean;
  /** Its way to broadcasts, and theirs to it. */
  readonly sendQueue: NativeSendQueue;
}

/** @internal What a circle needs of a member's connection. */
export interface NativeSendQueue {
  /** The socket that subscribes and broadcasts. */
  readonly socket: Pick<ServerSocket, "topics" | "bufferedAmount">;
  /** Broadcasts to the `count` others of the group that hear this name. */
  broadcast(name: string, frame: OutgoingFrame, compress: boolean, count: number): void;
  /** Marks it slow where more than `highWaterMark` bytes are queued: its member leaves all circles at once. */
  checkBackpressure(): unknown;
}

/** @internal Most bytes of a frame's header from a server (RFC 6455 §5.2). */
export const MAX_HEADER = 10;

/**
 * @internal States of a connection. They only move forward. A socket has the first four, which are
 * those of the WHATWG `WebSocket`; the connection adds the last one.
 *
 * | state | what may happen | next |
 * | --- | --- | --- |
 * | `CONNECTING` | the handshake is being answered; nothing is sent or received | `OPEN`, `CLOSED` |
 * | `OPEN` | messages, both ways | `CLOSING`, `CLOSED` |
 * | `CLOSING` | queued bytes leave; messages that have arrived start their hooks | `CLOSED` |
 * | `CLOSED` | the peer has left hub and slot; messages that have arrived start their hooks | `FINISHED` |
 * | `FINISHED` | the `close` hook has started; no other hook starts | none |
 */
export const CONNECTING = 0, OPEN = 1, CLOSING = 2, CLOSED = 3, FINISHED = 4;

/**
 * @internal A payload on its way out, encoded at most once for all of its recipients.
 * Adapters read the form that their runtime puts on the wire fastest.
 */
export interface OutgoingFrame {
  /** What is sent. Never changes once the frame exists. */
  readonly payload: Payload;
  /** The bytes on the wire, without the frame's header. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Length of {@linkcode bytes}, known without encoding. */
  readonly byteLength: number;
}

/** @internal Why a runtime ended a connection by itself. */
export interface SocketFailure {
  /** The close code that RFC 6455 names for it: 1002, 1007 or 1009. */
  readonly code: number;
  /** The runtime's own words. */
  readonly message: string;
  /** What the runtime threw or dispatched, where there is such a thing. */
  readonly cause?: unknown;
}

/**
 * @internal Who hears from a {@linkcode ServerSocket}. One object for all events: a
 * function per event and connection would be paid for by every idle peer.
 */
export interface SocketListener {
  /** The handshake is over; frames may flow. */
  onopen(): void;
  /**
   * A whole message. `byteLength` is its size on the wire. Bytes may be a view of a larger buffer,
   * which nobody else reads or changes any more.
   */
  onmessage(payload: Payload, byteLength: number): void;
  /** The runtime has written what it had queued. A hint: look at `bufferedAmount`. */
  ondrain(): void;
  /** A ping or a pong came, with at most 125 bytes; where the runtime shows them. */
  oncontrol(kind: ControlKind, data: Uint8Array<ArrayBuffer>): void;
  /** The client broke the protocol or a limit. `onclose` follows. */
  onerror(failure: SocketFailure): void;
  /**
   * The socket takes no frames from here on; `onclose` will follow. For bookkeeping only: unlike the
   * others it is called from inside whatever ends the socket, `close()` and `terminate()` included.
   */
  onclosing(): void;
  /** The connection is over. `code` is 1006 where no close frame was seen. */
  onclose(info: CloseInfo): void;
}

/**
 * @internal The server's end of one WebSocket. The shape is that of the socket of
 * `Deno.upgradeWebSocket()`, less what no server needs and more what Deno lacks.
 *
 * Rules beyond the types, held by `tests/unit/socket/callback_socket_test.ts`: the state
 * only moves forward; `send()` after the end is silent; the first `close()` wins;
 * no listener but `onclosing` runs inside `send()`, `close()` or `terminate()`; `onclose` comes
 * exactly once and last; nothing but `onclose` comes once the state is CLOSING.
 */
export interface ServerSocket {
  /** Set by the core before `onopen`. */
  listener: SocketListener | null;
  /** CONNECTING, OPEN, CLOSING or CLOSED. */
  readonly readyState: number;
  /** The subprotocol that was negotiated, or `""`. */
  readonly protocol: string;
  /** The extensions that were negotiated, or `""`. */
  readonly extensions: string;
  /** Bytes accepted by {@linkcode send} and not yet given to the network. */
  readonly bufferedAmount: number;
  /** The runtime's own socket. */
  readonly raw: unknown;
  /**
   * Queues one message. Taken over at the call; never throws for a dead line. Returns
   * {@linkcode bufferedAmount} as it is then.
   */
  send(frame: OutgoingFrame, compress: boolean): number;
  /** Gives to the network what only waits for more to go with it. */
  flush(): void;
  /** Starts the closing handshake. The core has validated code and reason. */
  close(code: number, reason: string): void;
  /** Ends the connection without a closing handshake, as far as the runtime can. */
  terminate(): void;
  /** The runtime's own topics. Absent if the runtime has none. */
  readonly topics?: SocketTopics | undefined;
  /** Control of the reader. Absent if the runtime cannot stop reading. */
  readonly flow?: SocketFlow | undefined;
  /** Pings. Absent if the runtime watches idle connections itself, as Deno 2.9 does. */
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
  /** Stops receiving them. Earlier broadcasts still arrive. */
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
  /** Sends a ping frame with at most 125 bytes. */
  ping(data?: Uint8Array<ArrayBuffer>): void;
  /** A number that changes whenever the client has sent something. */
  activity(): number;
}

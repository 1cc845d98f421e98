/**
 * The parts of workerd, Cloudflare's runtime, that the adapter uses. Users need not install the
 * types of Cloudflare itself.
 *
 * @module
 */
import { isSendableCloseCode } from "../../socket/close_code.ts";
import { OPEN, type SocketFailure } from "../../socket/socket.ts";
import type { Wire } from "../../socket/callback_socket.ts";

/** Beginning of all storage keys of the adapter. The user's keys must not begin so. */
export const KEYS = "__onepeer__:";

/** Members of workerd's `WebSocket` that the adapter uses in a Durable Object. */
export interface CloudflareSocket {
  /** As in the WHATWG `WebSocket`. */
  readonly readyState: number;
  /** Bytes that wait for the network. workerd has this property since 2026. */
  readonly bufferedAmount?: number;
  /** Queues a message. */
  send(data: string | Uint8Array<ArrayBuffer>): void;
  /** Starts the closing handshake, or answers the client's. */
  close(code?: number, reason?: string): void;
  /** Keeps a value through hibernation: at most 16,384 bytes. */
  serializeAttachment(value: unknown): void;
  /** Returns the latest value that was kept. */
  deserializeAttachment(): unknown;
}

/** The part of synchronous storage that the adapter uses. Exists in SQLite-backed classes. */
export interface DurableKv {
  /** Returns the value of a key. */
  get(key: string): unknown;
  /** Stores a value that can be cloned. */
  put(key: string, value: unknown): void;
  /** Removes a key. */
  delete(key: string): boolean;
  /** Returns keys and values. */
  list(options: {
    readonly prefix: string;
    readonly limit?: number;
    readonly startAfter?: string;
  }): Iterable<readonly [string, unknown]>;
}

/** The part of SQL storage that the adapter uses. Exists in SQLite-backed classes. */
export interface DurableSql {
  /** Runs a statement, and returns its rows. */
  exec(query: string, ...values: unknown[]): { toArray(): unknown[] };
}

/** Members of a Durable Object's storage that the adapter uses. */
export interface DurableStorage {
  /** Synchronous storage of an SQLite-backed class. */
  readonly kv?: DurableKv;
  /** SQL storage of an SQLite-backed class. Without one, reading this may throw. */
  readonly sql?: DurableSql;
  /** Returns the value of a key. */
  get(key: string): Promise<unknown>;
  /** Stores a value that can be cloned. */
  put(key: string, value: unknown): Promise<void>;
  /** Removes a key. */
  delete(key: string): Promise<boolean>;
  /** Returns the time of the object's alarm. An object has one alarm. */
  getAlarm(): Promise<number | null>;
  /** Sets the object's alarm, and replaces the earlier time. */
  setAlarm(time: number): Promise<void>;
}

/** Members of a Durable Object's `ctx` that the adapter uses. */
export interface DurableContext {
  /** Storage of this object. */
  readonly storage: DurableStorage;
  /** Makes the runtime answer messages with one given text, without waking the object. */
  setWebSocketAutoResponse(pair?: never): void;
  /** Returns the time of the runtime's latest answer on a socket. */
  getWebSocketAutoResponseTimestamp(socket: never): Date | null;
  /** Accepts a socket that may outlive the object's memory. */
  acceptWebSocket(socket: never, tags?: string[]): void;
  /** Returns the sockets of this object: all, or those with a tag. */
  getWebSockets(tag?: string): object[];
  /** Returns the tags with which a socket was accepted. */
  getTags(socket: never): string[];
  /** Keeps the object in memory until the promise has settled. */
  waitUntil(promise: Promise<unknown>): void;
}

/** Members of a Durable Object's stub that the adapter uses. */
export interface DurableStub {
  /** Sends a request to the object, and returns the object's response. */
  fetch(request: Request): Promise<Response>;
}

/** Members of a binding to a class of Durable Objects that the adapter uses. */
export interface DurableNamespace {
  /** Returns the id of the object with a name. */
  idFromName(name: string): object;
  /** Returns a stub of the object with an id. */
  get(id: never): DurableStub;
}

/** @internal Wire of a socket that may hibernate. */
export const hibernatableWire: Wire<CloudflareSocket> = {
  isOpen: (native) => native.readyState === OPEN,
  send: (native, { payload }) => native.send(payload),
  close: (native, code, reason) => native.close(code, reason),
  // workerd cannot reset one connection of a Durable Object. The best substitute is a closing
  // handshake for which the server does not wait.
  terminate(native) {
    native.serializeAttachment(null); // else the peer would be revived after hibernation
    if (native.readyState === OPEN) native.close();
  },
  bufferedAmount: (native) => native.bufferedAmount ?? 0,
  hidesEmpty: true,
};

/**
 * @internal Returns the failure of a client that closes with an illegal code; else `undefined`.
 * workerd 2026-11 reports any code, and throws if the server answers with an illegal one.
 */
export function closeFailureOf(code: number): SocketFailure | undefined {
  if (isSendableCloseCode(code) || code === 1005 || code === 1006) return undefined;
  return { code: 1002, message: `invalid close code ${code}` };
}

/** Answers the client's close, since workerd does not answer on a socket that may hibernate. */
export function answerClose(native: CloudflareSocket, code: number, reason: string): void {
  try {
    if (code === 1005 || code === 1006) native.close();
    else native.close(code, reason);
  } catch { /* the connection has dropped */ }
}

const PROTOCOL_ERROR = /protocolError\.statusCode = (\d+); protocolError\.description = (.*)/;

/** @internal Returns the protocol error that workerd reports; `undefined` if the connection dropped. */
export function failureOf(error: unknown): SocketFailure | undefined {
  const message = error instanceof Error ? error.message : String(error);
  const [, code, description = ""] = PROTOCOL_ERROR.exec(message) ?? [];
  return code ? { code: Number(code), message: description, cause: error } : undefined;
}

/** Makes the runtime answer the heartbeats on all sockets of an object without waking the object. */
export function answerHeartbeats(
  ctx: DurableContext,
  { request, response }: { readonly request: string; readonly response: string },
): void {
  const { WebSocketRequestResponsePair } = globalThis as unknown as {
    WebSocketRequestResponsePair: new (request: string, response: string) => never;
  };
  ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(request, response));
}

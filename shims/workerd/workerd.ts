/**
 * What is used of Cloudflare's runtime, workerd. Its own types are for those who have them.
 *
 * @module
 */
import { isSendableCloseCode } from "../../socket/close_code.ts";
import { OPEN, type SocketFailure } from "../../socket/socket.ts";
import type { Wire } from "../../socket/callback_socket.ts";

/** The part of workerd's `WebSocket` that is used, of a Durable Object that may hibernate. */
export interface CloudflareSocket {
  /** As in the WHATWG `WebSocket`. */
  readonly readyState: number;
  /** Bytes that wait; workerd has it since 2026. */
  readonly bufferedAmount?: number;
  /** Queues a message. */
  send(data: string | Uint8Array<ArrayBuffer>): void;
  /** Starts the closing handshake, or answers it. */
  close(code?: number, reason?: string): void;
  /** Keeps a value through hibernation: 16,384 bytes at most. */
  serializeAttachment(value: unknown): void;
  /** The value that was kept last. */
  deserializeAttachment(): unknown;
}

/** The part of an object's synchronous key-value storage that is used; SQLite-backed classes have it. */
export interface DurableKv {
  /** The value of a key. */
  get(key: string): unknown;
  /** Stores what can be cloned. */
  put(key: string, value: unknown): void;
  /** Removes a key. */
  delete(key: string): boolean;
  /** Keys and values. */
  list(options: { readonly prefix: string }): Iterable<readonly [string, unknown]>;
}

/** The part of an object's storage that is used. */
export interface DurableStorage {
  /** Synchronous, where the class has SQLite. */
  readonly kv?: DurableKv;
  /** The value of a key. */
  get(key: string): Promise<unknown>;
  /** Stores what can be cloned. */
  put(key: string, value: unknown): Promise<void>;
  /** Removes a key. */
  delete(key: string): Promise<boolean>;
  /** When the object's alarm rings: there is but one. */
  getAlarm(): Promise<number | null>;
  /** Sets it, in place of what it was. */
  setAlarm(time: number): Promise<void>;
}

/** The part of a Durable Object's `ctx` that is used. */
export interface DurableContext {
  /** Storage of this object. */
  readonly storage: DurableStorage;
  /** Answers a message without the object. */
  setWebSocketAutoResponse(pair?: never): void;
  /** When it did so last. */
  getWebSocketAutoResponseTimestamp(socket: never): Date | null;
  /** Takes a socket that may outlive the object's memory. */
  acceptWebSocket(socket: never, tags?: string[]): void;
  /** Sockets of this object, all of them or those with a tag. */
  getWebSockets(tag?: string): object[];
  /** The tags a socket was accepted with. */
  getTags(socket: never): string[];
  /** Keeps the object in memory until a promise has settled. */
  waitUntil(promise: Promise<unknown>): void;
}

/** The part of a Durable Object's stub that is used. */
export interface DurableStub {
  /** Has the object answer a request. */
  fetch(request: Request): Promise<Response>;
}

/** The part of a binding to a class of Durable Objects that is used. */
export interface DurableNamespace {
  /** The id of the object with a name. */
  idFromName(name: string): object;
  /** The object with an id. */
  get(id: never): DurableStub;
}

/** @internal The wire of a socket that may hibernate. */
export const hibernatableWire: Wire<CloudflareSocket> = {
  isOpen: (native) => native.readyState === OPEN,
  send: (native, { payload }) => native.send(payload),
  close: (native, code, reason) => native.close(code, reason),
  // workerd can't reset one line of a Durable Object: a closing handshake nobody waits for.
  terminate(native) {
    native.serializeAttachment(null); // or it would come back with the next life
    if (native.readyState === OPEN) native.close();
  },
  bufferedAmount: (native) => native.bufferedAmount ?? 0,
};

/** @internal What is wrong with the code of a client's close: workerd 2026-11 lets any pass, and then throws at who answers by it. */
export function closeFailureOf(code: number): SocketFailure | undefined {
  if (isSendableCloseCode(code) || code === 1005 || code === 1006) return undefined;
  return { code: 1002, message: `invalid close code ${code}` };
}

/** Answers the client's close: a socket that may hibernate never does by itself. */
export function answerClose(native: CloudflareSocket, code: number, reason: string): void {
  try {
    if (code === 1005 || code === 1006) native.close();
    else native.close(code, reason);
  } catch { /* the line is gone */ }
}

const PROTOCOL_ERROR = /protocolError\.statusCode = (\d+); protocolError\.description = (.*)/;

/** @internal What the client did, as workerd words it; `undefined` where the line just dropped. */
export function failureOf(error: unknown): SocketFailure | undefined {
  const message = error instanceof Error ? error.message : String(error);
  const [, code, description = ""] = PROTOCOL_ERROR.exec(message) ?? [];
  return code ? { code: Number(code), message: description, cause: error } : undefined;
}

/** Has the runtime answer a message by itself, of all sockets of an object. */
export function answerHeartbeats(
  ctx: DurableContext,
  { request, response }: { readonly request: string; readonly response: string },
): void {
  const { WebSocketRequestResponsePair } = globalThis as unknown as {
    WebSocketRequestResponsePair: new (request: string, response: string) => never;
  };
  ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(request, response));
}

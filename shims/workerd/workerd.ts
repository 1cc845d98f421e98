/**
 * What is used of Cloudflare's runtime, workerd. Its own types are for those who have them.
 *
 * @module
 */
import { isSendableCloseCode } from "../../socket/close_code.ts";
import { type AnyContext, refusalResponse } from "../../handshake/handshake.ts";
import { OPEN, type SocketFailure } from "../../socket/socket.ts";
import type { Wire } from "../../socket/callback_socket.ts";
import { deflateOffers } from "../../handshake/deflate_offers.ts";
import { RawHandshake } from "../../handshake/raw_handshake.ts";

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

/** An address with its port. */
const WITH_PORT = /^\[?(.+?)\]?:\d+$/;

const BEYOND_ASCII = /[^\0-\x7f]/;
const utf8 = new TextEncoder();

/** The bytes of a header, a character each: workerd reads it as UTF-8. */
function bytesOf(text: string): string {
  if (!BEYOND_ASCII.test(text)) return text;
  return Array.from(utf8.encode(text), (byte) => String.fromCharCode(byte)).join("");
}

/** A handshake as workerd hands it over. */
export function handshakeOf(request: Request, env?: unknown, ctx?: unknown): RawHandshake {
  const { url } = request;
  const { cf, context } = request as { cf?: { clientIp?: unknown }; context?: AnyContext };
  const clientIp = cf?.clientIp;
  return new RawHandshake({
    method: request.method,
    target: url,
    rawHeaders: [...request.headers].flat().map(bytesOf),
    secure: url.startsWith("https:"),
    // Whoever reaches workerd past Cloudflare may write that header, but not `cf`.
    remoteAddress: typeof clientIp === "string"
      ? WITH_PORT.exec(clientIp)?.[1] ?? clientIp
      : request.headers.get("cf-connecting-ip") ?? undefined,
    context,
    runtime: { name: "cloudflare", cloudflare: { request, env, ctx } },
  });
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

/** The two ends of a socket: for the response, and ours. */
export function socketPair<Socket extends CloudflareSocket>(): readonly [
  client: unknown,
  server: Socket,
] {
  const { WebSocketPair } = globalThis as unknown as {
    WebSocketPair: new () => { readonly 0: unknown; readonly 1: Socket };
  };
  const pair = new WebSocketPair();
  return [pair[0], pair[1]];
}

/** What no hook may see: of such a handshake workerd 2026-11 does not switch protocols, and the peer would stay for ever. */
export function refusalOf(handshake: RawHandshake): Response | undefined {
  if (!handshake.header("upgrade")?.includes(",")) return undefined;
  const message = "Bad WebSocket handshake: Upgrade must name nothing but websocket";
  return refusalResponse({ status: 400, message });
}

/** The extensions to negotiate. */
export function extensionsOf(handshake: RawHandshake, isCompressed: boolean): string {
  const isOffered = isCompressed &&
    deflateOffers(handshake.header("sec-websocket-extensions")).length > 0;
  return isOffered ? "permessage-deflate" : "";
}

/** The 101, with the client's end of the socket. */
export function switching(
  webSocket: unknown,
  { protocol, extensions }: { readonly protocol: string; readonly extensions: string },
  more: Iterable<readonly [string, string]>,
): Response {
  const headers = new Headers(Array.from(more, ([name, value]): [string, string] => [name, value]));
  if (protocol) headers.set("sec-websocket-protocol", protocol);
  if (extensions) {
    headers.set("sec-websocket-extensions", `${extensions}; server_no_context_takeover`);
  }
  return new Response(null, { status: 101, webSocket, headers } as ResponseInit);
}

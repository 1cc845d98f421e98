import { deflateOffers } from "../../handshake/deflate_offers.ts";
import {
  type AnyContext,
  refusalResponse,
  type RequestRuntime,
} from "../../handshake/handshake.ts";
import { RawHandshake, type RawHandshakeInit } from "../../handshake/raw_handshake.ts";
import type { CloudflareSocket } from "./workerd.ts";

const WITH_PORT = /^\[?(.+?)\]?:\d+$/;
const BEYOND_ASCII = /[^\0-\x7f]/;
const utf8 = new TextEncoder();

/** Returns a header with one character for each byte, as in Fetch. workerd decodes UTF-8 instead. */
function bytesOf(text: string): string {
  if (!BEYOND_ASCII.test(text)) return text;
  return Array.from(utf8.encode(text), (byte) => String.fromCharCode(byte)).join("");
}

/** Returns the client's IP address as Cloudflare reports it. */
function clientAddress(request: Request): string | undefined {
  const clientIp = (request as { cf?: { clientIp?: unknown } }).cf?.clientIp;
  // The header is only the fallback: a client that reaches workerd without Cloudflare in front can
  // forge the header, but not `cf`.
  if (typeof clientIp !== "string") return request.headers.get("cf-connecting-ip") ?? undefined;
  return WITH_PORT.exec(clientIp)?.[1] ?? clientIp;
}

/** Reads a request of workerd, with or without an upgrade. */
export function readRequest(
  request: Request,
): RawHandshakeInit & { readonly rawHeaders: string[] } {
  const { method, url } = request;
  return {
    method,
    target: url,
    rawHeaders: [...request.headers].flat().map(bytesOf),
    secure: url.startsWith("https:"),
    remoteAddress: clientAddress(request),
    context: (request as { context?: AnyContext }).context,
  };
}

/**
 * Type of `request.runtime` with the adapter for Cloudflare.
 *
 * ```ts
 * import adapter, { type CloudflareRequestRuntime } from "@onepeer/onepeer/adapters/cloudflare";
 *
 * const ws = adapter({
 *   hooks: {
 *     upgrade(request) {
 *       const { env } = (request.runtime as CloudflareRequestRuntime<{ TOKEN: string }>).cloudflare;
 *       if (request.headers.get("authorization") !== env.TOKEN) throw new Response(null, { status: 401 });
 *     },
 *   },
 * });
 * await ws.close();
 * ```
 */
export interface CloudflareRequestRuntime<Env = unknown, Context extends object = object>
  extends RequestRuntime {
  /** The name of the property below. */
  readonly name: "cloudflare";
  /** The arguments of `fetch`, or of the Durable Object's constructor. */
  readonly cloudflare: {
    /** Not present in `resolve` after a hibernation. */
    readonly request?: Request;
    readonly env: Env;
    readonly ctx: Context;
  };
}

/** Returns `request.runtime`. */
export function cloudflareRuntime(
  cloudflare: CloudflareRequestRuntime["cloudflare"],
): CloudflareRequestRuntime {
  return { name: "cloudflare", cloudflare };
}

/** Wraps an upgrade request as a handshake. */
export function handshakeOf(request: Request, env: unknown, ctx: object): RawHandshake {
  return new RawHandshake({
    ...readRequest(request),
    runtime: cloudflareRuntime({ request, env, ctx }),
  });
}

/**
 * Returns the refusal of a handshake that workerd cannot serve; `undefined` for all others.
 *
 * If `Upgrade` names several protocols, workerd 2026-11 does not switch protocols, and the peer
 * would stay forever. No hook sees such a request.
 */
export function refusalOf(handshake: RawHandshake): Response | undefined {
  if (!handshake.header("upgrade")?.includes(",")) return undefined;
  const message = "Bad WebSocket handshake: Upgrade must name nothing but websocket";
  return refusalResponse({ status: 400, message });
}

/** Returns the extensions to negotiate: compression, if server and client want compression. */
export function extensionsOf(handshake: RawHandshake, isCompressed: boolean): string {
  const isOffered = isCompressed &&
    deflateOffers(handshake.header("sec-websocket-extensions")).length > 0;
  return isOffered ? "permessage-deflate" : "";
}

/** Creates a socket: the client's end, for {@linkcode switching}, and the server's end. */
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

/** Returns the 101 response, which carries the client's end of the socket. */
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

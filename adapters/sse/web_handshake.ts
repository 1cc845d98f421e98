import {
  type AnyContext,
  isTokenList,
  listElements,
  type Refusal,
  type RequestRuntime,
} from "../../handshake/handshake.ts";
import { RawHandshake } from "../../handshake/raw_handshake.ts";
import { readRequest } from "../../shims/workerd/upgrade.ts";

/** Second argument of a `fetch` handler on Deno, or Bun's `Server`. */
export interface ServerInfo {
  /** Deno: address of the client. */
  readonly remoteAddr?: object;
  /** Bun: returns the address of a request's client. */
  requestIP?(request: Request): { readonly address: string } | null;
  /** Bun: sets the seconds of silence after which a connection ends; 0 for never. */
  timeout?(request: Request, seconds: number): void;
}

/** Type of `request.runtime` with the adapter for server-sent events. */
export interface SSERequestRuntime extends RequestRuntime {
  /** The name of the property below. */
  readonly name: "sse";
  /** The arguments of the adapter's `fetch`. */
  readonly sse: { readonly request: Request; readonly info: ServerInfo | undefined };
}

/** Keeps a silent connection open: Bun 1.4 ends it after ten seconds. */
export function keepConnectionOpen(request: Request, info: ServerInfo | undefined): void {
  info?.timeout?.(request, 0);
}

/** Returns the info that srvx, and `serve` of this package, store on a request. */
export function infoOf(request: Request): ServerInfo | undefined {
  const { bun, deno } = (request as ServedRequest).runtime ?? {};
  return bun?.server ?? deno?.info;
}

/** Properties that frameworks and servers add to a request. */
interface ServedRequest extends Request {
  /** srvx: objects of the runtime. */
  readonly runtime?: {
    readonly bun?: { readonly server?: ServerInfo };
    readonly deno?: { readonly info?: ServerInfo };
  };
  /** srvx: address of the client. */
  readonly ip?: string;
  /** Cloudflare: properties of the request. */
  readonly cf?: object;
  readonly context?: AnyContext;
}

/** HTTP methods that the adapter answers. */
export const METHODS = "GET, POST, DELETE, OPTIONS";

/**
 * Values of `Sec-Fetch-Mode` that are admitted. With `no-cors`, a page of any site could send cookies
 * without an `Origin` header. Only browsers send `Sec-Fetch-Mode` (Fetch Metadata).
 */
const MODES: readonly (string | null)[] = [null, "cors", "same-origin"];

/** Handshake of an event stream, for the same upgrader as the handshake of a WebSocket. */
export class EventStreamHandshake extends RawHandshake {
  /**
   * Origin of the page, from `Origin` or else from `Referer`. A no-cors request of another site has
   * no `Origin`. Over plain HTTP browsers send no `Sec-Fetch-Mode` either, but a `Referer`, unless the
   * page forbids this header.
   */
  override get pageOrigin(): string | null {
    const origin = super.pageOrigin, referer = this.header("referer");
    if (origin !== null || referer === null || this.header("sec-fetch-mode") !== null) {
      return origin;
    }
    return URL.canParse(referer) ? new URL(referer).origin : null;
  }

  override validate(): Refusal | undefined {
    if (this.method !== "GET") {
      return {
        status: 405,
        message: `An event stream must be opened by GET: found ${this.method}`,
        headers: { allow: METHODS },
      };
    }
    if (!accepts(this.header("accept"))) {
      return {
        status: 406,
        message: "This resource speaks server-sent events: accept text/event-stream",
      };
    }
    if (!MODES.includes(this.header("sec-fetch-mode"))) {
      return { status: 403, message: "`Sec-Fetch-Mode` must be `cors` or `same-origin`" };
    }
    const protocols = this.header("sec-websocket-protocol");
    const why = protocols !== null && !isTokenList(protocols)
      ? "`onepeer-protocols` must be a list of different tokens"
      : undefined;
    return why ? { status: 400, message: `Bad request: ${why}` } : undefined;
  }
}

function accepts(accept: string | null): boolean {
  return listElements(accept).some((type) => /^text\/event-stream\s*(;|$)/i.test(type));
}

/** Makes a handshake of a web-standard request, with another method if `method` is given. */
export function webHandshake(
  request: Request,
  info?: ServerInfo,
  method: string = request.method,
): EventStreamHandshake {
  const { ip, cf, context } = request as ServedRequest;
  const runtime: SSERequestRuntime = { name: "sse", sse: { request, info } };
  if (cf) {
    const read = readRequest(request);
    const rawHeaders = completed(request, read.rawHeaders);
    return new EventStreamHandshake({ ...read, method, rawHeaders, context, runtime });
  }
  const { url } = request;
  return new EventStreamHandshake({
    method,
    target: url,
    rawHeaders: completed(request, [...request.headers].flat()),
    secure: url.startsWith("https:"),
    remoteAddress: ip ?? (info?.remoteAddr as { hostname?: string } | undefined)?.hostname ??
      info?.requestIP?.(request)?.address,
    context,
    runtime,
  });
}

/**
 * Returns the host that the client asked for, not checked. HTTP/2 has `:authority` instead of `Host`
 * (RFC 9113 §8.3.1), and every runtime puts the authority into the URL only.
 */
export function requestedHost({ headers, url }: Request): string {
  const host = headers.get("host") ?? /^[a-z]+:\/\/([^/?#]*)/i.exec(url)?.[1] ?? "";
  return host === "_invalid_" ? "" : host; // srvx 1.0 writes this for an illegal authority
}

/** Adds headers that hooks read, and that the request has under another name. */
function completed(request: Request, headers: string[]): readonly string[] {
  if (!request.headers.has("host")) headers.push("host", requestedHost(request));
  // A page cannot set `sec-` headers (Fetch).
  const protocols = request.headers.get("onepeer-protocols");
  if (protocols !== null) headers.push("sec-websocket-protocol", protocols);
  return headers;
}

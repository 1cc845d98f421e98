import {
  type AnyContext,
  isLegalHost,
  isTokenList,
  listElements,
  type Refusal,
} from "../../handshake/handshake.ts";
import { RawHandshake } from "../../handshake/raw_handshake.ts";
import { readRequest } from "../../shims/workerd/upgrade.ts";

/** What servers give with a request: of Deno, or Bun's `Server`. */
export interface ServerInfo {
  /** Deno: the other end of the line. */
  readonly remoteAddr?: object;
  /** Bun: the other end of a request's line. */
  requestIP?(request: Request): { readonly address: string } | null;
  /** Bun: for how many seconds a line may be silent; 0 for ever. */
  timeout?(request: Request, seconds: number): void;
}

/** Bun 1.4 ends a line that was silent for ten seconds. */
export function keepLine(request: Request, info: ServerInfo | undefined): void {
  info?.timeout?.(request, 0);
}

/** What frameworks and servers hang on a request. */
interface ServedRequest extends Request {
  /** srvx: the other end of the line. */
  readonly ip?: string;
  /** Cloudflare. */
  readonly cf?: object;
  readonly context?: AnyContext;
}

/** What an event stream is used by. */
export const METHODS = "GET, POST, DELETE, OPTIONS";

/**
 * How pages ask for one. By `no-cors` a page of any site may send cookies and no `Origin` that would
 * tell. (Fetch Metadata: who is no browser says nothing.)
 */
const MODES: readonly (string | null)[] = [null, "cors", "same-origin"];

/** A request for an event stream, as the doorkeeper knows requests for a WebSocket. */
export class EventStreamHandshake extends RawHandshake {
  override validate(): Refusal | undefined {
    if (this.method !== "GET") {
      return {
        status: 405,
        message: `An event stream is opened by GET: found ${this.method}`,
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
      return { status: 403, message: "An event stream is for scripts that may read it" };
    }
    const protocols = this.header("sec-websocket-protocol");
    const why = protocols !== null && !isTokenList(protocols)
      ? "`onepeer-protocols` must be a list of different tokens"
      : !isLegalHost(this.header("host"))
      ? "`Host` must be one host name, with or without a port"
      : undefined;
    return why ? { status: 400, message: `Bad request: ${why}` } : undefined;
  }
}

function accepts(accept: string | null): boolean {
  return listElements(accept).some((type) => /^text\/event-stream\s*(;|$)/i.test(type));
}

/** A request as web-standard servers hand it over. */
export function webHandshake(request: Request, info?: ServerInfo): EventStreamHandshake {
  const { ip, cf, context } = request as ServedRequest;
  const runtime = { name: "sse", sse: { request, info } };
  if (cf) {
    const read = readRequest(request);
    const rawHeaders = withProtocols(read.rawHeaders);
    return new EventStreamHandshake({ ...read, rawHeaders, context, runtime });
  }
  const { url } = request;
  return new EventStreamHandshake({
    method: request.method,
    target: url,
    rawHeaders: withProtocols([...request.headers].flat()),
    secure: url.startsWith("https:"),
    remoteAddress: ip ?? (info?.remoteAddr as { hostname?: string } | undefined)?.hostname ??
      info?.requestIP?.(request)?.address,
    context,
    runtime,
  });
}

/** Subprotocols under the name that hooks know: no page may set that header by itself. */
function withProtocols(headers: readonly string[]): readonly string[] {
  const at = headers.indexOf("onepeer-protocols");
  return at % 2 === 0 ? [...headers, "sec-websocket-protocol", headers[at + 1]!] : headers;
}

/** Stable codes for a refused request of a session. */
export type SSERefusalCode =
  | "ERR_SSE_HOST"
  | "ERR_SSE_SESSION"
  | "ERR_SSE_ORIGIN"
  | "ERR_SSE_UNAUTHORIZED"
  | "ERR_SSE_SEQUENCE"
  | "ERR_SSE_TOO_LARGE"
  | "ERR_SSE_TIMEOUT"
  | "ERR_SSE_TYPE"
  | "ERR_SSE_DATA"
  | "ERR_SSE_INTERNAL";

/** Refusal of a request. The session stays as it was. */
export interface SSERefusal {
  readonly status: number;
  readonly code: SSERefusalCode;
  readonly message: string;
  /** Sequence number that the next message must have. */
  readonly expected?: number;
}

type RefusalName =
  | "host"
  | "session"
  | "origin"
  | "unauthorized"
  | "tooLarge"
  | "tooLate"
  | "type"
  | "text"
  | "close"
  | "unread"
  | "broken";

/** Refusals that do not depend on the session. */
export const REFUSALS: Readonly<Record<RefusalName, SSERefusal>> = {
  host: {
    status: 400,
    code: "ERR_SSE_HOST",
    message: "Bad request: `Host` must be one host name, with or without a port",
  },
  session: {
    status: 403,
    code: "ERR_SSE_SESSION",
    message: "`onepeer-session` names no open session",
  },
  origin: {
    status: 403,
    code: "ERR_SSE_ORIGIN",
    message: "The session was opened by a page of another origin",
  },
  unauthorized: {
    status: 403,
    code: "ERR_SSE_UNAUTHORIZED",
    message: "The server does not authorize this request",
  },
  tooLarge: {
    status: 413,
    code: "ERR_SSE_TOO_LARGE",
    message: "The body is larger than the server accepts",
  },
  tooLate: {
    status: 408,
    code: "ERR_SSE_TIMEOUT",
    message: "The body took longer than the server waits",
  },
  type: {
    status: 415,
    code: "ERR_SSE_TYPE",
    message: "`content-type` must be `text/plain` or `application/octet-stream`",
  },
  unread: { status: 400, code: "ERR_SSE_DATA", message: "The body ended early" },
  text: { status: 400, code: "ERR_SSE_DATA", message: "The text is not UTF-8" },
  close: {
    status: 400,
    code: "ERR_SSE_DATA",
    message: "A close must be JSON; `code` (of RFC 6455) and `reason` are optional",
  },
  broken: { status: 500, code: "ERR_SSE_INTERNAL", message: "Internal Server Error" },
};

/** Makes the refusal of a message that has a wrong number, or that a newer request has replaced. */
export function outOfOrder(expected: number): SSERefusal {
  return {
    status: 409,
    code: "ERR_SSE_SEQUENCE",
    message: `The next message must be number ${expected}`,
    expected,
  };
}

/** Request headers of our client that a page of another origin may send only after a preflight. */
const ALLOWED = "content-type, last-event-id, onepeer-delivery, onepeer-protocols, " +
  "onepeer-sequence, onepeer-session";
const EXPOSED = "onepeer-heartbeat, onepeer-session";

/** Makes a response without a body. */
export function noContent(headers: HeadersInit = {}): Response {
  return new Response(null, { status: 204, headers });
}

/**
 * Copies a hook's response, with headers that let a page of another origin read the response. srvx
 * trusts a `content-length` header even if the body has another length, so the header is removed.
 */
export function framed(response: Response, cors: Record<string, string> = {}): Response {
  const more = Object.entries(cors);
  if (!response.headers.has("content-length") && more.length === 0) return response;
  const copy = new Response(response.body, response);
  copy.headers.delete("content-length");
  for (const [name, value] of more) copy.headers.set(name, value);
  return copy;
}

/**
 * Forbids caches to store the response, unless a hook has set `cache-control`. A cache may store a 204
 * or 404 by itself (RFC 9111 §4.2.2), and the answer would stop every other client.
 */
export function unstored(response: Response): Response {
  const { headers } = response;
  if (headers.has("cache-control")) return response;
  try {
    headers.set("cache-control", "no-store");
    return response;
  } catch { // the headers of `fetch` and `Response.redirect` cannot be changed
    return framed(response, { "cache-control": "no-store" });
  }
}

/** Makes a JSON response of a refusal. */
export function refused({ status, ...body }: SSERefusal, headers: HeadersInit = {}): Response {
  const response = new Response(`${JSON.stringify(body)}\n`, { status, headers });
  response.headers.set("content-type", "application/json");
  // The unread rest of the body must not keep the connection open.
  if (status === 408 || status === 413) response.headers.set("connection", "close");
  return response;
}

/** Headers that let a page of another origin read the response. */
export function corsHeaders(origin: string): Record<string, string> {
  return {
    "access-control-allow-origin": origin,
    "access-control-allow-credentials": "true",
    "access-control-expose-headers": EXPOSED,
    vary: "origin",
  };
}

/** Headers that let a page of another origin send the request, with the headers it asked for. */
export function preflightHeaders(origin: string, wanted: string | null): Record<string, string> {
  return {
    ...corsHeaders(origin),
    "access-control-allow-methods": "GET, POST, DELETE",
    "access-control-allow-headers": wanted ?? ALLOWED,
    "access-control-max-age": "600",
    vary: "origin, access-control-request-headers",
  };
}

import { type IncomingMessage, ServerResponse } from "node:http";
import { type Duplex, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** Headers that frame the body. Node writes them itself. */
const FRAMING: readonly string[] = ["connection", "content-length", "transfer-encoding"];
/** Milliseconds without data, after which a refused client that does not leave is disconnected. */
const LINGER_MS = 1000;
/** Milliseconds that a client has to read its refusal once the endpoint has closed. */
const LAST_MS = 500;

/** The part of an endpoint that limits a response. */
export interface ResponseLimits {
  readonly limits: { readonly handshakeTimeout: number };
  /** Whether the endpoint is closing or closed. */
  isClosed(): boolean;
  /** Functions to call once the endpoint has closed. */
  readonly pending: Set<() => void>;
}

/**
 * Writes a web response to a connection that is not upgraded, and ends the connection. A client that
 * has not read the response after `handshakeTimeout`, or still sends then, is disconnected, as the
 * response would stay in memory. After the end of the endpoint, such a client would keep the process
 * alive.
 */
export async function respond(
  request: IncomingMessage,
  stream: Duplex,
  response: Response,
  { limits, isClosed, pending }: ResponseLimits,
): Promise<void> {
  const destroyAfter = (ms: number) => setTimeout(() => stream.destroy(), ms);
  let limit = destroyAfter(isClosed() ? LAST_MS : Math.max(LINGER_MS, limits.handshakeTimeout));
  const hurry = () => {
    clearTimeout(limit);
    limit = destroyAfter(LAST_MS);
  };
  pending.add(hurry);
  stream.once("close", () => {
    clearTimeout(limit);
    pending.delete(hurry);
  });
  const out = new ServerResponse(request);
  out.shouldKeepAlive = false;
  // The types require a `net.Socket` here. Every stream of an `http` server is a `net.Socket`.
  out.assignSocket(stream as Parameters<typeof out.assignSocket>[0]);
  out.once("finish", () => endStream(stream));
  stream.on("drain", () => out.emit("drain")); // after `upgrade`, Node does not forward this event
  out.statusCode = response.status || 500;
  if (response.statusText) out.statusMessage = response.statusText;
  for (const [name, value] of response.headers) {
    if (name !== "set-cookie" && !FRAMING.includes(name)) out.setHeader(name, value);
  }
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) out.setHeader("set-cookie", cookies);
  if (!response.body) return void out.end();
  out.flushHeaders();
  // `pipeline` waits for a slow client, and cancels the body if the client leaves. If the body fails
  // halfway, destroy the connection, so that the client notices that the body is incomplete.
  const body = Readable.fromWeb(response.body as NodeWebStream);
  await pipeline(body, out).catch(() => stream.destroy());
}

/**
 * Ends our half of the connection, and reads on while the client still sends. Closing with unread
 * bytes would reset the connection, and lose the response.
 */
function endStream(stream: Duplex): void {
  const timer = setTimeout(() => stream.destroy(), LINGER_MS);
  stream.once("close", () => clearTimeout(timer)).once("end", () => stream.destroy());
  stream.on("data", () => timer.refresh()).resume();
  stream.end();
}

type NodeWebStream = Parameters<typeof Readable.fromWeb>[0];

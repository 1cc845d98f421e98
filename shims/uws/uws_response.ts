import { Buffer } from "node:buffer";
import { STATUS_CODES } from "node:http";
import { setImmediate } from "node:timers";
import type { UwsResponse } from "./uws_types.ts";

/** A response that can be used after its client has left. uWebSockets.js itself would throw. */
export class SafeResponse {
  /** Called if the client leaves. */
  onLeft: (() => void) | undefined;
  readonly #res: UwsResponse;
  #isGone = false;

  constructor(res: UwsResponse) {
    this.#res = res;
    res.onAborted(() => {
      this.#isGone = true;
      this.onLeft?.();
    });
  }

  /** Passes the response to a function, unless the client has left. Returns whether the client is there. */
  use(act: (res: UwsResponse) => void): boolean {
    const isAlive = !this.#isGone;
    if (isAlive) act(this.#res);
    return isAlive;
  }

  /** Writes, unless the client has left. */
  cork(write: (res: UwsResponse) => void): void {
    this.use((res) => res.cork(() => write(res)));
  }
}

/** Headers that uWebSockets.js writes itself. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "date",
  "transfer-encoding",
]);

/**
 * Refuses a handshake: writes a web response until its end, or until the client leaves, and ends the
 * connection.
 *
 * The response begins in a later turn. In the turn of the handshake, uWebSockets.js 20 would also
 * serve a second request of the same packet. While a response is pending, a second request ends the
 * connection.
 */
export async function respond(target: SafeResponse, response: Response): Promise<void> {
  const reader = response.body?.getReader();
  target.onLeft = () => void reader?.cancel().catch(() => {});
  const early: Uint8Array[] = [];
  let write = (chunk: Uint8Array) => void early.push(chunk);
  let isRead = false;
  const reading = readAll(reader, (chunk) => write(chunk)).then(() => isRead = true);
  reading.catch(() => {}); // handled below
  await new Promise((resolve) => setImmediate(resolve));
  target.cork((res) => {
    writeHead(res, response);
    if (isRead) res.end(Buffer.concat(early), true);
    else res.writeHeader("connection", "close");
  });
  if (isRead) return;
  write = (chunk) => void target.cork((res) => res.write(chunk));
  early.forEach(write);
  try {
    await reading;
    // uWebSockets.js 20 cannot end the connection here: it would write a header into the body.
    target.cork((res) => res.end());
  } catch {
    target.cork((res) => res.close()); // or the client would treat half a body as complete
  }
}

function writeHead(res: UwsResponse, { status, statusText, headers }: Response): void {
  const code = status || 500;
  res.writeStatus(`${code} ${statusText || STATUS_CODES[code] || ""}`.trim());
  for (const [name, value] of headers) {
    if (!OWN_HEADERS.has(name)) res.writeHeader(name, value);
  }
}

async function readAll(
  reader: ReadableStreamDefaultReader<Uint8Array> | undefined,
  use: (chunk: Uint8Array) => void,
): Promise<void> {
  for (let next = await reader?.read(); next && !next.done; next = await reader!.read()) {
    use(next.value);
  }
}

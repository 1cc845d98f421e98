import { type IncomingMessage, ServerResponse } from "node:http";
import { type Duplex, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** Headers that frame a body on the wire: Node writes its own. */
const FRAMING: readonly string[] = ["connection", "content-length", "transfer-encoding"];
/** How long a refused client may take to end its half of the line. */
const LINGER_MS = 1000;

/** Writes a web response to a line that was to be upgraded, and ends it. */
export async function respond(
  request: IncomingMessage,
  line: Duplex,
  response: Response,
): Promise<void> {
  const out = new ServerResponse(request);
  out.shouldKeepAlive = false;
  // Typed for a net.Socket, which every line of an http server is.
  out.assignSocket(line as Parameters<typeof out.assignSocket>[0]);
  out.once("finish", () => endLine(line));
  line.on("drain", () => out.emit("drain")); // Node's http server does it no more after `upgrade`
  out.statusCode = response.status || 500;
  if (response.statusText) out.statusMessage = response.statusText;
  for (const [name, value] of response.headers) {
    if (name !== "set-cookie" && !FRAMING.includes(name)) out.setHeader(name, value);
  }
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) out.setHeader("set-cookie", cookies);
  if (!response.body) return void out.end();
  out.flushHeaders();
  // Waits for a slow client, and cancels the body where it leaves. If the body fails half way,
  // the line is destroyed: the client must not take it for whole.
  await pipeline(Readable.fromWeb(response.body as NodeWebStream), out).catch(() => line.destroy());
}

/** Ends our half; reads on for a moment, since closing over unread bytes would reset the line and lose the response. */
function endLine(line: Duplex): void {
  const timer = setTimeout(() => line.destroy(), LINGER_MS);
  line.once("close", () => clearTimeout(timer)).once("end", () => line.destroy());
  line.resume();
  line.end();
}

type NodeWebStream = Parameters<typeof Readable.fromWeb>[0];

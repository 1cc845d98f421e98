import type { BodyClock } from "./body_clock.ts";
import { checkClose } from "../../socket/close_code.ts";
import { type BodyFailure, RequestBody } from "./request_body.ts";
import type { CloseInfo } from "../../socket/socket.ts";
import { outOfOrder, REFUSALS, type SSERefusal } from "./answer.ts";
import type { SSESession } from "./session.ts";

/** Largest body of a close request, in bytes. */
const MAX_CLOSE = 1024;
const TYPES: Readonly<Record<string, "text" | "binary">> = {
  "text/plain": "text",
  "application/octet-stream": "binary",
};
/** Sequence number as our client writes it. */
const NUMBER = /^[1-9]\d{0,14}$/;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Requests from clients: each carries one message or one close. */
export class SSERequests {
  readonly #bodies: BodyClock;

  constructor(bodies: BodyClock) {
    this.#bodies = bodies;
  }

  /**
   * Accepts one message, which must have the next number. Resolves once there is room for another
   * message. A repeated request replaces an earlier request that is still being read.
   */
  async take(session: SSESession, request: Request): Promise<SSERefusal | undefined> {
    const { headers } = request;
    const [mediaType = ""] = (headers.get("content-type") ?? "").split(";");
    const type = TYPES[mediaType.trim().toLowerCase()];
    if (!type) return REFUSALS.type;
    const number = headers.get("onepeer-sequence") ?? "";
    const next = session.received + 1;
    if (!NUMBER.test(number) || Number(number) !== next) return outOfOrder(next);
    const body = new RequestBody(request, session.settings.limits.maxPayload);
    session.turn?.stop("replaced");
    session.turn = body;
    const bytes = await this.#read(body, session.paused);
    if (session.isOver) return REFUSALS.session;
    if (session.turn !== body) return outOfOrder(session.received + 1);
    session.turn = undefined;
    if (typeof bytes === "string") return failed(bytes);
    const payload = type === "text" ? decode(bytes) : bytes;
    if (payload === undefined) return REFUSALS.text;
    session.take(payload, bytes.byteLength);
    await session.paused; // the client sends its next message after our response
    return undefined;
  }

  /** Accepts the client's close, or the client's answer to our close. */
  async leave(session: SSESession, request: Request): Promise<SSERefusal | undefined> {
    const bytes = await this.#read(new RequestBody(request, MAX_CLOSE));
    if (typeof bytes === "string") return failed(bytes);
    const close = closeIn(bytes);
    if (!close) return REFUSALS.close;
    session.left(close.code, close.reason);
    return undefined;
  }

  async #read(
    body: RequestBody,
    ready?: Promise<void>,
  ): Promise<Uint8Array<ArrayBuffer> | BodyFailure> {
    const failure = ready && await Promise.race([body.stopped, ready]);
    if (failure) return failure;
    this.#bodies.began(body);
    const bytes = await body.read();
    this.#bodies.ended(body);
    return bytes;
  }
}

function failed(failure: BodyFailure): SSERefusal {
  if (failure === "too large") return REFUSALS.tooLarge;
  return failure === "too late" ? REFUSALS.tooLate : REFUSALS.unread;
}

function decode(bytes: Uint8Array<ArrayBuffer>): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Reads code and reason of a close; returns `undefined` if they are not valid. */
function closeIn(bytes: Uint8Array<ArrayBuffer>): Omit<CloseInfo, "wasClean"> | undefined {
  try {
    const { code = 1005, reason = "" } = JSON.parse(utf8.decode(bytes) || "{}");
    if (code === 1005) return { code, reason: "" };
    if (typeof reason !== "string") return undefined;
    checkClose(code, reason);
    return { code, reason };
  } catch {
    return undefined;
  }
}

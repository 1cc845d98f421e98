import { STATUS_CODES } from "node:http";
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

  /** Writes, unless the client has left. Returns whether the client is still there. */
  cork(write: (res: UwsResponse) => void): boolean {
    if (!this.#isGone) this.#res.cork(() => write(this.#res));
    return !this.#isGone;
  }
}

/** Headers that uWebSockets.js writes itself. */
const OWN_HEADERS: ReadonlySet<string> = new Set(["content-length", "transfer-encoding", "date"]);

/** Writes a web response, until its end or until the client leaves. */
export async function respond(target: SafeResponse, response: Response): Promise<void> {
  const status = response.status || 500;
  target.cork((res) => {
    res.writeStatus(`${status} ${response.statusText || STATUS_CODES[status] || ""}`.trim());
    for (const [name, value] of response.headers) {
      if (!OWN_HEADERS.has(name)) res.writeHeader(name, value);
    }
    if (!response.body) res.end("", true);
  });
  if (!response.body) return;
  const reader = response.body.getReader();
  target.onLeft = () => void reader.cancel().catch(() => {});
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      const { value } = next;
      target.cork((res) => void res.write(value));
    }
    target.cork((res) => res.end());
  } catch {
    target.cork((res) => res.close()); // or the client would treat half a body as complete
  }
}

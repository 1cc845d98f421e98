import type { NodeRequest, ServedByNode } from "./node_connection.ts";

/** Reason why a body was not read to its end. */
export type BodyFailure = "too large" | "too late" | "replaced" | "broken";

/** Largest body in bytes that is read as a whole. A whole read is faster, but cannot be stopped. */
const SMALL = 65_536;

/**
 * Reads the whole body of a request of srvx. `arrayBuffer()` would take 100 µs, as srvx first makes
 * an undici `Request`.
 */
function wholeOf(body: NodeRequest, length: number): Promise<Uint8Array<ArrayBuffer>> {
  return new Promise((resolve, reject) => {
    if (body.destroyed) reject(new Error("The client ended the request early"));
    const bytes = new Uint8Array(length);
    let at = 0;
    body.on("data", (chunk) => {
      if (at + chunk.byteLength > length) {
        return reject(new Error("The body is longer than its content-length"));
      }
      bytes.set(chunk, at);
      at += chunk.byteLength;
    });
    body.on("end", () => resolve(bytes.subarray(0, at)));
    body.on("close", reject); // a rejection after the end has no effect
  });
}

/** Reads the body of a request, up to a number of bytes. Each read can be stopped at any time. */
export class RequestBody {
  readonly #request: Request;
  readonly #most: number;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #stop!: (failure: BodyFailure) => void;
  /** Settles when {@linkcode stop} is called. */
  readonly stopped: Promise<BodyFailure> = new Promise((resolve) => this.#stop = resolve);

  constructor(request: Request, most: number) {
    this.#request = request;
    this.#most = most;
  }

  /** The `content-length`, or `NaN` if the request has none. */
  get statedLength(): number {
    return Number(this.#request.headers.get("content-length") ?? NaN);
  }

  /** Reads the whole body. Resolves to the bytes, or to the reason of a failure. Never rejects. */
  read(): Promise<Uint8Array<ArrayBuffer> | BodyFailure> {
    const { statedLength } = this;
    if (statedLength > this.#most) return Promise.resolve("too large");
    const { req } = (this.#request as ServedByNode).runtime?.node ?? {};
    const bytes = statedLength > SMALL || Number.isNaN(statedLength)
      ? this.#gather()
      : req
      ? wholeOf(req, statedLength)
      : this.#request.arrayBuffer().then((buffer) => new Uint8Array(buffer));
    return Promise.race([this.stopped, bytes.catch((): BodyFailure => "broken")]);
  }

  /** Stops reading. */
  stop(failure: BodyFailure): void {
    this.#stop(failure);
    this.#reader?.cancel().catch(() => {});
  }

  async #gather(): Promise<Uint8Array<ArrayBuffer> | BodyFailure> {
    const { body } = this.#request;
    if (!body) return new Uint8Array();
    const reader = this.#reader = body.getReader();
    const { statedLength } = this;
    // One growing buffer, since a list of one-byte pieces would take a hundred times as much memory.
    let bytes = new Uint8Array(Number.isNaN(statedLength) ? SMALL : statedLength);
    let length = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return bytes.subarray(0, length);
      if (length + value.byteLength > this.#most) {
        reader.cancel().catch(() => {});
        return "too large";
      }
      if (length + value.byteLength > bytes.byteLength) {
        const larger = new Uint8Array(Math.max(length + value.byteLength, 2 * length));
        larger.set(bytes.subarray(0, length));
        bytes = larger;
      }
      bytes.set(value, length);
      length += value.byteLength;
    }
  }
}

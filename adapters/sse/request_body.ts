/** Why a body was not read to its end. */
export type BodyFailure = "too large" | "too late" | "replaced" | "broken";

/** Up to this length the runtime's own way, which is the fastest and cannot be stopped. */
const SMALL = 65_536;

/** srvx on Node: its `arrayBuffer()` makes a `Request` of undici's first, which takes 100 µs. */
interface ServedByNode extends Request {
  readonly runtime?: { readonly node?: { readonly req?: NodeBody } };
}

/** The part of Node's `IncomingMessage` that is used. */
interface NodeBody {
  readonly destroyed: boolean;
  on(event: string, listener: (chunk: Uint8Array<ArrayBuffer>) => void): unknown;
}

function wholeOf(body: NodeBody, length: number): Promise<Uint8Array<ArrayBuffer>> {
  return new Promise((resolve, reject) => {
    if (body.destroyed) reject(new Error("The request was broken off"));
    const bytes = new Uint8Array(length);
    let at = 0;
    body.on("data", (chunk) => {
      if (at + chunk.byteLength > length) return reject(new Error("More came than was said"));
      bytes.set(chunk, at);
      at += chunk.byteLength;
    });
    body.on("end", () => resolve(bytes.subarray(0, at)));
    body.on("close", reject); // where it has not ended
  });
}

/** The body of a request: at most so many bytes, and no longer than somebody waits. */
export class RequestBody {
  readonly #request: Request;
  readonly #most: number;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #stop!: (failure: BodyFailure) => void;
  /** Resolves where nobody is to read on. */
  readonly stopped: Promise<BodyFailure> = new Promise((resolve) => this.#stop = resolve);

  constructor(request: Request, most: number) {
    this.#request = request;
    this.#most = most;
  }

  /** The length that the client has said, `NaN` where it has not. */
  get statedLength(): number {
    return Number(this.#request.headers.get("content-length") ?? NaN);
  }

  /** Reads all of it, or tells why not. Never rejects. */
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

  /** Reads no further. */
  stop(failure: BodyFailure): void {
    this.#stop(failure);
    this.#reader?.cancel().catch(() => {});
  }

  async #gather(): Promise<Uint8Array<ArrayBuffer> | BodyFailure> {
    const { body } = this.#request;
    if (!body) return new Uint8Array();
    const reader = this.#reader = body.getReader();
    const { statedLength } = this;
    // Not a list of pieces: of one byte each they would cost a hundred times as much.
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

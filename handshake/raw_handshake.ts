import { plainAddress } from "./forwarded.ts";
import {
  type AnyContext,
  type Handshake,
  type Refusal,
  type RequestRuntime,
  type UpgradeRequest,
  validateHandshake,
} from "./handshake.ts";

/** Headers that determine the URL of a request. */
const NEEDED: readonly string[] = ["host", "x-forwarded-host", "x-forwarded-proto", "forwarded"];

/** Values that an adapter reads from its runtime's request: just enough to rebuild the request. */
export interface RawHandshakeInit {
  readonly method: string;
  readonly httpVersion?: string | undefined;
  /** The request target, in origin or absolute form. */
  readonly target: string;
  /** Names and values in turn, as on the wire, or the value of {@linkcode RawHandshake.rawHeaders}. */
  readonly rawHeaders: readonly string[] | string;
  readonly secure: boolean;
  readonly remoteAddress: string | undefined;
  readonly context?: AnyContext | undefined;
  /** Value of `request.runtime` in hooks. */
  readonly runtime?: RequestRuntime;
}

/**
 * A handshake over raw headers, which are read lazily. The first use of the web `Request` creates
 * the request, and the first read of the request's signal creates the signal.
 */
export class RawHandshake implements Handshake {
  readonly method: string;
  readonly httpVersion: string | undefined;
  readonly target: string;
  readonly secure: boolean;
  readonly remoteAddress: string | undefined;
  readonly context: AnyContext | undefined;
  /** Names and values in turn. After the handshake one string, which needs a fourth of the memory. */
  #rawHeaders: readonly string[] | string;
  #runtime: RequestRuntime | undefined;
  #request: LazyRequest | undefined;
  #abortReason: (() => unknown) | undefined;

  constructor(init: RawHandshakeInit) {
    this.method = init.method;
    this.httpVersion = init.httpVersion;
    this.target = originForm(init.target);
    this.secure = init.secure;
    this.remoteAddress = plainAddress(init.remoteAddress);
    this.context = init.context;
    this.#rawHeaders = init.rawHeaders;
    this.#runtime = init.runtime;
  }

  validate(): Refusal | undefined {
    return validateHandshake(this);
  }

  get pageOrigin(): string | null {
    return this.header("origin");
  }

  header(name: string): string | null {
    let found: string | null = null;
    const raw = this.#headers;
    for (let i = 0; i < raw.length; i += 2) {
      if (raw[i]!.length !== name.length || raw[i]!.toLowerCase() !== name) continue;
      found = found === null
        ? raw[i + 1]!
        : `${found}${name === "cookie" ? "; " : ", "}${raw[i + 1]}`;
    }
    return found;
  }

  toRequest(url: string): UpgradeRequest {
    if (this.#request) this.#request = this.#request.at(url);
    else {
      this.#request = new LazyRequest(url, this.method, this.#pairs());
      if (this.context) this.#request.context = this.context;
      Object.defineProperty(this.#request, "runtime", {
        value: this.#runtime,
        configurable: true, // srvx defines its own property of this name
      });
      if (this.#abortReason) this.#request.abort(this.#abortReason);
    }
    return this.#request as UpgradeRequest;
  }

  /** Headers that are kept, in the form of {@linkcode RawHandshakeInit.rawHeaders}. */
  get rawHeaders(): readonly string[] | string {
    return this.#rawHeaders;
  }

  get aborted(): boolean {
    return this.#abortReason !== undefined;
  }

  abort(reason: () => unknown): void {
    if (this.#abortReason) return;
    this.#abortReason = reason;
    this.#request?.abort(reason);
  }

  settle(retain?: readonly string[]): void {
    const all = this.#headers;
    const kept = retain && new Set([...NEEDED, ...retain].map((name) => name.toLowerCase()));
    this.#rawHeaders = (kept ? headersNamed(kept, all) : all).join("\n");
    // If a hook has read the request, the request has its own copy of all headers.
    for (const name of kept && this.#request ? [...this.#request.headers.keys()] : []) {
      if (!kept!.has(name)) this.#request!.headers.delete(name);
    }
  }

  opened(): void {
    this.#runtime = undefined;
  }

  get #headers(): readonly string[] {
    const raw = this.#rawHeaders;
    if (typeof raw !== "string") return raw;
    return raw === "" ? [] : raw.split("\n"); // no header has a line feed (RFC 9110 §5.5)
  }

  #pairs(): [string, string][] {
    const pairs: [string, string][] = [];
    const raw = this.#headers;
    for (let i = 0; i < raw.length; i += 2) pairs.push([raw[i]!, raw[i + 1]!]);
    return pairs;
  }
}

/**
 * A subclass of `Request`, because Node 24's `new Request(other)` looks for private fields of
 * `other`. The first read creates the `signal`, which costs 5 µs on Node.
 */
class LazyRequest extends Request {
  context: AnyContext = {};
  readonly #url: string;
  /** Request of which this is a copy. The signal is its signal. */
  readonly #original: LazyRequest | undefined;
  #controller: AbortController | undefined;
  #abortReason: (() => unknown) | undefined;

  constructor(url: string, method: string, headers: [string, string][], original?: LazyRequest) {
    super(url, { method, headers });
    this.#url = url;
    this.#original = original;
  }

  /** Returns this request with another URL, with all properties that other code has added. */
  at(url: string): LazyRequest {
    if (url === this.#url) return this;
    const copy = new LazyRequest(url, this.method, [...this.headers], this.#original ?? this);
    copy.context = this.context;
    for (const key of Reflect.ownKeys(this)) {
      // Node 20 has the internals of a `Request` in properties, which both requests have.
      if (Object.hasOwn(copy, key)) continue;
      Object.defineProperty(copy, key, Object.getOwnPropertyDescriptor(this, key)!);
    }
    return copy;
  }

  override get signal(): AbortSignal {
    if (this.#original) return this.#original.signal;
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#abortReason) this.#controller.abort(this.#abortReason());
    }
    return this.#controller.signal;
  }

  abort(reason: () => unknown): void {
    if (this.#original) return this.#original.abort(reason);
    this.#abortReason = reason;
    this.#controller?.abort(reason());
  }
}

/** Returns path and query of a request target, without fragment and without an authority. */
function originForm(target: string): string {
  const absolute = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i.exec(target);
  const path = absolute ? target.slice(absolute[0].length) : target;
  const hash = path.indexOf("#");
  const clean = hash < 0 ? path : path.slice(0, hash);
  return absolute && !clean.startsWith("/") ? `/${clean}` : clean;
}

/** Returns the headers whose lower-case name is in `kept`, as names and values in turn. */
function headersNamed(kept: ReadonlySet<string>, all: readonly string[]): string[] {
  return all.filter((_, i) => kept.has(all[i - i % 2]!.toLowerCase()));
}

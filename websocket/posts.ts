import { backoff, MAX_TIME } from "./backoff.ts";

/** Milliseconds that an attempt may take, like the server's `bodyTimeout`, plus one for each byte. */
const ATTEMPT_TIMEOUT = 30_000;

/** A request that carries one message or the close. */
export interface Post {
  readonly method: "POST" | "DELETE";
  readonly type: string;
  readonly body: Uint8Array<ArrayBuffer> | Blob;
  /** Bytes that the request counts in `bufferedAmount`. */
  readonly size: number;
}

/** The owner of {@linkcode Posts}: settings and callbacks. */
export interface PostsHost {
  /** Milliseconds for which the client repeats a message that fails. */
  readonly grace: number;
  /** Sends a request with this sequence number. */
  send(post: Post, sequence: number, signal: AbortSignal): Promise<Response>;
  /** Called when the server has answered the close. `code` is the server's reason of a refusal. */
  closed(isOk: boolean, code: string | undefined): void;
  /** Called when the server has refused a message for good. */
  refused(status: number, code: string | undefined): void;
  /** Called when messages do not reach the server. */
  failed(reason: string): void;
}

/** Most characters of a response to read: a refusal is a short JSON text. */
const MAX_ANSWER = 4096;

/** Statuses after which another attempt may succeed. A login page of a network answers 200. */
const TRANSIENT: readonly number[] = [200, 408, 425, 429];

/** Sends requests in order, one at a time. Repeats a request until the server confirms it. */
export class Posts {
  /** Bytes that the server has not confirmed. */
  bufferedAmount = 0;
  readonly #host: PostsHost;
  readonly #ended: AbortSignal;
  readonly #queue: Post[] = [];
  /** Number of messages that the server has confirmed. */
  #taken = 0;
  #sequence = 0;
  #attempt = new AbortController();
  #isRunning = false;

  /** @param ended aborts when the session ends; queued requests are dropped. */
  constructor(host: PostsHost, ended: AbortSignal) {
    this.#host = host;
    this.#ended = ended;
    ended.addEventListener("abort", () => this.retry());
  }

  /** Queues a request after all earlier ones. */
  add(post: Post): void {
    this.#queue.push(post);
    this.bufferedAmount += post.size;
    if (!this.#isRunning) void this.#run();
  }

  /** Notes how many messages the server has accepted, as the server has reported. */
  acknowledge(taken: number): void {
    this.#taken = taken;
    if (taken >= this.#sequence) this.retry(); // the response to the current request was lost
  }

  /** Aborts the current attempt, whose response may be lost, so that a new attempt follows. */
  retry(): void {
    this.#attempt.abort();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    for (let post = this.#queue[0]; post && !this.#ended.aborted; post = this.#queue[0]) {
      if (!(await this.#deliver(post, ++this.#sequence))) continue;
      this.#queue.shift();
      this.bufferedAmount -= post.size;
    }
    this.#isRunning = false;
  }

  /** Tries until the outcome is known. Returns whether the server has accepted the request. */
  async #deliver(post: Post, sequence: number): Promise<boolean> {
    for (let failures = 0, since = 0; !this.#ended.aborted; failures++) {
      if (sequence <= this.#taken) return true;
      const isTaken = await this.#try(post, sequence);
      if (isTaken !== undefined) return isTaken;
      // An attempt that we aborted does not count: the server may have no room for the message yet.
      if (this.#attempt.signal.aborted) since = 0;
      since ||= performance.now();
      if (performance.now() - since >= this.#host.grace) {
        this.#host.failed("Messages do not reach the server");
        return false;
      }
      await backoff(failures, this.#ended);
    }
    return false;
  }

  /** Makes one attempt. Returns whether the server accepted the post; `undefined` to try again. */
  async #try(post: Post, sequence: number): Promise<boolean | undefined> {
    this.#attempt = new AbortController();
    // A firewall may forget the connection, and then drop packets without an answer.
    const timeout = Math.min(ATTEMPT_TIMEOUT + post.size, MAX_TIME);
    const timer = setTimeout(() => this.retry(), timeout);
    try {
      const response = await this.#host.send(post, sequence, this.#attempt.signal);
      const { ok, status } = response;
      const text = await beginningOf(response);
      if (status >= 500 || TRANSIENT.includes(status)) return undefined;
      if (post.method === "DELETE") {
        this.#host.closed(ok, codeIn(text));
        return true;
      }
      if (ok) return true;
      if (status !== 409) {
        this.#queue.length = 0;
        this.#host.refused(status, codeIn(text));
        return false;
      }
      const { expected } = JSON.parse(text) as { expected: number };
      // If the server expects a later number, it has accepted an earlier attempt, and the response was
      // lost. If the server expects this number, it is still reading another attempt.
      if (expected >= sequence) return expected > sequence || undefined;
      this.#host.failed("The server has lost messages");
      return false;
    } catch {
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Returns the beginning of a response, which may never end. */
async function beginningOf({ body }: Response): Promise<string> {
  const reader = body?.getReader(), decoder = new TextDecoder();
  let text = "";
  while (reader && text.length < MAX_ANSWER) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += decoder.decode(value, { stream: true });
  }
  await reader?.cancel();
  return text;
}

/** Returns the code of a refusal by the adapter. Other servers and proxies send none. */
function codeIn(text: string): string | undefined {
  return /^\{"code":"(ERR_SSE_\w{1,40})"/.exec(text)?.[1];
}

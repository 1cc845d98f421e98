import { backoff } from "./backoff.ts";

/** Milliseconds that an attempt may take, as the server's `bodyTimeout`; and one more for each byte. */
const PATIENCE = 30_000;

/** What is sent up. */
export interface Post {
  readonly method: "POST" | "DELETE";
  readonly type: string;
  readonly body: Uint8Array<ArrayBuffer> | Blob;
  /** What it counts in `bufferedAmount`. */
  readonly size: number;
}

/** What {@linkcode Posts} asks, and whom it tells. */
export interface PostsHost {
  /** How long one message may be tried, in milliseconds. */
  readonly grace: number;
  /** Sends one, as the `sequence`th. */
  send(post: Post, sequence: number, signal: AbortSignal): Promise<Response>;
  /** The last one, which closes, was answered. */
  closed(isOk: boolean): void;
  /** The server does not take a message, and never will. */
  refused(status: number): void;
  /** Messages cannot be brought to the server. */
  failed(reason: string): void;
}

/** Statuses of which somebody on the way, or another attempt, may be the cause: 200 of a login page. */
const PASSING: readonly number[] = [200, 408, 425, 429];

/** The way up: one request at a time, each until it is known to have been taken, in order. */
export class Posts {
  /** Bytes that are not known to have been taken. */
  bufferedAmount = 0;
  readonly #host: PostsHost;
  readonly #ended: AbortSignal;
  readonly #queue: Post[] = [];
  /** How many of them are known to have been taken. */
  #taken = 0;
  #sequence = 0;
  #attempt = new AbortController();
  #isRunning = false;

  /** @param ended stops it; what is queued is dropped. */
  constructor(host: PostsHost, ended: AbortSignal) {
    this.#host = host;
    this.#ended = ended;
    ended.addEventListener("abort", () => this.retry());
  }

  /** Sends something, after all that was added before. */
  add(post: Post): void {
    this.#queue.push(post);
    this.bufferedAmount += post.size;
    if (!this.#isRunning) void this.#run();
  }

  /** The server has told how many messages it has taken. */
  acknowledge(taken: number): void {
    this.#taken = taken;
    if (taken >= this.#sequence) this.retry(); // that answer was lost
  }

  /** Gives up the attempt under way, whose answer may never come. */
  retry(): void {
    this.#attempt.abort();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    for (let post = this.#queue[0]; post && !this.#ended.aborted; post = this.#queue[0]) {
      if (!(await this.#bring(post, ++this.#sequence))) continue;
      this.#queue.shift();
      this.bufferedAmount -= post.size;
    }
    this.#isRunning = false;
  }

  /** Tries until it is known how this ends; returns whether the server has taken it. */
  async #bring(post: Post, sequence: number): Promise<boolean> {
    for (let failures = 0, since = 0; !this.#ended.aborted; failures++) {
      if (sequence <= this.#taken) return true;
      const isTaken = await this.#try(post, sequence);
      if (isTaken !== undefined) return isTaken;
      // One that we gave up says nothing: the server may have no room yet.
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

  /** Whether it was taken; nothing where that is unknown, or may change. */
  async #try(post: Post, sequence: number): Promise<boolean | undefined> {
    this.#attempt = new AbortController();
    // A firewall may have forgotten the connection, and drops what comes on it without a word.
    const timer = setTimeout(() => this.retry(), PATIENCE + post.size);
    try {
      const response = await this.#host.send(post, sequence, this.#attempt.signal);
      const { ok, status } = response;
      const text = await response.text();
      if (status >= 500 || PASSING.includes(status)) return undefined;
      if (post.method === "DELETE") {
        this.#host.closed(ok);
        return true;
      }
      if (ok) return true;
      if (status !== 409) {
        this.#queue.length = 0;
        this.#host.refused(status);
        return false;
      }
      const { expected } = JSON.parse(text) as { expected: number };
      // An answer that was lost said so before. One that is still under way: asked again.
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

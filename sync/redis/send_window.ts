/** Most bytes of commands that the server has not answered. */
const MAX_BYTES = 512 * 1024;

/** A command that waits for its turn. */
interface Job {
  readonly bytes: number;
  send(): Promise<unknown>;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Sends commands in order, and only a few bytes before the answer. Otherwise megabytes in the buffer
 * of a socket would delay the probe of the connection, so that a slow connection would count as lost.
 */
export class SendWindow {
  readonly #waiting: Job[] = [];
  #unanswered = 0;
  #failure: { readonly error: unknown } | undefined;

  /**
   * Calls `send` after all earlier commands, as soon as the window has room for its bytes. Settles
   * as the answer does.
   */
  run(bytes: number, send: () => Promise<unknown>): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure) return reject(this.#failure.error);
      this.#waiting.push({ bytes, send, resolve, reject });
      this.#next();
    });
  }

  /** Rejects all commands that have not been sent, and all later ones. */
  close(error: unknown): void {
    this.#failure = { error };
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  #next(): void {
    for (let job = this.#waiting[0]; job; job = this.#waiting[0]) {
      // A command that is larger than the window is sent alone.
      if (this.#unanswered > 0 && this.#unanswered + job.bytes > MAX_BYTES) return;
      this.#waiting.shift();
      void this.#run(job);
    }
  }

  async #run({ bytes, send, resolve, reject }: Job): Promise<void> {
    this.#unanswered += bytes;
    try {
      await send();
      resolve();
    } catch (error) {
      reject(error);
    }
    this.#unanswered -= bytes;
    this.#next();
  }
}

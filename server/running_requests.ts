import { type Awaitable, isThenable } from "../endpoint/hooks.ts";

type Handler<Info> = (request: Request, info: Info) => Awaitable<Response>;

/** Milliseconds in which a response of usual size leaves the process. */
const FLUSH_MS = 100;

/** Requests that a handler has not answered yet. */
export class RunningRequests {
  readonly #running = new Set<Promise<unknown>>();
  #answeredAt = -Infinity;
  #isEnding = false;

  /** Wraps a handler, so that this object knows the handler's running requests. */
  counting<Info>(handler: Handler<Info>): Handler<Info> {
    return (request, info) => {
      if (this.#isEnding) return new Response("This server is going away\n", { status: 503 });
      const response = handler(request, info);
      if (!isThenable(response)) {
        this.#answeredAt = performance.now();
        return response;
      }
      const done = () => {
        this.#running.delete(response);
        this.#answeredAt = performance.now();
      };
      this.#running.add(response);
      response.then(done, done);
      return response;
    };
  }

  /** Refuses further requests with 503, and waits for the responses to all others. */
  async answered(): Promise<void> {
    this.#isEnding = true;
    await Promise.allSettled(this.#running);
    const left = this.#answeredAt + FLUSH_MS - performance.now();
    if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
  }
}

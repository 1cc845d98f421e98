import { backoff } from "./backoff.ts";
import { EventResponse, type EventResponseHost } from "./event_response.ts";

/** The owner of an {@linkcode EventReader}: settings and callbacks. */
export interface EventReaderHost extends EventResponseHost {
  /** Milliseconds within which a lost stream may be resumed; 0 for never. */
  readonly grace: number;
  /** Called when a proxy that buffers responses was detected. The reader polls from now on. */
  buffering(): void;
  /** Called if no byte arrived for too long. Messages to the server may be lost too. */
  silent(): void;
  /** Called when the stream is lost for good. */
  failed(reason: string): void;
}

/** Reads events from one response after the other. Each continues after the last received event. */
export class EventReader {
  readonly #host: EventReaderHost;
  readonly #ended: AbortSignal;
  #poll: boolean;
  /** Whether polling has worked, or the caller has asked for polling. */
  #isSure: boolean;
  /** Time at which the latest byte was received. */
  #heardAt = performance.now();
  /** Failed attempts in a row. */
  #failures = 0;

  /**
   * @param ended aborts when the session ends.
   * @param poll whether each response ends after its first events.
   */
  constructor(host: EventReaderHost, ended: AbortSignal, poll: boolean) {
    this.#host = host;
    this.#ended = ended;
    this.#poll = this.#isSure = poll;
  }

  /** Reads until the session ends or the stream is lost for good. */
  async run(): Promise<void> {
    while (!this.#ended.aborted) {
      const response = new EventResponse(this.#host, this.#ended);
      const problem = await response.read(this.#poll);
      if (this.#ended.aborted) return;
      if (response.wasSilent) this.#host.silent();
      if (response.wasHeard) this.#wasHeard();
      else if (response.wasSilent && !this.#isSure) {
        this.#poll = !this.#poll;
        if (this.#poll) continue;
      }
      const lostFor = performance.now() - this.#heardAt;
      if (response.isLast || lostFor >= this.#host.grace) return this.#host.failed(problem);
      if (response.wasUseful) this.#failures = 0;
      if (this.#poll && response.wasUseful) continue;
      await backoff(this.#failures++, this.#ended);
    }
  }

  #wasHeard(): void {
    this.#heardAt = performance.now();
    if (this.#isSure || !this.#poll) return;
    this.#isSure = true;
    this.#host.buffering();
  }
}

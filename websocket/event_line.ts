import { backoff } from "./backoff.ts";
import { EventResponse, type EventResponseHost } from "./event_response.ts";

/** What an {@linkcode EventLine} asks, and whom it tells. */
export interface EventLineHost extends EventResponseHost {
  /** How long a lost line may be taken up again, in milliseconds: not at all while this is 0. */
  readonly grace: number;
  /** Somebody on the way keeps the events back: from now on the line polls. */
  buffering(): void;
  /** Nothing came for too long: what is on its way up may be lost too. */
  silent(): void;
  /** There is no line any more, and there will be none. */
  failed(reason: string): void;
}

/** The way down: one response after the other, each taken up where the last one broke off. */
export class EventLine {
  readonly #host: EventLineHost;
  readonly #ended: AbortSignal;
  #poll: boolean;
  /** Whether that is known to help, or was asked for. */
  #isSure: boolean;
  /** When the line was last heard. */
  #heardAt = performance.now();
  /** Attempts that came to nothing, in a row. */
  #failures = 0;

  /**
   * @param ended stops it.
   * @param poll whether a response is to end once it has something to say.
   */
  constructor(host: EventLineHost, ended: AbortSignal, poll: boolean) {
    this.#host = host;
    this.#ended = ended;
    this.#poll = this.#isSure = poll;
  }

  /** Keeps the line up until it is ended, or fails. */
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

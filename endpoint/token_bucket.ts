/**
 * Rate limit of `perSecond` messages on average. A burst may have `perSecond` messages, or one
 * message if the rate is between 0 and 1.
 */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #filledAt: number = performance.now();

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#tokens = this.#burst = perSecond && Math.max(1, perSecond);
  }

  /** Takes a token for a message. Returns false if there is none. */
  take(): boolean {
    const now = performance.now();
    const earned = (now - this.#filledAt) / 1000 * this.#perSecond;
    this.#tokens = Math.min(this.#burst, this.#tokens + earned);
    this.#filledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}

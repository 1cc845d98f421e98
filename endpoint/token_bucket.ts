/** Lets through `perSecond` messages on average, and as many in one burst; at least one, if any. */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #filledAt: number = performance.now();

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#tokens = this.#burst = perSecond && Math.max(1, perSecond);
  }

  /** Whether one more message is within the rate. */
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

/** Histogram of latencies in steps of about 3 %. */
export class Latencies {
  readonly #counts = new Map<number, number>();
  #total = 0;

  /** @param ms from the call of `send` to the message's arrival. */
  add(ms: number): void {
    const step = Math.round(Math.log(Math.max(ms, 0.001)) / STEP);
    this.#counts.set(step, (this.#counts.get(step) ?? 0) + 1);
    this.#total++;
  }

  /** Count of each step. */
  get counts(): Counts {
    return [...this.#counts];
  }

  /** Adds the counts of another histogram. */
  merge(counts: Counts): void {
    for (const [step, count] of counts) {
      this.#counts.set(step, (this.#counts.get(step) ?? 0) + count);
      this.#total += count;
    }
  }

  /** Returns the latency in milliseconds that `share` of all did not exceed. */
  within(share: number): number {
    let left = Math.ceil(this.#total * share);
    for (const [step, count] of [...this.#counts].sort(([a], [b]) => a - b)) {
      left -= count;
      if (left <= 0) return Number(Math.exp(step * STEP).toPrecision(3));
    }
    return 0;
  }

  summary(): LatencySummary {
    return {
      count: this.#total,
      p50: this.within(0.5),
      p90: this.within(0.9),
      p99: this.within(0.99),
      p999: this.within(0.999),
      p9999: this.within(0.9999),
      max: this.within(1),
    };
  }
}

/** Pairs of a step and its count. */
export type Counts = readonly (readonly [step: number, count: number])[];

/** Summary in milliseconds. */
export interface LatencySummary {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly p9999: number;
  readonly max: number;
}

const STEP = 0.03;

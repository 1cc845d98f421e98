/** A value, and the bounds of its 95 % confidence interval. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

const CONFIDENCE = 0.95;

/** The middle value, or the mean of the two middle values. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("Cannot take the median of no values");
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/**
 * The median with its confidence interval by order statistics.
 *
 * The interval is the narrowest symmetric pair of ranks that contains the true median with a
 * probability of at least 95 %. The method assumes no distribution, and is deterministic. For fewer
 * than six values no pair reaches 95 %, so the interval contains all values.
 */
export function medianEstimate(values: readonly number[]): Estimate {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = outerRank(sorted.length);
  return { value: median(sorted), low: sorted[rank]!, high: sorted[sorted.length - 1 - rank]! };
}

/** Number of values outside the interval at each end. */
function outerRank(count: number): number {
  // Each value lies under the true median with probability 1/2: a binomial distribution.
  let outside = 0;
  let probability = 0.5 ** count;
  for (let rank = 0; rank < count >> 1; rank++) {
    outside += probability;
    if (2 * outside > 1 - CONFIDENCE) return Math.max(rank - 1, 0);
    probability *= (count - rank) / (rank + 1);
  }
  return Math.max((count >> 1) - 1, 0);
}

/** A value that was measured once, without an interval. */
export function exact(value: number): Estimate {
  return { value, low: value, high: value };
}

/** An estimate minus a base value. */
export function minus({ value, low, high }: Estimate, base: number): Estimate {
  return { value: value - base, low: low - base, high: high - base };
}

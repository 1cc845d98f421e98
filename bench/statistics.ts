/** A value, and between which bounds it lies with 95 % confidence. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

const CONFIDENCE = 0.95;

/** The middle value; of an even number, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("Cannot take the median of no values");
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/**
 * The median with its confidence interval by order statistics: the narrowest pair of ranks, alike
 * far from both ends, between which the true median lies with at least 95 %. It assumes nothing
 * about how the values are spread, and gives the same answer every time. Under six values no pair
 * is that sure: then all of them are the interval.
 */
export function medianEstimate(values: readonly number[]): Estimate {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = outerRank(sorted.length);
  return { value: median(sorted), low: sorted[rank]!, high: sorted[sorted.length - 1 - rank]! };
}

/** How many values may be cut off at each end. */
function outerRank(count: number): number {
  // A value lies under the true median as a coin falls: by a binomial distribution of one half.
  let outside = 0;
  let probability = 0.5 ** count;
  for (let rank = 0; rank < count >> 1; rank++) {
    outside += probability;
    if (2 * outside > 1 - CONFIDENCE) return Math.max(rank - 1, 0);
    probability *= (count - rank) / (rank + 1);
  }
  return Math.max((count >> 1) - 1, 0);
}

/** A value that was measured once, without a spread. */
export function exact(value: number): Estimate {
  return { value, low: value, high: value };
}

/** An estimate, over a base. */
export function minus({ value, low, high }: Estimate, base: number): Estimate {
  return { value: value - base, low: low - base, high: high - base };
}

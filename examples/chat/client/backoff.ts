const FIRST = 500;
const LONGEST = 20_000;

/**
 * Milliseconds to wait before the next attempt: twice as long each time, and random by half, so
 * that a thousand pages don't come back to a restarted server in the same instant.
 *
 * @param failures attempts that have failed in a row.
 */
export function backoff(failures: number): number {
  const longest = Math.min(LONGEST, FIRST * 2 ** failures);
  return longest / 2 + Math.random() * longest / 2;
}

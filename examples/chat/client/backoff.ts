const FIRST = 500;
const LONGEST = 20_000;

/**
 * Milliseconds to wait before the next attempt. The wait doubles each time, and half of it is
 * random, so that a thousand pages don't reconnect to a restarted server at the same moment.
 *
 * @param failures number of failed attempts in a row.
 */
export function backoff(failures: number): number {
  const longest = Math.min(LONGEST, FIRST * 2 ** failures);
  return longest / 2 + Math.random() * longest / 2;
}

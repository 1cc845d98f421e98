const FIRST = 250;
const LONGEST = 5_000;

/** Longest time of a timer, in milliseconds. All runtimes fire a timer with a longer time at once. */
export const MAX_TIME = 2_147_483_647;

/** Waits a random time before another attempt. The limit doubles at each attempt, up to 5 seconds. */
export function backoff(attempt: number, signal: AbortSignal): Promise<void> {
  return sleep(Math.random() * Math.min(LONGEST, FIRST * 2 ** attempt), signal);
}

/** Waits `ms` milliseconds, or until the signal aborts. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", wake);
      resolve();
    };
    const timer = setTimeout(wake, signal.aborted ? 0 : ms);
    signal.addEventListener("abort", wake);
  });
}

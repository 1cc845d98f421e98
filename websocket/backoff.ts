const FIRST = 250;
const LONGEST = 5_000;

/** Waits before another attempt: longer each time, and for a random time within it. */
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

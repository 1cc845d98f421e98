/** A runtime's server that listens on a port. */
export interface Listener {
  readonly port: number;
  /** Stops listening. Resolves after all connections have ended. */
  stop(): unknown;
  /** Ends all connections that are still open. */
  cut(): unknown;
}

/** Least milliseconds that connections get to end by themselves, even after a late close of the peers. */
const GRACE_MS = 200;
/** Milliseconds to wait for connections that were cut. */
const CUT_MS = 300;

/**
 * Stops a listener. Cuts the connections that are open after `ms`, because some clients neither read
 * nor leave. Rejects if the listener fails to stop.
 */
export async function stopWithin(listener: Listener, ms: number): Promise<void> {
  const stopped = (async () => void await listener.stop())();
  if (await isDone(stopped, Math.max(GRACE_MS, ms))) return;
  await listener.cut();
  await isDone(stopped, CUT_MS);
}

/** Whether a promise resolves within `ms`. */
export async function isDone(work: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<false>((resolve) => timer = setTimeout(() => resolve(false), ms));
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

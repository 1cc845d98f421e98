/** Calls that wait for an answer, by the promise of the loss that ends them. */
const waiting = new WeakMap<Promise<never>, Set<(error: unknown) => void>>();

/**
 * Resolves with the answer of a server, or rejects when the connection is lost. Not by
 * `Promise.race`: each race would occupy memory until the loss, which may be weeks away.
 *
 * @param lost rejects at the loss. The same promise for all calls of a connection.
 */
export function answerOrLoss(answer: Promise<void>, lost: Promise<never>): Promise<void> {
  const calls = waiting.get(lost) ?? callsUntil(lost);
  return new Promise((resolve, reject) => {
    const answered = (settle: () => void) => {
      calls.delete(reject);
      settle();
    };
    calls.add(reject);
    answer.then(() => answered(resolve), (error) => answered(() => reject(error)));
  });
}

function callsUntil(lost: Promise<never>): Set<(error: unknown) => void> {
  const calls = new Set<(error: unknown) => void>();
  waiting.set(lost, calls);
  lost.catch((error) => {
    waiting.delete(lost);
    for (const reject of calls) reject(error);
  });
  return calls;
}

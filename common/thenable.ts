/** A value, or a promise of the value. */
export type Awaitable<T> = T | Promise<T>;

/** Whether a value is a promise, or another object with a method `then`. */
export function isThenable<T>(value: T | PromiseLike<T>): value is Promise<T> {
  return typeof (value as PromiseLike<T> | undefined)?.then === "function";
}

/**
 * Checks that a value is not a promise: the caller may have forgotten `await`. If the promise rejects,
 * the rejection counts as handled: no other code can handle it, and Node would end the process.
 *
 * @throws {TypeError} for a promise.
 */
export function mustNotBePromise(name: string, value: unknown, advice = "await it first"): void {
  if (!isThenable(value)) return;
  // Other thenables, such as the queries of some databases, start to work if `then` is called.
  if (value instanceof Promise) value.catch(() => {});
  throw new TypeError(`Cannot use ${name} as it is a promise: ${advice}`);
}

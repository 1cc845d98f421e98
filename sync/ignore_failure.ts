/**
 * Calls code of a client library at the end of its client, when a failure no longer matters. The
 * call may throw, reject, or return no promise: `disconnect()` of node-redis 5 throws, those of
 * versions 4 and 6 do not.
 */
export function ignoreFailure(call: () => unknown): void {
  new Promise((resolve) => resolve(call())).catch(() => {});
}

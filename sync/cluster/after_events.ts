// The processes of a cluster run on Node, Deno or Bun, which all have this function.
const { setImmediate } = globalThis as unknown as {
  readonly setImmediate: (callback: () => void) => unknown;
};

/**
 * Calls back when the present events of the process are handled. On Node 24, twenty publishes of
 * twenty sockets then take a third of the time of twenty messages.
 */
export function afterEvents(callback: () => void): void {
  setImmediate(callback);
}

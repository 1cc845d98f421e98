/** A promise with its own `resolve()`. Node 20 lacks `Promise.withResolvers`. */
export class Deferred {
  /** Resolves the promise. */
  resolve!: () => void;
  /** Settles when {@linkcode resolve} is called. */
  readonly promise: Promise<void> = new Promise((resolve) => this.resolve = resolve);
}

/** A promise that somebody else resolves. (Node 20 has no `Promise.withResolvers`.) */
export class Deferred {
  /** Resolves it. */
  open!: () => void;
  /** Resolves once it is open. */
  readonly opened: Promise<void> = new Promise((resolve) => this.open = resolve);
}

/** Subscribers of a topic on this endpoint: a live view. Making one copies nothing. */
export interface Subscribers<M> extends Iterable<M> {
  /** Number of subscribers. Does not visit them. */
  readonly size: number;
  /** Whether a peer is subscribed. */
  has(member: M): boolean;
}

import type { Handshake } from "./handshake.ts";

/** @internal Properties of a peer that are known after the handshake. */
export interface PeerInit {
  readonly handshake: Handshake;
  readonly namespace: string;
  readonly context: object;
  /** User that `upgrade` has named. */
  readonly user?: string | undefined;
  readonly remoteAddress: string | undefined;
  /** Id of a peer that returns from hibernation. If absent, the first use of `peer.id` makes an id. */
  readonly id?: string | undefined;
  /** Topics to which the hub has already subscribed the peer. The peer takes over the set. */
  readonly topics?: Set<string>;
  /** Topics that the peer had entered before hibernation, with the data. */
  readonly entered?: Iterable<readonly [topic: string, data?: unknown]>;
}

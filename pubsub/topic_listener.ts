import type { GapInfo } from "./history/subscribe_options.ts";
import type { PresenceChange } from "./presence/presence_change.ts";

export type { GapInfo, PresenceChange };

/** Runs the hooks of a peer that tell what happens in its topics. */
export interface TopicListener {
  /** Whether {@linkcode missed} has an effect now. */
  readonly hearsGaps: boolean;
  /** Runs the hook `gap`. */
  missed(gap: GapInfo): void;
  /** Runs the hook `presence`, unless the peer has left the topic meanwhile. */
  presenceChanged(change: PresenceChange): void;
}

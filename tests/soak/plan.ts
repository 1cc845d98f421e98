/** Who takes part in the soak, and what they do. One load for every runtime. */
export const PLAN = {
  /** Clients that echo small messages, so many a second each. */
  echoing: { clients: 80, perSecond: 20, maxLength: 2000 },
  /** Clients that echo messages of up to a MiB. */
  bulky: { clients: 4, perSecond: 1, maxLength: 1_000_000 },
  /** Rooms, each a namespace of its own with the same topics; every member publishes. */
  chatting: { rooms: 8, membersPerRoom: 12, perSecond: 3, changesPerSecond: 0.2 },
  /** Clients that read a stream in bursts. */
  reading: { clients: 4 },
  /** Clients that come, do one of the above for a while, and leave in one way or another. */
  visiting: { clients: 30, minMs: 200, maxMs: 3000, perSecond: 10 },
  /** Clients in a thread of their own that measure how long an echo and a publish take. */
  probing: { clients: 4, perSecond: 25, length: 64 },
} as const;

/** So long the load may take to come to rest: what has not come by then is lost. */
export const SETTLE_MS = 5000;
/** How often clients are asked whether it is their turn. */
export const BEAT_MS = 5;

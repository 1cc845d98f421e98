/** Load of the soak, the same on every runtime. */
export const PLAN = {
  /** Clients that each echo `perSecond` small messages. */
  echoing: { clients: 80, perSecond: 20, maxLength: 2000 },
  /** Clients that echo messages of up to a MiB. */
  bulky: { clients: 4, perSecond: 1, maxLength: 1_000_000 },
  /** Rooms, each with its own namespace and the same topics. Every member publishes. */
  chatting: { rooms: 8, membersPerRoom: 12, perSecond: 3, changesPerSecond: 0.2 },
  /** Clients that read a stream in bursts. */
  reading: { clients: 4 },
  /** Clients that connect, do one of the above for a while, and leave in different ways. */
  visiting: { clients: 30, minMs: 200, maxMs: 3000, perSecond: 10 },
  /** Clients in a separate thread that measure the latency of an echo and of a publish. */
  probing: { clients: 4, perSecond: 25, length: 64 },
} as const;

/** Milliseconds in which the last messages must arrive. Later messages count as lost. */
export const SETTLE_MS = 5000;
/** Milliseconds between two rounds of turns. */
export const BEAT_MS = 5;

/** What an endpoint counts from its beginning on. A snapshot: it does not change. */
export interface Stats {
  /** Gauge: peers that are open. */
  readonly peers: number;
  /** Gauge: topics with at least one subscriber, each namespace counted by itself. */
  readonly topics: number;
  /** Gauge: timers of peers that are running. 0 once no peer is left. */
  readonly timers: number;
  /** Peers that were opened. */
  readonly opened: number;
  /** Messages received. */
  readonly messagesIn: number;
  /** Messages handed to a socket, each recipient of a publish counted. */
  readonly messagesOut: number;
  /** Payload bytes received. */
  readonly bytesIn: number;
  /** Payload bytes handed to a socket. */
  readonly bytesOut: number;
  /** Messages lost: over `limits.maxBuffered`, or still queued `closeTimeout` after the close. */
  readonly drops: number;
  /** Handshakes that did not become a peer. */
  readonly refusals: number;
}

/** The counters themselves, as the core moves them. */
export class Counters {
  opened = 0;
  messagesIn = 0;
  messagesOut = 0;
  bytesIn = 0;
  bytesOut = 0;
  drops = 0;
  refusals = 0;
}

/** Snapshot of the counters and gauges of an endpoint. The object does not change later. */
export interface Stats {
  /** Gauge: peers that are open. */
  readonly peers: number;
  /** Gauge: topics with at least one subscriber. A topic counts once per namespace. */
  readonly topics: number;
  /** Gauge: running timers of peers. 0 once the last peer has ended. */
  readonly timers: number;
  /** Peers that were opened. */
  readonly opened: number;
  /** Messages received. */
  readonly messagesIn: number;
  /** Messages handed to sockets. A publish counts once per recipient. */
  readonly messagesOut: number;
  /** Payload bytes received. */
  readonly bytesIn: number;
  /** Payload bytes handed to sockets. */
  readonly bytesOut: number;
  /** Messages dropped: above `limits.maxBuffered`, or still queued `closeTimeout` after the close. */
  readonly drops: number;
  /** Handshakes that did not become a peer. */
  readonly refusals: number;
}

/** Counters of an endpoint, in the form that the core increments. */
export class Counters {
  opened = 0;
  messagesIn = 0;
  messagesOut = 0;
  bytesIn = 0;
  bytesOut = 0;
  drops = 0;
  refusals = 0;
}

/** Snapshot of the counters and gauges of an endpoint. The object does not change later. */
export interface Stats {
  /** Gauge: peers that have opened and have not yet closed. */
  readonly peers: number;
  /** Gauge: topics with at least one subscriber. A topic counts once per namespace. */
  readonly topics: number;
  /**
   * Gauge: running timers. 0 if there is neither a peer nor a pending handshake. With the option
   * `sync`, a node has some timers of its own.
   */
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
  /**
   * Messages dropped. Outgoing: above `limits.maxBuffered`. Incoming: above `messagesPerSecond` or
   * the pending limits, or not passed to a hook before the connection ended.
   */
  readonly drops: number;
  /** Handshakes that the server refused, or whose client left before the answer. */
  readonly refusals: number;
  /** Connection to the other nodes. Present with the option `sync`. */
  readonly sync?: SyncStats;
}

/** Counters and gauges of the option `sync`. */
export interface SyncStats {
  /** Gauge: 1 while the broker is connected, 0 otherwise. */
  readonly up: number;
  /** Gauge: channels that this node hears. A channel stays for a second without subscribers. */
  readonly channels: number;
  /**
   * Frames that the broker has confirmed. A frame holds messages of one turn for one channel. What
   * nodes tell each other, such as presence, counts neither here nor in the other counters.
   */
  readonly framesOut: number;
  /** Bytes of {@linkcode framesOut}. */
  readonly bytesOut: number;
  /** Frames of other nodes. */
  readonly framesIn: number;
  /** Bytes of {@linkcode framesIn}. */
  readonly bytesIn: number;
  /** Messages of this node that did not reach the broker: it was away, or too slow. */
  readonly drops: number;
  /**
   * Frames that were ignored, as they are cut, forged, or of another version, or come late from a
   * connection that another node has lost.
   */
  readonly invalid: number;
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

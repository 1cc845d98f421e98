import { setImmediate } from "node:timers";
import type { BroadcastDomain } from "../../socket/socket.ts";

/** Native topics of a socket: in uWebSockets.js 20, and in Bun 1.4, which is built on uWebSockets. */
export interface TopicSocket {
  /** Subscribes to a topic. */
  subscribe(topic: string): unknown;
  /** Unsubscribes from a topic. */
  unsubscribe(topic: string): unknown;
  /** Whether the socket is subscribed to a topic. */
  isSubscribed(topic: string): boolean;
}

/** A broadcast of the current turn of the event loop. */
interface Broadcast {
  readonly sender: Subscriber;
  readonly topic: string;
  readonly byteLength: number;
}

/** Most messages that uWebSockets holds back for a socket. One more message flushes them first. */
const MAX_HELD_MESSAGES = 32;
/** Least size of a message that uWebSockets sends at once, after the held messages. */
const MIN_UNHELD_SIZE = 16 * 1024;
/** Number of messages in a turn at which uWebSockets flushes all sockets. */
const MAX_LOGGED = 65_535;

/**
 * Sockets that share native topics: the sockets of one route, or of one server. The user and other
 * adapters over the same server may use native topics too. So names of our topics start with a random
 * id.
 *
 * uWebSockets holds a broadcast back until the turn ends, or until another message is sent to the
 * socket. Held messages do not count as buffered. So the space logs the broadcasts of the turn, and
 * each subscriber computes its held bytes from the log.
 */
export class TopicSpace {
  /** Broadcast domain of the sockets; `undefined` if the core must send to each socket. */
  readonly domain: BroadcastDomain | undefined;
  readonly id: string = crypto.randomUUID();
  #log: Broadcast[] = [];
  #waiting = new Set<Subscriber>();

  constructor(domain: BroadcastDomain | undefined) {
    this.domain = domain;
  }

  /** Broadcasts of this turn. Each turn has its own array. */
  get log(): readonly Broadcast[] {
    return this.#log;
  }

  /** Logs a broadcast. */
  add(broadcast: Broadcast): void {
    if (this.#log.length === MAX_LOGGED) this.#log = [];
    if (this.#log.length === 0) setImmediate(() => this.#endTurn());
    this.#log.push(broadcast);
  }

  /** Calls `onflushed` of a subscriber once no message is held back. */
  await(subscriber: Subscriber): void {
    this.#waiting.add(subscriber);
  }

  #endTurn(): void {
    this.#log = [];
    if (this.#waiting.size === 0) return;
    const waiting = this.#waiting;
    this.#waiting = new Set();
    // Bun 1.4 flushes the broadcasts of a timer only after the next round of immediates.
    setImmediate(() => {
      for (const subscriber of waiting) subscriber.onflushed();
    });
  }
}

/** Membership of one socket in its topic space. */
export class Subscriber {
  /** Called when the held messages have been flushed. */
  readonly onflushed: () => void;
  readonly #native: TopicSocket;
  readonly #space: TopicSpace;
  #log: readonly Broadcast[];
  /** Index of the next log entry to read. */
  #next: number;
  /** Number of held messages in the entries before {@linkcode Subscriber.#next}. */
  #frames = 0;
  /** Bytes of these messages, headers included. */
  #bytes = 0;

  constructor(native: TopicSocket, space: TopicSpace, sentOut: () => void) {
    this.#native = native;
    this.#space = space;
    this.onflushed = sentOut;
    this.#log = space.log;
    this.#next = this.#log.length;
    // uWebSockets.js 20 drops held messages when a socket leaves its last topic, and a socket without
    // topics cannot publish. So each socket subscribes to this topic, which never has a message.
    native.subscribe(space.id);
  }

  /** Bytes of held messages, headers included. */
  get unflushed(): number {
    const { log } = this.#space;
    if (this.#log !== log) this.#skipTo(log, 0);
    let topic: string | undefined;
    let isSubscribed = false;
    for (; this.#next < log.length; this.#next++) {
      const broadcast = log[this.#next]!;
      if (broadcast.sender === this) continue;
      if (broadcast.topic !== topic) {
        topic = broadcast.topic;
        isSubscribed = this.#native.isSubscribed(topic);
      }
      if (isSubscribed) this.#count(broadcast.byteLength);
    }
    return this.#bytes;
  }

  /** Calls {@linkcode onflushed} once no message is held back. */
  await(): void {
    this.#space.await(this);
  }

  /** Notes a send to this socket. The send has flushed all held messages. */
  flushed(): void {
    const { log } = this.#space;
    if (log.length > 0) this.#skipTo(log, log.length);
  }

  subscribe(name: string): void {
    void this.unflushed; // counts earlier broadcasts before the topics change
    this.#native.subscribe(this.topic(name));
  }

  unsubscribe(name: string): void {
    void this.unflushed; // counts earlier broadcasts before the topics change
    this.#native.unsubscribe(this.topic(name));
  }

  /** Logs a broadcast that this socket has sent. */
  sent(topic: string, byteLength: number): void {
    this.#space.add({ sender: this, topic, byteLength });
  }

  /** Returns the native topic of a name. */
  topic(name: string): string {
    return `${this.#space.id} ${name}`;
  }

  #count(byteLength: number): void {
    if (byteLength >= MIN_UNHELD_SIZE || this.#frames === MAX_HELD_MESSAGES) {
      this.#frames = this.#bytes = 0;
    }
    if (byteLength >= MIN_UNHELD_SIZE) return;
    this.#frames++;
    this.#bytes += byteLength + (byteLength < 126 ? 2 : 4);
  }

  #skipTo(log: readonly Broadcast[], next: number): void {
    this.#log = log;
    this.#next = next;
    this.#frames = this.#bytes = 0;
  }
}

import { setImmediate } from "node:timers";
import type { BroadcastDomain } from "../../socket/socket.ts";

/** What uWebSockets gives a socket for topics, in uWebSockets.js 20 and, built on it, in Bun 1.4. */
export interface TopicSocket {
  /** Hears a topic. */
  subscribe(topic: string): unknown;
  /** Hears it no more. */
  unsubscribe(topic: string): unknown;
  /** Whether it hears a topic. */
  isSubscribed(topic: string): boolean;
}

/** What was broadcast in this turn of the event loop. */
interface Broadcast {
  readonly speaker: Subscriber;
  readonly topic: string;
  readonly byteLength: number;
}

/** uWebSockets holds so many messages of one turn for a socket; the next one sends them out first. */
const MOST_HELD = 32;
/** A message of this size is not held, but sent at once, behind what is held. */
const NEVER_HELD = 16 * 1024;
/** uWebSockets sends everything out at so many messages in one turn. */
const MOST_LOGGED = 65_535;

/**
 * Sockets whose native topics are the same: those of one route, or of one server. Native topics are
 * the user's too, and other adapters' over the same app or server: ours start with a random id.
 *
 * What is broadcast, uWebSockets holds until the turn ends, or something else is sent to the socket,
 * and does not count as buffered. So this keeps a log of the turn, for whoever asks.
 */
export class TopicSpace {
  /** What the sockets are to the core; `undefined` where it must serve them one by one. */
  readonly group: BroadcastDomain | undefined;
  readonly id: string = crypto.randomUUID();
  #log: Broadcast[] = [];
  #waiting = new Set<Subscriber>();

  constructor(group: BroadcastDomain | undefined) {
    this.group = group;
  }

  /** This turn's broadcasts: another array in another turn. */
  get log(): readonly Broadcast[] {
    return this.#log;
  }

  /** Keeps in mind what has been broadcast. */
  add(broadcast: Broadcast): void {
    if (this.#log.length === MOST_LOGGED) this.#log = [];
    if (this.#log.length === 0) setImmediate(() => this.#endTurn());
    this.#log.push(broadcast);
  }

  /** Tells this one once nothing is held any more. */
  await(subscriber: Subscriber): void {
    this.#waiting.add(subscriber);
  }

  #endTurn(): void {
    this.#log = [];
    if (this.#waiting.size === 0) return;
    const waiting = this.#waiting;
    this.#waiting = new Set();
    // Bun 1.4 sends out what a timer broadcast only between the next immediates and those after.
    setImmediate(() => {
      for (const subscriber of waiting) subscriber.sentOut();
    });
  }
}

/** One socket in its topic space. */
export class Subscriber {
  /** Tells the owner that what was held has been sent out. */
  readonly sentOut: () => void;
  readonly #native: TopicSocket;
  readonly #space: TopicSpace;
  #log: readonly Broadcast[];
  /** Where to read on in the log; what is held of what comes before. */
  #next: number;
  #frames = 0;
  #bytes = 0;

  constructor(native: TopicSocket, space: TopicSpace, sentOut: () => void) {
    this.#native = native;
    this.#space = space;
    this.sentOut = sentOut;
    this.#log = space.log;
    this.#next = this.#log.length;
    // uWebSockets.js 20 throws away what is held for a socket with its last topic, and lets nobody
    // publish who has none. So each has this one, that nobody publishes to.
    native.subscribe(space.id);
  }

  /** Bytes held, with their headers. */
  get unflushed(): number {
    const { log } = this.#space;
    if (this.#log !== log) this.#skipTo(log, 0);
    let topic: string | undefined;
    let hears = false;
    for (; this.#next < log.length; this.#next++) {
      const broadcast = log[this.#next]!;
      if (broadcast.speaker === this) continue;
      if (broadcast.topic !== topic) {
        topic = broadcast.topic;
        hears = this.#native.isSubscribed(topic);
      }
      if (hears) this.#hold(broadcast.byteLength);
    }
    return this.#bytes;
  }

  /** Has {@linkcode sentOut} called once nothing is held any more. */
  await(): void {
    this.#space.await(this);
  }

  /** Something was sent to the socket, and with it all that was held. */
  flushed(): void {
    const { log } = this.#space;
    if (log.length > 0) this.#skipTo(log, log.length);
  }

  subscribe(name: string): void {
    void this.unflushed; // by the topics so far
    this.#native.subscribe(this.topic(name));
  }

  unsubscribe(name: string): void {
    void this.unflushed; // by the topics so far
    this.#native.unsubscribe(this.topic(name));
  }

  /** Takes down what this socket has broadcast. */
  spoke(topic: string, byteLength: number): void {
    this.#space.add({ speaker: this, topic, byteLength });
  }

  /** A name, as a native topic. */
  topic(name: string): string {
    return `${this.#space.id} ${name}`;
  }

  #hold(byteLength: number): void {
    if (byteLength >= NEVER_HELD || this.#frames === MOST_HELD) this.#frames = this.#bytes = 0;
    if (byteLength >= NEVER_HELD) return;
    this.#frames++;
    this.#bytes += byteLength + (byteLength < 126 ? 2 : 4);
  }

  #skipTo(log: readonly Broadcast[], next: number): void {
    this.#log = log;
    this.#next = next;
    this.#frames = this.#bytes = 0;
  }
}

import { Deferred } from "../../common/deferred.ts";
import type { HistoryStore, Publication } from "../../pubsub/broker.ts";
import type { Position } from "../../pubsub/history/position.ts";
import { ChunkJoiner, splitFrame } from "../chunks.ts";
import type { LoopConnection } from "../reconnect_loop.ts";
import { AppendedJoiner, isAppended } from "./appended.ts";
import type { Session, SessionSource } from "./clients.ts";
import {
  bytesOf,
  MAX_NOTIFICATION,
  nameOf,
  type Notification,
  notifyStatement,
  senderOf,
} from "./notification.ts";
import { PostgresHistory } from "./postgres_history.ts";

/**
 * Most bytes of one statement. The server answers each statement, so a connection that sends many
 * megabytes does not look dead.
 */
const MAX_STATEMENT = 512 * 1024;
/** Milliseconds for a notification to this node itself. */
const DELIVERY_TIMEOUT = 2000;

/** Settings of a {@linkcode PostgresConnection}. */
export interface PostgresConnectionHost {
  readonly source: SessionSource;
  /** Part of the names of all channels. */
  readonly prefix: string;
  /** Id of this node. */
  readonly node: string;
  /** A frame has arrived. */
  received(channel: string, frame: Uint8Array): void;
  /** Frames were added to a history. */
  appended(channel: string, first: Position, frames: readonly Uint8Array[]): void;
}

/** Notifications that wait for the statements before theirs. */
interface Waiting {
  readonly notifications: Notification[];
  bytes: number;
  sent: Promise<void>;
}

/** A session with PostgreSQL that carries frames. */
export class PostgresConnection implements LoopConnection {
  readonly #host: PostgresConnectionHost;
  readonly #lost: (error: unknown) => void;
  readonly #sender: string;
  readonly #joiner = new ChunkJoiner();
  readonly #appended = new AppendedJoiner();
  readonly history: HistoryStore;
  /** Name of this node alone. A channel of the hub contains no colon. */
  readonly #own: string;
  /** Channels by their names, so that only names of wanted channels are delivered. */
  readonly #channels = new Map<string, string>();
  #session: Session | undefined;
  #waiting: Waiting | undefined;
  #delivered = new Deferred();
  #isActive = false;
  #isDestroyed = false;

  constructor(host: PostgresConnectionHost, lost: (error: unknown) => void) {
    this.#host = host;
    this.#lost = lost;
    this.#sender = senderOf(host.node);
    this.#own = nameOf(host.prefix, `:${host.node}`);
    this.history = new PostgresHistory({
      nameOf: (channel) => this.#nameOf(channel),
      run: (statement) => this.#session!.run(statement),
      read: (statement) => this.#session!.read(statement),
    });
  }

  async open(): Promise<void> {
    const session = await this.#host.source.session({
      received: (name, payload) => this.#received(name, payload),
      answered: () => this.#isActive = true,
      lost: this.#lost,
    });
    this.#session = session;
    if (this.#isDestroyed) return session.destroy();
    await session.open();
    await session.listen([this.#own]);
    await session.run(
      notifyStatement(this.#sender, [{ name: this.#own, bytes: new Uint8Array() }]),
    );
    await this.#isDelivered();
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    const names = channels.map((channel) => {
      const name = this.#nameOf(channel);
      this.#channels.set(name, channel);
      return name;
    });
    await this.#session!.listen(names);
  }

  unsubscribe(channels: readonly string[]): void {
    const names = channels.map((channel) => this.#nameOf(channel));
    for (const name of names) this.#channels.delete(name);
    this.#session!.unlisten(names).catch(this.#lost);
  }

  /**
   * Sends frames, in this order. Publishes that come while a statement is executed leave together in
   * the next one. A frame that needs several statements arrives as a whole or not at all, as its
   * chunks are joined at the other end.
   */
  async publish(batch: readonly Publication[]): Promise<void> {
    const notifications = batch.flatMap(({ channel, frame }) => {
      const name = this.#nameOf(channel);
      return splitFrame(frame, MAX_NOTIFICATION).map((bytes) => ({ name, bytes }));
    });
    const sent: Promise<void>[] = [];
    for (let from = 0, i = 0, bytes = 0; i < notifications.length; i++) {
      bytes += notifications[i]!.bytes.byteLength;
      const next = notifications[i + 1]?.bytes.byteLength ?? Infinity;
      if (bytes + next <= MAX_STATEMENT) continue;
      sent.push(this.#enqueue(notifications.slice(from, i + 1), bytes));
      from = i + 1;
      bytes = 0;
    }
    await Promise.all(sent);
  }

  isActive(): boolean {
    const isActive = this.#isActive;
    this.#isActive = false;
    return isActive;
  }

  /**
   * Makes the server answer. Not by a notification: PostgreSQL wakes all processes that listen in the
   * database, whatever the name.
   */
  async probe(): Promise<void> {
    await this.#session!.probe();
  }

  destroy(isLost = false): void {
    this.#isDestroyed = true;
    this.#session?.destroy(isLost);
  }

  #nameOf(channel: string): string {
    return nameOf(this.#host.prefix, channel);
  }

  #enqueue(notifications: readonly Notification[], bytes: number): Promise<void> {
    const waiting = this.#waiting;
    if (waiting && waiting.bytes + bytes <= MAX_STATEMENT) {
      waiting.notifications.push(...notifications);
      waiting.bytes += bytes;
      return waiting.sent;
    }
    const next: Waiting = { notifications: [...notifications], bytes, sent: Promise.resolve() };
    this.#waiting = next;
    next.sent = this.#session!.run(() => {
      if (this.#waiting === next) this.#waiting = undefined;
      return notifyStatement(this.#sender, next.notifications);
    });
    return next.sent;
  }

  #received(name: string, payload: string): boolean {
    if (name === this.#own) {
      this.#delivered.resolve();
      return true;
    }
    const channel = this.#channels.get(name);
    if (channel === undefined) return false;
    if (isAppended(payload)) {
      const appended = this.#appended.join(name, payload);
      if (appended) this.#host.appended(channel, appended.first, appended.frames);
      return true;
    }
    if (payload.startsWith(this.#sender)) return true;
    const frame = this.#joiner.join(channel, bytesOf(payload));
    if (frame) this.#host.received(channel, frame);
    return true;
  }

  /**
   * Waits for a notification to this node itself. Poolers in transaction mode accept LISTEN, and
   * deliver nothing.
   */
  async #isDelivered(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(
          new Error(
            "PostgreSQL delivers no notifications: connect to the server itself, as a pooler in " +
              "transaction mode does not carry them",
          ),
        );
      }, DELIVERY_TIMEOUT);
    });
    try {
      await Promise.race([this.#delivered.promise, tooLate]);
    } finally {
      clearTimeout(timer);
    }
  }
}

import { Deferred } from "../../common/deferred.ts";
import type { Publication } from "../../pubsub/broker.ts";
import { ChunkJoiner, splitFrame } from "../chunks.ts";
import type { LoopConnection } from "../reconnect_loop.ts";
import type { Session, SessionSource } from "./clients.ts";
import {
  MAX_NOTIFICATION,
  nameOf,
  type Notification,
  NotificationCodec,
  notifyStatement,
} from "./notification.ts";

/** Letters of payloads after which the next publishes wait for another statement. */
const MAX_STATEMENT = 1024 * 1024;
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
}

/** Notifications that wait for the statements before theirs. */
interface Waiting {
  readonly notifications: Notification[];
  letters: number;
  sent: Promise<void>;
}

/** A session with PostgreSQL that carries frames. */
export class PostgresConnection implements LoopConnection {
  readonly #host: PostgresConnectionHost;
  readonly #lost: (error: unknown) => void;
  readonly #codec: NotificationCodec;
  readonly #joiner = new ChunkJoiner();
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
    this.#codec = new NotificationCodec(host.node);
    this.#own = nameOf(host.prefix, `:${host.node}`);
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
    await session.run(notifyStatement([{ name: this.#own, payload: "" }]));
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
   * Sends frames in one transaction: all or none, in this order. Publishes that come while a
   * statement is executed leave together in the next one.
   */
  async publish(batch: readonly Publication[]): Promise<void> {
    const notifications = batch.flatMap(({ channel, frame }) => {
      const name = this.#nameOf(channel);
      return splitFrame(frame, MAX_NOTIFICATION)
        .map((part) => ({ name, payload: this.#codec.encode(part) }));
    });
    await this.#enqueue(notifications);
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

  destroy(): void {
    this.#isDestroyed = true;
    this.#session?.destroy();
  }

  #nameOf(channel: string): string {
    return nameOf(this.#host.prefix, channel);
  }

  #enqueue(notifications: readonly Notification[]): Promise<void> {
    const letters = notifications.reduce((sum, { payload }) => sum + payload.length, 0);
    const waiting = this.#waiting;
    if (waiting && waiting.letters + letters <= MAX_STATEMENT) {
      waiting.notifications.push(...notifications);
      waiting.letters += letters;
      return waiting.sent;
    }
    const next: Waiting = { notifications: [...notifications], letters, sent: Promise.resolve() };
    this.#waiting = next;
    next.sent = this.#session!.run(() => {
      if (this.#waiting === next) this.#waiting = undefined;
      return notifyStatement(next.notifications);
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
    if (this.#codec.isOwn(payload)) return true;
    const frame = this.#joiner.join(channel, this.#codec.decode(payload));
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

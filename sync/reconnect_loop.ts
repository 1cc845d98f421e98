import { Deferred } from "../common/deferred.ts";
import type { BrokerHost } from "../pubsub/broker.ts";
import { answerOrLoss } from "./answer_or_loss.ts";
import { ignoreFailure } from "./ignore_failure.ts";

/** Milliseconds between two checks of a connection. */
const TICK = 200;
/** Silent ticks after which the server is asked for an answer, and after which it counts as lost. */
const PROBE_TICKS = 5, LOST_TICKS = 10;
/** Ticks for opening a connection, and for the answer of a server that still sends other data. */
const OPEN_TICKS = 25, STALLED_TICKS = 150;
/** First and longest milliseconds between two attempts. */
const MIN_DELAY = 50, MAX_DELAY = 500;
/** Milliseconds after which a connection is stable: the delay after its loss is the first again. */
const STABLE = 1000;
/** Most channels of one call of {@linkcode LoopConnection.subscribe}. */
const MAX_CHANNELS = 512;

/**
 * One connection to the server of a broker. It may have several sockets, which live and die
 * together. It never reconnects by itself.
 */
export interface LoopConnection {
  /** Connects. Rejects if the server cannot be reached, or refuses the connection. */
  open(): Promise<void>;
  /** Asks for at most 512 channels. Resolves when the server has confirmed all. */
  subscribe(channels: readonly string[]): Promise<void>;
  /** Tells the server that channels are no longer wanted. A throw counts as a lost connection. */
  unsubscribe(channels: readonly string[]): void;
  /** Whether each socket has brought data since the last call that returned true. */
  isActive(): boolean;
  /** Makes the server answer on each socket. Resolves with the answer. */
  probe(): Promise<void>;
  /**
   * Ends the connection at once. Pending promises may reject. A throw has no effect.
   *
   * @param isLost whether the connection may not work: what it has not sent must then be dropped.
   * Default: false.
   */
  destroy(isLost?: boolean): void;
}

/**
 * Keeps a connection to a broker's server. Opens a connection, asks for all wanted channels, and
 * calls `up`. After a loss, calls `down`, waits, and begins again.
 *
 * The client libraries do not reconnect, do not notice a dead connection, or send old messages
 * later. So this loop reconnects, and the libraries do not (except postgres.js, which cannot be
 * stopped).
 */
export class ReconnectLoop<Connection extends LoopConnection> {
  readonly #connect: (lost: (error: unknown) => void) => Connection;
  readonly #wanted = new Set<string>();
  #connection: Connection | undefined;
  /** Rejects when the present connection is lost. */
  #lost: Promise<never> = rejection().promise;
  #failure: unknown = new Error("not connected yet");
  #isClosed = false;
  #nextUp = new Deferred();
  /** The promise that `subscribe()` returns while there is no connection, and what resolves it. */
  #restoration: { readonly nextUp: Deferred; readonly promise: Promise<void> } | undefined;
  /** Ends the present connection, attempt or pause. */
  #interrupt: (error: unknown) => void = () => {};
  #ended: Promise<void> | undefined;

  /**
   * @param connect makes the object of a new connection. A throw counts as a failed attempt. The
   * connection calls `lost` when any of its sockets fails. Later calls have no effect.
   */
  constructor(connect: (lost: (error: unknown) => void) => Connection) {
    this.#connect = connect;
  }

  /** The open connection. Its channels may not be restored yet. */
  get connection(): Connection | undefined {
    return this.#connection;
  }

  /** Reason why the last connection was lost, or could not be made. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Starts the loop, as `Broker.open` does. */
  open(host: Pick<BrokerHost, "up" | "down">): void {
    this.#ended = this.#run(host);
  }

  /** Adds channels, and waits until the server has confirmed them, as `Broker.subscribe` does. */
  subscribe(channels: readonly string[]): Promise<void> {
    for (const channel of channels) this.#wanted.add(channel);
    const connection = this.#connection;
    return connection ? this.#confirmed(connection, channels) : this.#restored();
  }

  async #confirmed(connection: Connection, channels: readonly string[]): Promise<void> {
    try {
      return await answerOrLoss(ask(connection, channels), this.#lost);
    } catch (error) {
      if (connection === this.#connection) this.#interrupt(error);
    }
    await this.#restored();
  }

  /**
   * Resolves at the next connection, which asks for all wanted channels. Returns the same promise
   * until then: clients may subscribe and leave many times while the server cannot be reached.
   */
  #restored(): Promise<void> {
    const nextUp = this.#nextUp;
    if (this.#restoration?.nextUp !== nextUp) {
      const promise = nextUp.promise.then(() => {
        if (this.#isClosed) throw new Error("Cannot subscribe as the broker is closed");
      });
      this.#restoration = { nextUp, promise };
    }
    return this.#restoration.promise;
  }

  /** Removes channels, as `Broker.unsubscribe` does. */
  unsubscribe(channels: readonly string[]): void {
    for (const channel of channels) this.#wanted.delete(channel);
    try {
      this.#connection?.unsubscribe(channels);
    } catch (error) {
      this.#interrupt(error);
    }
  }

  /** Ends the connection and all timers, as `Broker.close` does. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#interrupt(new Error("the broker is closed"));
    this.#nextUp.resolve();
    await this.#ended;
  }

  async #run(host: Pick<BrokerHost, "up" | "down">): Promise<void> {
    let delay = MIN_DELAY, upAt: number | undefined, wasUp = false;
    while (!this.#isClosed) {
      upAt = undefined;
      this.#failure = await this.#attempt(() => {
        upAt = performance.now();
        host.up(wasUp);
        wasUp = true;
      });
      if (this.#isClosed) return;
      if (upAt !== undefined && performance.now() - upAt > STABLE) delay = MIN_DELAY;
      host.down(this.#failure);
      // Half of the delay is random, so that the nodes of a cluster do not return all at once.
      await this.#pause(delay * (0.5 + Math.random() / 2));
      delay = Math.min(delay * 2, MAX_DELAY);
    }
  }

  /** Makes one connection, and resolves with the reason of its end. */
  async #attempt(up: () => void): Promise<unknown> {
    let isUp = false, isOver = false;
    const { promise: lost, reject } = rejection();
    this.#interrupt = (error) => {
      if (isOver) return; // a later error of a connection that is already replaced
      isOver = true;
      this.#connection = undefined;
      if (isUp) this.#nextUp = new Deferred();
      reject(error);
    };
    const interrupt = this.#interrupt;
    let connection: Connection | undefined, watch: Watch | undefined;
    try {
      connection = this.#connect(interrupt);
      watch = new Watch(connection, interrupt);
      await Promise.race([connection.open(), lost]);
      if (isOver) return await lost; // the connection was lost just after it was opened
      watch.opened();
      this.#connection = connection;
      this.#lost = lost;
      await Promise.race([ask(connection, [...this.#wanted]), lost]);
      if (isOver) return await lost;
      isUp = true;
      this.#nextUp.resolve();
      up();
      return await lost;
    } catch (error) {
      interrupt(error);
      return error;
    } finally {
      watch?.stop();
      // Client libraries may throw here, and a throw would end the loop.
      ignoreFailure(() => connection?.destroy(!this.#isClosed));
    }
  }

  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#interrupt = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/**
 * Finds a connection that is open and dead: after a second of silence the server must answer, within
 * another second.
 *
 * Time is counted in ticks. If the process itself was busy or stopped for seconds, only one tick has
 * passed, and the runtime reads its sockets before the next one.
 */
class Watch {
  readonly #connection: LoopConnection;
  readonly #lost: (error: unknown) => void;
  #timer: ReturnType<typeof setTimeout>;
  #isOpen = false;
  /** Ticks without data; until the connection is open, all ticks. */
  #silent = 0;
  /** Ticks since the first probe that the server has not answered. */
  #asked: number | undefined;

  constructor(connection: LoopConnection, lost: (error: unknown) => void) {
    this.#connection = connection;
    this.#lost = lost;
    this.#timer = setTimeout(this.#tick, TICK);
  }

  opened(): void {
    this.#isOpen = true;
    this.#silent = 0;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  readonly #tick = (): void => {
    // Not an interval: a runtime may catch up on missed calls of an interval.
    this.#timer = setTimeout(this.#tick, TICK);
    const isActive = this.#isOpen && this.#connection.isActive();
    this.#silent = isActive ? 0 : this.#silent + 1;
    if (!this.#isOpen) {
      if (this.#silent >= OPEN_TICKS) this.#lost(new Error("the broker does not answer"));
    } else if (this.#silent >= LOST_TICKS) {
      this.#lost(new Error(`the broker has sent nothing for ${LOST_TICKS * TICK} ms`));
    } else if (this.#asked !== undefined && ++this.#asked >= STALLED_TICKS) {
      this.#lost(new Error("the broker does not answer a probe, but sends other data"));
    } else if (this.#silent === PROBE_TICKS) {
      // Also while a probe is not answered: its answer may be behind megabytes on one of the sockets.
      this.#asked ??= 0;
      this.#connection.probe().then(() => this.#asked = undefined, this.#lost);
    }
  };
}

async function ask(connection: LoopConnection, channels: readonly string[]): Promise<void> {
  const asked: Promise<void>[] = [];
  for (let i = 0; i < channels.length; i += MAX_CHANNELS) {
    asked.push(connection.subscribe(channels.slice(i, i + MAX_CHANNELS)));
  }
  await Promise.all(asked);
}

/** Returns a promise and the function that rejects it. */
function rejection(): { readonly promise: Promise<never>; reject(error: unknown): void } {
  let reject!: (error: unknown) => void;
  const promise = new Promise<never>((_, rejects) => reject = rejects);
  promise.catch(() => {}); // no code may wait for this promise
  return { promise, reject };
}

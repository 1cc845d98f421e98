import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import type { Publication } from "../../pubsub/broker.ts";
import { ChunkJoiner, splitFrame } from "../chunks.ts";
import { ignoreFailure } from "../ignore_failure.ts";
import type { LoopConnection } from "../reconnect_loop.ts";
import { SocketGuard } from "../socket_guard.ts";
import type { NatsConnect, NatsConnectionLike, NatsSubscription } from "./nats_client.ts";
import type { ServerPool } from "./server_pool.ts";

/** Most characters of a channel that stays as it is in a subject. */
const MAX_CHANNEL = 96;

/**
 * Most bytes of one message, and of all between two flushes. The server answers each flush, and
 * subscribers get each message by itself, so a slow connection that carries many megabytes does not
 * look dead.
 */
const MAX_FLUSH = 256 * 1024;

/** Milliseconds after which the connection asks again for channels that the server has refused. */
const RETRY = 10_000;
/** Error of a server for a channel beyond the limit of a connection. The connection stays. */
const OVER_LIMIT = /maximum subscriptions exceeded/i;

/** Services of a {@linkcode NatsConnection}. */
export interface NatsConnectionHost {
  /** Makes a connection. */
  readonly connect: NatsConnect;
  /** Servers to choose from. If absent, `connect` chooses the server. */
  readonly servers: ServerPool | undefined;
  /** Start of all subjects. */
  readonly prefix: string;
  /** A frame has arrived. */
  received(channel: string, frame: Uint8Array): void;
  /** The server has refused a channel. */
  refused(error: unknown): void;
}

/**
 * One connection to NATS, which never reconnects.
 *
 * A connection of `@nats-io/nats-core` 3.4 that reconnects has three faults. A message that is
 * published during a reconnect is sent seconds later, and `flush()` resolves. `close()` just before
 * an attempt does not stop the attempt: a connection with all subscriptions stays. `reconnect()`
 * waits for the bytes in the socket's buffer, for ever if the connection is half-open.
 */
export class NatsConnection implements LoopConnection {
  readonly #host: NatsConnectionHost;
  readonly #lost: (error: unknown) => void;
  readonly #guard = new SocketGuard();
  readonly #joiner = new ChunkJoiner();
  readonly #destroyed = new AbortController();
  readonly #subscriptions = new Map<string, NatsSubscription>();
  /** Channels that are asked for, also those that the server has refused. */
  readonly #wanted = new Set<string>();
  /** Errors of the server that there are too many subscriptions: one for each refused channel. */
  #overLimit: Error[] = [];
  /** Resolves when the server has answered all questions for channels. Never rejects. */
  #answered: Promise<void> = Promise.resolve();
  #retry: ReturnType<typeof setTimeout> | undefined;
  /** Refused publishes, by subject. */
  readonly #refusedSubjects = new Map<string, Error>();
  /** Rejects what the server has not confirmed. */
  readonly #pending = new Set<(error: unknown) => void>();
  #client: NatsConnectionLike | undefined;
  #isActive = false;

  constructor(host: NatsConnectionHost, lost: (error: unknown) => void) {
    this.#host = host;
    this.#lost = lost;
  }

  async open(): Promise<void> {
    const { servers, connect } = this.#host;
    const server = await servers?.choose(this.#destroyed.signal);
    const options = server === undefined ? {} : { servers: [server] };
    const client = await this.#guard.watch(() => {
      return connect({ ...options, reconnect: false, noEcho: true });
    });
    const refusal = this.#destroyed.signal.aborted ? new Error("too late") : faultOf(client);
    if (refusal) {
      ignoreFailure(() => client.close());
      throw refusal;
    }
    this.#client = client;
    servers?.learn(client.info?.connect_urls);
    client.closed().then(
      (error) => this.#fail(error ?? new Error("the NATS server has ended the connection")),
      (error) => this.#fail(error),
    );
    this.#watch(client).catch((error) => this.#fail(error));
  }

  /**
   * Resolves when the server has answered. A refused channel does not end the connection: the other
   * channels would end too, and clients choose the number of topics.
   */
  async subscribe(channels: readonly string[]): Promise<void> {
    for (const channel of channels) this.#wanted.add(channel);
    // One question after another: the server does not say which channel is beyond its limit.
    const answered = this.#answered.then(() => this.#askAll(channels));
    this.#answered = answered.catch(() => {});
    await answered;
  }

  unsubscribe(channels: readonly string[]): void {
    for (const channel of channels) {
      this.#wanted.delete(channel);
      this.#subscriptions.get(channel)?.unsubscribe();
      this.#subscriptions.delete(channel);
    }
  }

  /** Sends frames, see `Broker.publish`. */
  async publish(batch: readonly Publication[]): Promise<void> {
    const client = this.#client, maxBytes = client?.info?.max_payload;
    if (!client || maxBytes === undefined) throw new Error("NATS is not connected");
    const subjects = batch.map(({ channel }) => this.#subjectOf(channel));
    // All are split before the first is sent, as a frame may be too large.
    const parts = batch.map(({ frame }) => splitFrame(frame, Math.min(maxBytes, MAX_FLUSH)));
    const flushes: Promise<void>[] = [];
    let bytes = 0;
    for (const [i, chunks] of parts.entries()) {
      for (const chunk of chunks) {
        if (bytes + chunk.byteLength > MAX_FLUSH) {
          flushes.push(this.#flush());
          bytes = 0;
        }
        bytes += chunk.byteLength;
        client.publish(subjects[i]!, chunk);
      }
    }
    flushes.push(this.#flush());
    await Promise.all(flushes);
    await setImmediate(); // the client reports a refusal some microtasks after the server's answer
    const refused = subjects.find((subject) => this.#refusedSubjects.has(subject));
    if (refused === undefined) return;
    const error = this.#refusedSubjects.get(refused);
    this.#refusedSubjects.delete(refused);
    throw error;
  }

  isActive(): boolean {
    const isActive = this.#isActive;
    this.#isActive = false;
    return isActive;
  }

  async probe(): Promise<void> {
    await this.#flush();
  }

  destroy(isLost = false): void {
    this.#destroyed.abort();
    clearTimeout(this.#retry);
    this.#rejectPending(new Error("the connection has ended"));
    if (isLost) this.#guard.destroy(true);
    ignoreFailure(() => this.#client?.close());
    this.#guard.destroy();
  }

  async #askAll(channels: readonly string[]): Promise<void> {
    const asked = channels.filter((channel) => {
      return this.#wanted.has(channel) && !this.#subscriptions.has(channel);
    });
    for (const channel of asked) this.#ask(channel);
    await this.#flush();
    await setImmediate(); // the client reports errors some microtasks after the server's answer
    const errors = this.#overLimit;
    this.#overLimit = [];
    for (const error of errors) {
      // The server takes channels in order, until its limit.
      const refused = asked.findLast((channel) => this.#subscriptions.has(channel));
      if (refused === undefined) continue;
      this.#subscriptions.get(refused)!.unsubscribe();
      this.#refuse(refused, error);
    }
  }

  #refuse(channel: string, error: Error): void {
    this.#subscriptions.delete(channel);
    this.#host.refused(error);
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      const missing = [...this.#wanted].filter((channel) => !this.#subscriptions.has(channel));
      this.subscribe(missing).catch(this.#lost);
    }, RETRY);
  }

  #ask(channel: string): void {
    const callback = (error: Error | null, { data }: { readonly data: Uint8Array }) => {
      if (error) this.#refuse(channel, error);
      else this.#receive(channel, data);
    };
    this.#subscriptions.set(
      channel,
      this.#client!.subscribe(this.#subjectOf(channel), { callback }),
    );
  }

  #receive(channel: string, data: Uint8Array): void {
    this.#isActive = true;
    if (this.#destroyed.signal.aborted) return;
    const frame = this.#joiner.join(channel, data);
    if (frame) this.#host.received(channel, frame);
  }

  #subjectOf(channel: string): string {
    const name = channel.length <= MAX_CHANNEL
      ? channel
      : `~${createHash("sha256").update(channel).digest("base64url")}`;
    return `${this.#host.prefix}.t.${name}`;
  }

  /** Waits until the server has taken all that was sent. Rejects if the connection is lost. */
  #flush(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#destroyed.signal.aborted) return reject(new Error("the connection has ended"));
      this.#pending.add(reject);
      // A flush of a connection that ends never settles.
      this.#client!.flush().then(() => {
        this.#isActive = true;
        resolve();
      }, reject).finally(() => this.#pending.delete(reject));
    });
  }

  async #watch(client: NatsConnectionLike): Promise<void> {
    for await (const { type, error } of client.status()) {
      if (type !== "error" || error === undefined) continue;
      const { operation, subject } = error as { operation?: string; subject?: string };
      if (operation === "publish" && subject) this.#refusedSubjects.set(subject, error);
      else if (OVER_LIMIT.test(error.message)) this.#overLimit.push(error);
      // A refused subscription goes to its callback. After all other errors the server disconnects.
      else if (operation === undefined) this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#rejectPending(error);
    this.#lost(error);
  }

  #rejectPending(error: unknown): void {
    for (const reject of this.#pending) reject(error);
    this.#pending.clear();
  }
}

/** Returns why a connection cannot be used. */
function faultOf(client: NatsConnectionLike): Error | undefined {
  // Not a public property. If another version lacks it, the connection is used.
  const { reconnect } = (client as { options?: { reconnect?: unknown } }).options ?? {};
  return reconnect === true
    ? new TypeError(
      "Cannot use a NATS connection that reconnects by itself: " +
        "pass connect: (options) => connect({ ...options, servers })",
    )
    : undefined;
}

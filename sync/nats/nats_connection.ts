import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import type { Publication } from "../../pubsub/broker.ts";
import { ChunkJoiner, splitFrame } from "../chunks.ts";
import { ignoreFailure } from "../ignore_failure.ts";
import type { LoopConnection } from "../reconnect_loop.ts";
import type { NatsConnect, NatsConnectionLike, NatsSubscription } from "./nats_client.ts";
import type { ServerPool } from "./server_pool.ts";
import { SocketGuard } from "./socket_guard.ts";

/** Most characters of a channel that stays as it is in a subject. */
const MAX_CHANNEL = 96;

/**
 * Most bytes of one message, and of all between two flushes. The server answers each flush, and
 * subscribers get each message by itself, so a slow connection that carries many megabytes does not
 * look dead.
 */
const MAX_FLUSH = 256 * 1024;

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
  /** Refusals of the server, by channel or by subject. */
  readonly #refusedChannels = new Map<string, Error>();
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

  async subscribe(channels: readonly string[]): Promise<void> {
    for (const channel of channels) this.#ask(channel);
    await this.#flush();
    const refused = channels.find((channel) => this.#refusedChannels.has(channel));
    if (refused !== undefined) throw this.#refusedChannels.get(refused);
  }

  unsubscribe(channels: readonly string[]): void {
    for (const channel of channels) {
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

  destroy(): void {
    this.#destroyed.abort();
    this.#rejectPending(new Error("the connection has ended"));
    ignoreFailure(() => this.#client?.close());
    this.#guard.destroy();
  }

  #ask(channel: string): void {
    if (this.#subscriptions.has(channel)) return;
    const callback = (error: Error | null, { data }: { readonly data: Uint8Array }) => {
      if (error) {
        this.#refusedChannels.set(channel, error);
        this.#subscriptions.delete(channel);
      } else this.#receive(channel, data);
    };
    this.#refusedChannels.delete(channel);
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

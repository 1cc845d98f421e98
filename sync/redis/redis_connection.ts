import { Buffer } from "node:buffer";
import { Deferred } from "../../common/deferred.ts";
import type { HistoryStore, Publication } from "../../pubsub/broker.ts";
import type { Position } from "../../pubsub/history/position.ts";
import { ChunkJoiner, splitFrame } from "../chunks.ts";
import type { LoopConnection } from "../reconnect_loop.ts";
import { SocketGuard } from "../socket_guard.ts";
import type { RedisCommand, RedisSocket, RedisTemplate } from "./clients.ts";
import { readAppended, RedisHistory } from "./redis_history.ts";
import { SendWindow } from "./send_window.ts";

/**
 * Publishes all frames of a turn in one command. With node-redis 6 and ioredis 6 on Node 24, the
 * script takes a quarter to a half of the CPU time of 16 PUBLISH commands.
 */
const PUBLISH_ALL = "for i=1,#ARGV,2 do redis.call('PUBLISH',ARGV[i],ARGV[i+1]) end";

/**
 * Most bytes of one command. The server answers each command, and subscribers get each by itself, so
 * a slow connection that carries many megabytes does not look dead.
 */
const MAX_COMMAND = 256 * 1024;

/** Settings of a {@linkcode RedisConnection}. */
export interface RedisConnectionHost {
  /** Makes the function that makes sockets. Rejects if the client's package cannot be loaded. */
  template(): Promise<RedisTemplate>;
  /** Start of all names of channels. */
  readonly prefix: string;
  /** Id of this node. */
  readonly node: string;
  /** A frame has arrived. */
  received(channel: string, frame: Uint8Array): void;
  /** Frames were added to a history. */
  appended(channel: string, first: Position, frames: readonly Uint8Array[]): void;
}

/**
 * Two sockets to one server, as a socket that subscribes may not publish (before RESP 3). Both live
 * and die together.
 */
export class RedisConnection implements LoopConnection {
  readonly #host: RedisConnectionHost;
  readonly #lost: (error: unknown) => void;
  readonly #topics: string;
  /** Channel of this node alone, for probes. */
  readonly #own: string;
  readonly #window = new SendWindow();
  readonly #guard = new SocketGuard();
  readonly #joiner = new ChunkJoiner();
  readonly history: HistoryStore;
  #publisher: RedisSocket | undefined;
  #subscriber: RedisSocket | undefined;
  #isDestroyed = false;
  #allowsScripts = false;
  #hasPublisherAnswered = false;
  #hasSubscriberHeard = false;
  /** Resolved when the message of a probe arrives. */
  #probed: Deferred | undefined;

  constructor(host: RedisConnectionHost, lost: (error: unknown) => void) {
    this.#host = host;
    this.#lost = lost;
    this.#topics = `${host.prefix}:t:`;
    this.#own = `${host.prefix}:n:${host.node}`;
    this.history = new RedisHistory(host.prefix, async (command, bytes) => {
      if (!this.#allowsScripts) throw new Error("the server does not allow EVAL");
      let answer: unknown;
      await this.#window.run(bytes, async () => {
        answer = await this.#publisher!.sendForBytes(command);
        this.#hasPublisherAnswered = true;
      });
      return answer;
    });
  }

  async open(): Promise<void> {
    const template = await this.#host.template();
    if (this.#isDestroyed) return;
    const received = (channel: string, frame: Uint8Array) => this.#received(channel, frame);
    const publisher = this.#publisher = template({ received, lost: this.#lost });
    const subscriber = this.#subscriber = template({ received, lost: this.#lost });
    await this.#guard.watch(() => Promise.all([publisher.connect(), subscriber.connect()]));
    // The subscriber keeps this channel: a socket without channels leaves the subscriber mode.
    await Promise.all([subscriber.subscribe([this.#own]), this.#tryScript(publisher)]);
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    await this.#subscriber!.subscribe(channels.map((channel) => this.#topics + channel));
    this.#hasSubscriberHeard = true;
  }

  unsubscribe(channels: readonly string[]): void {
    this.#subscriber!.unsubscribe(channels.map((channel) => this.#topics + channel))
      .then(() => this.#hasSubscriberHeard = true, this.#lost);
  }

  /** Sends frames, in this order. Frames that are larger than a command are sent in parts. */
  async publish(batch: readonly Publication[]): Promise<void> {
    const parts = batch.flatMap(({ channel, frame }) => {
      return splitFrame(frame, MAX_COMMAND).map((part) => ({ channel, frame: part }));
    });
    const sent: Promise<void>[] = [];
    for (let from = 0, i = 0, bytes = 0; i < parts.length; i++) {
      bytes += parts[i]!.frame.byteLength;
      const next = parts[i + 1]?.frame.byteLength ?? Infinity;
      if (bytes + next <= MAX_COMMAND) continue;
      const group = parts.slice(from, i + 1);
      sent.push(this.#window.run(bytes, () => this.#send(group)));
      from = i + 1;
      bytes = 0;
    }
    await Promise.all(sent);
  }

  /** Sends frames in one command, if the server allows scripts. */
  async #send(group: readonly Publication[]): Promise<void> {
    const args = group.flatMap(({ channel, frame: { buffer, byteOffset, byteLength } }) => {
      return [this.#topics + channel, Buffer.from(buffer, byteOffset, byteLength)];
    });
    if (this.#allowsScripts && group.length > 1) {
      await this.#publisher!.send(["eval", PUBLISH_ALL, "0", ...args]);
    } else {
      const commands: RedisCommand[] = [];
      for (let i = 0; i < args.length; i += 2) commands.push(["publish", args[i]!, args[i + 1]!]);
      await (commands.length === 1
        ? this.#publisher!.send(commands[0]!)
        : this.#publisher!.sendAll(commands));
    }
    this.#hasPublisherAnswered = true;
  }

  isActive(): boolean {
    if (!this.#hasPublisherAnswered || !this.#hasSubscriberHeard) return false;
    this.#hasPublisherAnswered = this.#hasSubscriberHeard = false;
    return true;
  }

  /**
   * Publishes to this node alone. A PING would show that both sockets are open; this shows that
   * the server delivers.
   */
  async probe(): Promise<void> {
    const probed = this.#probed ??= new Deferred();
    await this.#publisher!.send(["publish", this.#own, ""]);
    this.#hasPublisherAnswered = true;
    await probed.promise;
  }

  destroy(isLost = false): void {
    this.#isDestroyed = true;
    this.#window.close(new Error("the connection to Redis has ended"));
    if (isLost) this.#guard.destroy(true);
    this.#publisher?.destroy();
    this.#subscriber?.destroy();
  }

  #received(channel: string, frame: Uint8Array): void {
    this.#hasSubscriberHeard = true;
    if (channel === this.#own) {
      this.#probed?.resolve();
      this.#probed = undefined;
      return;
    }
    const name = channel.slice(this.#topics.length), appended = readAppended(frame);
    if (appended) return this.#host.appended(name, appended.first, appended.frames);
    const whole = this.#joiner.join(name, frame);
    if (whole) this.#host.received(name, whole);
  }

  /** Runs the script without frames, as an ACL may forbid EVAL, or a configuration rename it. */
  async #tryScript(publisher: RedisSocket): Promise<void> {
    try {
      await publisher.send(["eval", PUBLISH_ALL, "0"]);
      this.#allowsScripts = true;
    } catch (error) {
      // Other errors, such as LOADING or a lost connection, say nothing about scripts.
      if (!(error instanceof Error && /^(?:NOPERM|ERR) /.test(error.message))) throw error;
    }
  }
}

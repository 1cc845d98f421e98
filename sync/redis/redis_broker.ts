import { setImmediate } from "node:timers";
import type { Broker, BrokerHost, Publication } from "../../pubsub/broker.ts";
import { ReconnectLoop } from "../reconnect_loop.ts";
import type { RedisTemplate } from "./clients.ts";
import { RedisConnection } from "./redis_connection.ts";

/** Settings of a {@linkcode RedisBroker}. */
export interface RedisBrokerOptions {
  template(): Promise<RedisTemplate>;
  readonly prefix: string;
  readonly node: string;
  readonly required: boolean;
}

/** Broker of one node over Redis' PUBLISH and SUBSCRIBE. */
export class RedisBroker implements Broker {
  readonly required: boolean;
  readonly #loop: ReconnectLoop<RedisConnection>;
  #host: BrokerHost | undefined;

  constructor({ template, prefix, node, required }: RedisBrokerOptions) {
    this.required = required;
    const received = (channel: string, frame: Uint8Array) => this.#host?.received(channel, frame);
    this.#loop = new ReconnectLoop((lost) => {
      return new RedisConnection({ template, prefix, node, received }, lost);
    });
  }

  open(host: BrokerHost): void {
    this.#host = host;
    this.#loop.open(host);
  }

  subscribe(channels: readonly string[]): Promise<void> {
    return this.#loop.subscribe(channels);
  }

  unsubscribe(channels: readonly string[]): void {
    this.#loop.unsubscribe(channels);
  }

  async publish(batch: readonly Publication[]): Promise<void> {
    const { connection, failure } = this.#loop;
    if (!connection) {
      const reason = failure instanceof Error ? failure.message : String(failure);
      throw new Error(`Cannot publish as Redis is not connected: ${reason}`, { cause: failure });
    }
    await connection.publish(batch);
  }

  defer(flush: () => void): void {
    setImmediate(flush);
  }

  async close(): Promise<void> {
    await this.#loop.close();
    this.#host = undefined;
  }
}

import type { Broker, BrokerHost, Publication } from "../../pubsub/broker.ts";
import { ReconnectLoop } from "../reconnect_loop.ts";
import type { SessionSource } from "./clients.ts";
import { PostgresConnection } from "./postgres_connection.ts";

/** Settings of a {@linkcode PostgresBroker}. */
export interface PostgresBrokerOptions {
  readonly source: SessionSource;
  readonly prefix: string;
  readonly node: string;
  readonly required: boolean;
}

/** Broker of one node over PostgreSQL's LISTEN and NOTIFY. */
export class PostgresBroker implements Broker {
  readonly required: boolean;
  readonly #source: SessionSource;
  readonly #loop: ReconnectLoop<PostgresConnection>;
  #host: BrokerHost | undefined;

  constructor({ source, prefix, node, required }: PostgresBrokerOptions) {
    this.required = required;
    this.#source = source;
    const received = (channel: string, frame: Uint8Array) => this.#host?.received(channel, frame);
    this.#loop = new ReconnectLoop((lost) => {
      return new PostgresConnection({ source, prefix, node, received }, lost);
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
      throw new Error(`Cannot publish as PostgreSQL is not connected: ${reason}`, {
        cause: failure,
      });
    }
    await connection.publish(batch);
  }

  async close(): Promise<void> {
    await this.#loop.close();
    this.#source.close?.();
    this.#host = undefined;
  }
}

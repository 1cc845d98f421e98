import { setImmediate } from "node:timers";
import type { Broker, BrokerHost, Publication } from "../../pubsub/broker.ts";
import { ReconnectLoop } from "../reconnect_loop.ts";
import { NatsConnection, type NatsConnectionHost } from "./nats_connection.ts";

/** Broker of one node over NATS' PUB and SUB. */
export class NatsBroker implements Broker {
  readonly required: boolean;
  readonly #loop: ReconnectLoop<NatsConnection>;
  #host: BrokerHost | undefined;

  constructor(host: Omit<NatsConnectionHost, "received" | "refused">, required: boolean) {
    this.required = required;
    const refused = (error: unknown) => this.#host?.refused(error);
    const received = (channel: string, frame: Uint8Array) => this.#host?.received(channel, frame);
    this.#loop = new ReconnectLoop((lost) =>
      new NatsConnection({ ...host, received, refused }, lost)
    );
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
      throw new Error(`Cannot publish as NATS is not connected: ${reason}`, { cause: failure });
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

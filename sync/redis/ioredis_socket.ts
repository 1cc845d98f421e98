import { ignoreFailure } from "../ignore_failure.ts";
import type { IoredisClient, RedisCommand, RedisSocket, RedisSocketHost } from "./clients.ts";

/** Options with which ioredis neither reconnects, nor queues, nor waits at the end. */
const OVERRIDES = {
  lazyConnect: true,
  retryStrategy: null,
  reconnectOnError: null,
  sentinelRetryStrategy: null,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  enableAutoPipelining: false,
  // INFO needs a permission, and pub/sub works while Redis loads its data.
  enableReadyCheck: false,
  // Otherwise a server with an ACL logs a denied CLIENT SETINFO at every connection.
  disableClientInfo: true,
  // Otherwise ioredis waits two seconds before it destroys a socket whose server does not answer.
  disconnectTimeout: 0,
};

/** A duplicate of a client of ioredis or iovalkey. */
export class IoredisSocket implements RedisSocket {
  readonly #client: IoredisClient;

  constructor(template: IoredisClient, { received, lost }: RedisSocketHost) {
    this.#client = template.duplicate(OVERRIDES);
    // The error comes first, with the reason; `end` may come alone.
    this.#client.on("error", lost);
    this.#client.on("end", () => lost(new Error("Redis has closed the connection")));
    this.#client.on("messageBuffer", (channel, frame) => received(`${channel}`, frame));
  }

  connect(): Promise<unknown> {
    return this.#client.connect();
  }

  send([name, ...args]: RedisCommand): Promise<unknown> {
    return this.#client.call(name, args);
  }

  sendForBytes([name, ...args]: RedisCommand): Promise<unknown> {
    return this.#client.callBuffer(name, args);
  }

  async sendAll(commands: readonly RedisCommand[]): Promise<void> {
    // ioredis writes each command by itself, but the commands of a pipeline together.
    const results = await this.#client.pipeline(commands.map((command) => [...command])).exec();
    const failed = results?.find(([error]) => error);
    if (failed) throw failed[0];
  }

  subscribe(channels: readonly string[]): Promise<unknown> {
    return this.#client.subscribe(...channels);
  }

  unsubscribe(channels: readonly string[]): Promise<unknown> {
    return this.#client.unsubscribe(...channels);
  }

  destroy(): void {
    ignoreFailure(() => this.#client.disconnect());
  }
}

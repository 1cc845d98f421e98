import { Buffer } from "node:buffer";
import { ignoreFailure } from "../ignore_failure.ts";
import type { NodeRedisClient, RedisCommand, RedisSocket, RedisSocketHost } from "./clients.ts";

/** Options of a client that the duplicates keep in part. */
interface Options {
  readonly socket?: object;
  readonly commandOptions?: object;
}

/** Type of a bulk string in the protocol of Redis: `$`. */
const BULK_STRING = 36;
/** Options with which a command returns bytes: first those of version 5 and 6, then those of 4. */
const AS_BYTES = { typeMapping: { [BULK_STRING]: Buffer }, returnBuffers: true };

/** A duplicate of a client of node-redis. */
export class NodeRedisSocket implements RedisSocket {
  readonly #client: NodeRedisClient;
  readonly #received: (frame: Uint8Array, channel: Uint8Array) => void;
  readonly #end = new AbortController();

  constructor(template: NodeRedisClient, { received, lost }: RedisSocketHost) {
    const { socket, commandOptions } = (template.options ?? {}) as Options;
    this.#client = template.duplicate({
      // node-redis replaces the whole object `socket`, with host and port.
      socket: { ...socket, reconnectStrategy: false, signal: this.#end.signal },
      disableOfflineQueue: true,
      // Otherwise a server with an ACL logs a denied CLIENT SETINFO at every connection.
      disableClientInfo: true,
      // An AbortSignal for each command, node-redis' default, doubles the cost of a PUBLISH.
      commandOptions: { ...commandOptions, timeout: undefined },
      pingInterval: undefined,
    });
    // Without a listener, an `error` ends the process.
    this.#client.on("error", lost);
    this.#client.on("end", () => lost(new Error("Redis has closed the connection")));
    this.#received = (frame, channel) => received(`${channel}`, frame);
  }

  connect(): Promise<unknown> {
    return this.#client.connect();
  }

  send(command: RedisCommand): Promise<unknown> {
    return this.#client.sendCommand(command);
  }

  sendForBytes(command: RedisCommand): Promise<unknown> {
    return this.#client.sendCommand(command, AS_BYTES);
  }

  sendAll(commands: readonly RedisCommand[]): Promise<unknown> {
    // node-redis writes the commands of one turn together.
    return Promise.all(commands.map((command) => this.send(command)));
  }

  subscribe(channels: readonly string[]): Promise<unknown> {
    return this.#client.subscribe([...channels], this.#received, true);
  }

  unsubscribe(channels: readonly string[]): Promise<unknown> {
    // With the listener: otherwise node-redis 6 takes a channel for subscribed until the server has
    // confirmed the UNSUBSCRIBE, and a subscribe() before that sends nothing.
    return this.#client.unsubscribe([...channels], this.#received, true);
  }

  destroy(): void {
    // While node-redis 6 connects, destroy() does not reach the socket, which connects later.
    this.#end.abort();
    // Not destroy(), which version 4 lacks. disconnect() does the same. Version 5 throws if the
    // connection has already ended, or could not be made.
    ignoreFailure(() => this.#client.disconnect());
  }
}

import type { Buffer } from "node:buffer";

/**
 * The part of a client of [`redis` or `@redis/client`](https://github.com/redis/node-redis), from
 * version 4 on, that `redis()` uses. The tests run versions 4, 5 and 6.
 */
export interface NodeRedisClient {
  /** `options` of the library. */
  readonly options?: unknown;
  /** `duplicate` of the library. */
  duplicate(overrides?: object): NodeRedisClient;
  /** `connect` of the library. */
  connect(): Promise<unknown>;
  /** `sendCommand` of the library. */
  sendCommand(command: readonly (string | Buffer)[], options?: object): Promise<unknown>;
  /** `pSubscribe` of the library. */
  pSubscribe(...args: never): Promise<unknown>;
  /** `subscribe` of the library. */
  subscribe(
    channels: string[],
    listener: (message: Uint8Array, channel: Uint8Array) => unknown,
    bufferMode: true,
  ): Promise<unknown>;
  /** `unsubscribe` of the library. */
  unsubscribe(
    channels: string[],
    listener: (message: Uint8Array, channel: Uint8Array) => unknown,
    bufferMode: true,
  ): Promise<unknown>;
  /** `on` of the library. */
  on(event: string, listener: (error: unknown) => void): unknown;
  /** `disconnect` of the library. */
  disconnect(): Promise<unknown>;
}

/**
 * The part of a client of [`ioredis`](https://github.com/redis/ioredis), from version 5 on, or of
 * [`iovalkey`](https://github.com/valkey-io/iovalkey), that `redis()` uses.
 */
export interface IoredisClient {
  /** `options` of the library. */
  readonly options: unknown;
  /** State of the connection, which a client of a Redis Cluster does not have. */
  readonly mode: string;
  /** `duplicate` of the library. */
  duplicate(overrides?: object): IoredisClient;
  /** `connect` of the library. */
  connect(): Promise<unknown>;
  /** `call` of the library. */
  call(command: string, args: (string | Buffer)[]): Promise<unknown>;
  /** `callBuffer` of the library. */
  callBuffer(command: string, args: (string | Buffer)[]): Promise<unknown>;
  /** `pipeline` of the library. */
  pipeline(commands: unknown[][]): {
    exec(): Promise<[error: Error | null, result: unknown][] | null>;
  };
  /** `subscribe` of the library. */
  subscribe(...channels: string[]): Promise<unknown>;
  /** `unsubscribe` of the library. */
  unsubscribe(...channels: string[]): Promise<unknown>;
  /** `on` of the library. */
  on(event: "messageBuffer", listener: (channel: Uint8Array, frame: Uint8Array) => void): unknown;
  /** `on` of the library. */
  on(event: string, listener: (error: unknown) => void): unknown;
  /** `disconnect` of the library. */
  disconnect(): void;
}

/** A client whose options `redis()` copies. The client itself need not be connected. */
export type RedisClient = NodeRedisClient | IoredisClient;

/** Name of a command in lower case, and its arguments. */
export type RedisCommand = readonly [name: string, ...args: (string | Buffer)[]];

/** One socket to the server: a duplicate of the user's client that never reconnects or queues. */
export interface RedisSocket {
  connect(): Promise<unknown>;
  /** Sends a command. Rejects at once if the socket is not connected. */
  send(command: RedisCommand): Promise<unknown>;
  /** Same, for a command whose answer contains bytes: each text of the answer is a `Buffer`. */
  sendForBytes(command: RedisCommand): Promise<unknown>;
  /** Sends commands, in as few writes as the library can. Rejects if one of them fails. */
  sendAll(commands: readonly RedisCommand[]): Promise<unknown>;
  /** Sends one SUBSCRIBE. */
  subscribe(channels: readonly string[]): Promise<unknown>;
  /** Sends one UNSUBSCRIBE. */
  unsubscribe(channels: readonly string[]): Promise<unknown>;
  /** Ends the connection at once. */
  destroy(): void;
}

/** Receiver of the events of a {@linkcode RedisSocket}. */
export interface RedisSocketHost {
  received(channel: string, frame: Uint8Array): void;
  /** The connection has ended, or could not be made. Reported any number of times. */
  lost(error: unknown): void;
}

/** Makes the sockets of one connection. */
export type RedisTemplate = (host: RedisSocketHost) => RedisSocket;

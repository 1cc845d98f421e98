import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import type { RedisCommand, RedisSocketHost } from "../../../sync/redis/clients.ts";
import { RedisConnection } from "../../../sync/redis/redis_connection.ts";

/** Redis for one connection: delivers what is published, and records the commands. */
class FakeRedis {
  readonly commands: RedisCommand[] = [];
  readonly received: [channel: string, frame: Uint8Array][] = [];
  readonly connection: RedisConnection;
  /** Whether the server delivers to the subscriber. */
  delivers = true;
  readonly #channels = new Set<string>();
  readonly #hosts: RedisSocketHost[] = [];

  constructor() {
    this.connection = new RedisConnection({
      template: () => Promise.resolve((host) => this.#socket(host)),
      prefix: "chat",
      node: "a",
      appended() {},
      received: (channel, frame) => void this.received.push([channel, frame]),
    }, () => {});
  }

  static async open(): Promise<FakeRedis> {
    const redis = new FakeRedis();
    await redis.connection.open();
    redis.commands.length = 0;
    return redis;
  }

  publish(channel: string, frame: Buffer): void {
    if (!this.delivers || !this.#channels.has(channel)) return;
    for (const { received } of this.#hosts.slice(1)) received(channel, frame);
  }

  #socket(host: RedisSocketHost) {
    this.#hosts.push(host);
    const send = async (command: RedisCommand) => {
      this.commands.push(command);
      const [name, ...args] = command;
      const from = name === "eval" ? 2 : 0;
      for (let i = from; i < args.length; i += 2) {
        this.publish(`${args[i]}`, Buffer.from(args[i + 1]!));
      }
      await undefined;
    };
    return {
      connect: () => Promise.resolve(),
      send,
      sendForBytes: () => Promise.reject(new Error("not used")),
      sendAll: (commands: readonly RedisCommand[]) => Promise.all(commands.map(send)),
      subscribe: async (channels: readonly string[]) => {
        for (const channel of channels) this.#channels.add(channel);
        await undefined;
      },
      unsubscribe: () => Promise.resolve(),
      destroy() {},
    };
  }
}

const frame = (length: number) => new Uint8Array(length).fill(7);
const sizeOf = (command: RedisCommand) => {
  return command.reduce((sum: number, part) => sum + part.length, 0);
};

Deno.test("RedisConnection.publish() sends the frames of a turn in one command", async () => {
  const redis = await FakeRedis.open(), { connection, commands, received } = redis;
  await connection.subscribe(["a.b"]);
  const frames = [frame(1), frame(2), frame(3)];
  await connection.publish(frames.map((frame) => ({ channel: "a.b", frame })));
  assert.equal(commands.length, 1);
  assert.deepEqual(received.map(([channel, { length }]) => [channel, length]), [
    ["a.b", 1],
    ["a.b", 2],
    ["a.b", 3],
  ]);
  connection.destroy();
});

Deno.test("RedisConnection.publish() sends a large frame in parts, which arrive as a whole, in order", async () => {
  const redis = await FakeRedis.open(), { connection, commands, received } = redis;
  await connection.subscribe(["a.b"]);
  const lengths = [1, 2_000_000, 3, 262_144, 262_145, 4];
  await connection.publish(lengths.map((length) => ({ channel: "a.b", frame: frame(length) })));
  assert.deepEqual(received.map(([, { length }]) => length), lengths);
  assert.ok(received.every(([, bytes]) => bytes.every((byte) => byte === 7)));
  assert.ok(commands.length > 8);
  for (const command of commands) assert.ok(sizeOf(command) <= 256 * 1024 + 200);
  connection.destroy();
});

Deno.test("RedisConnection.probe() resolves when the server has delivered", async () => {
  const redis = await FakeRedis.open(), { connection, commands } = redis;
  assert.equal(connection.isActive(), false);
  redis.delivers = false;
  let answered = 0;
  const probes = [connection.probe(), connection.probe()];
  for (const probe of probes) probe.then(() => answered++);
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual([answered, connection.isActive()], [0, false]);
  redis.delivers = true;
  redis.publish(`${commands[0]![1]}`, Buffer.from(""));
  await Promise.all(probes);
  assert.equal(connection.isActive(), true);
  connection.destroy();
});

Deno.test("RedisConnection rejects what has not been sent when it ends", async () => {
  const { connection } = await FakeRedis.open();
  const published = connection.publish([{ channel: "a.b", frame: frame(2_000_000) }]);
  connection.destroy();
  await assert.rejects(published, /connection to Redis has ended/);
});

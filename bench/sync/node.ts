/**
 * One node of the measurement of `sync`: `node.ts TOOLKIT CLIENT PORT FROM TO`. Hears the topics t(FROM)
 * to t(TO - 1) over Redis at PORT, and prints a line of JSON for each event. Reads commands as lines of
 * JSON.
 *
 * @module
 */
import process from "node:process";
import { createInterface } from "node:readline";
import { setImmediate } from "node:timers/promises";
import { createClient } from "@redis/client";
import { Redis } from "ioredis";
import { redis } from "../../sync/redis.ts";
import type { OutgoingFrame } from "../../socket/socket.ts";
import { FakeAdapter } from "../../tests/unit/fake_adapter.ts";
import { FakeSocket } from "../../tests/unit/fake_socket.ts";

/** Publishes `publish` messages to `topics` topics, `perTurn` in each turn of the event loop. */
export interface Publish {
  readonly publish: number;
  readonly perTurn: number;
  readonly topics: number;
}

/** A command to a node. */
export type Command =
  | Publish
  /** Number of messages that every receiver has got. */
  | { readonly acknowledged: number }
  /** Number of messages to publish, one every two milliseconds. */
  | { readonly pace: number };

/** An event of a node. */
export type Event =
  | { readonly ready: true }
  | { readonly got: number }
  | { readonly published: true }
  /** Microseconds from the publish to the arrival, of each message of `pace`. */
  | { readonly latencies: readonly number[] };

/** The part of crossws that this program uses. Types are local, as type checks run without crossws. */
interface Crossws {
  redis(options: { client: unknown; channel: string }): (node: { id: string }) => {
    subscribe(deliver: (message: { topic: string; data: unknown }) => void): Promise<void>;
    publish(message: { namespace: string; topic: string; data: string }): unknown;
  };
}
const CROSSWS: string = "crossws/sync";

/** Messages between two reports of a receiver. */
const REPORT_EVERY = 250;
/** Most messages that the receivers have not acknowledged. */
const WINDOW = 2000;
const PAYLOAD = "a message of thirty-two letters.";

const [toolkit, client, port, from, to] = process.argv.slice(2);
const print = (event: Event) => process.stdout.write(`${JSON.stringify(event)}\n`);
let got = 0, acknowledged = 0, wake = () => {};
const latencies: number[] = [];

function received(data: unknown): void {
  const text = String(data);
  if (text.startsWith("@")) {
    latencies.push(Number(process.hrtime.bigint() - BigInt(text.slice(1))) / 1000);
    if (latencies.length === 1000) print({ latencies: latencies.splice(0) });
  } else if (++got % REPORT_EVERY === 0) print({ got });
}

/** Client without a network: the measurement is about the nodes. */
class Receiver extends FakeSocket {
  override send({ payload }: OutgoingFrame): number {
    received(payload);
    return 0;
  }
}

async function start(): Promise<(topic: string, data: string) => void> {
  const template = client === "ioredis"
    ? new Redis({ host: "127.0.0.1", port: Number(port) })
    : await createClient({ socket: { host: "127.0.0.1", port: Number(port) } }).connect();
  const names = Array.from({ length: Number(to) - Number(from) }, (_, i) => `t${Number(from) + i}`);
  if (toolkit === "onepeer") {
    const sync = redis({ client: template as Redis, prefix: "bench", required: true });
    const node = new FakeAdapter({ sync, onError: (error) => console.error(error) });
    await node.ready();
    const [, peer] = await node.connect("/bench", new Receiver());
    for (const name of names) peer.subscribe(name);
    await node.endpoint.topicsConfirmed();
    return (topic, data) => void node.publish(topic, data, { namespace: "/bench" });
  }
  const crossws = await import(CROSSWS) as Crossws;
  const driver = crossws.redis({ client: template as Redis, channel: "bench" })({
    id: crypto.randomUUID(),
  });
  const wanted = new Set(names);
  await driver.subscribe(({ topic, data }) => {
    if (wanted.has(topic)) received(data);
  });
  return (topic, data) => void driver.publish({ namespace: "/bench", topic, data });
}

const publish = await start();
const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const command = JSON.parse(line) as Command;
  if ("acknowledged" in command) {
    acknowledged = command.acknowledged;
    wake();
  } else if ("pace" in command) void pace(command.pace);
  else void flood(command);
});
lines.on("close", () => process.exit(0));
print({ ready: true });

async function flood({ publish: count, perTurn, topics }: Publish): Promise<void> {
  acknowledged = 0;
  for (let sent = 0; sent < count;) {
    for (let i = 0; i < perTurn; i++, sent++) publish(`t${i % topics}`, PAYLOAD);
    while (sent - acknowledged > WINDOW) await new Promise<void>((resolve) => wake = resolve);
    await setImmediate();
  }
  print({ published: true });
}

async function pace(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    publish("t0", `@${process.hrtime.bigint()}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  print({ published: true });
}

import assert from "node:assert/strict";
import type { NatsConnectionLike, NatsConnectOptions } from "../../../sync/nats.ts";
import { NatsConnection } from "../../../sync/nats/nats_connection.ts";

type Callback = Parameters<NatsConnectionLike["subscribe"]>[1]["callback"];
type Status = { readonly type: string; readonly error?: Error };

/** A client's connection whose server a test plays. */
class FakeClient implements NatsConnectionLike {
  info: NatsConnectionLike["info"] = { max_payload: 100 };
  /** Subjects and messages, in order. */
  readonly published: (readonly [subject: string, payload: Uint8Array])[] = [];
  readonly subscriptions = new Map<string, Callback>();
  isClosed = false;
  /** What the server does at a flush; by default it confirms. */
  onFlush: () => Promise<void> = () => Promise.resolve();
  end!: (error?: Error) => void;
  readonly #ended = new Promise<void | Error>((resolve) => this.end = resolve);
  readonly #statuses: Status[] = [];
  #wake: () => void = () => {};

  publish(subject: string, payload: Uint8Array): void {
    this.published.push([subject, payload]);
  }
  subscribe(subject: string, { callback }: { callback: Callback }): { unsubscribe(): void } {
    this.subscriptions.set(subject, callback);
    return { unsubscribe: () => void this.subscriptions.delete(subject) };
  }
  flush(): Promise<void> {
    return this.onFlush();
  }
  async *status(): AsyncGenerator<Status> {
    while (!this.isClosed) {
      while (this.#statuses.length > 0) yield this.#statuses.shift()!;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }
  tell(status: Status): void {
    this.#statuses.push(status);
    this.#wake();
  }
  closed(): Promise<void | Error> {
    return this.#ended;
  }
  close(): Promise<void> {
    this.isClosed = true;
    this.end();
    this.#wake();
    return Promise.resolve();
  }
}

/** A connection over a fake client, and what it tells its host. */
class Fixture {
  readonly client: FakeClient = new FakeClient();
  readonly received: [channel: string, frame: Uint8Array][] = [];
  readonly lost: unknown[] = [];
  readonly refused: string[] = [];
  readonly options: NatsConnectOptions[] = [];
  readonly connection: NatsConnection;

  constructor(connect?: (client: FakeClient) => Promise<NatsConnectionLike>) {
    this.connection = new NatsConnection({
      connect: (options) => {
        this.options.push(options);
        return connect?.(this.client) ?? Promise.resolve(this.client);
      },
      servers: undefined,
      prefix: "chat",
      received: (channel, frame) => void this.received.push([channel, frame]),
      refused: (error) => void this.refused.push((error as Error).message),
    }, (error) => void this.lost.push(error));
  }

  static async open(): Promise<Fixture> {
    const fixture = new Fixture();
    await fixture.connection.open();
    return fixture;
  }

  /** Delivers a message of another node. */
  deliver(subject: string, data: Uint8Array): void {
    this.client.subscriptions.get(subject)!(null, { data });
  }
}

const frame = (length: number) => new Uint8Array(length).fill(7);
const never = () => new Promise<void>(() => {});
/** What `@nats-io/nats-core` reports if the server refuses a subject. */
const violation = (operation: "publish" | "subscription", subject: string) =>
  Object.assign(new Error(`Permissions Violation for ${operation}`), { operation, subject });

Deno.test("NatsConnection asks for a connection that neither reconnects nor echoes", async () => {
  const { options, connection } = await Fixture.open();
  assert.deepEqual(options, [{ reconnect: false, noEcho: true }]);
  connection.destroy();
});

Deno.test("NatsConnection refuses a connection that reconnects by itself, and closes it", async () => {
  const fixture = new Fixture((client) =>
    Promise.resolve(Object.assign(client, { options: { reconnect: true } }))
  );
  await assert.rejects(
    fixture.connection.open(),
    /reconnects by itself: pass connect: \(options\)/,
  );
  assert.equal(fixture.client.isClosed, true);
});

Deno.test("NatsConnection closes a connection that arrives after destroy()", async () => {
  let arrive = () => {};
  const fixture = new Fixture((client) => new Promise((resolve) => arrive = () => resolve(client)));
  const opened = fixture.connection.open();
  await Promise.resolve();
  fixture.connection.destroy();
  arrive();
  await assert.rejects(opened, /too late/);
  assert.equal(fixture.client.isClosed, true);
});

Deno.test("NatsConnection subscribes to short channels by name, to long ones by hash", async () => {
  const fixture = await Fixture.open(), { client, connection, received } = fixture;
  const channels = ["all", `a.${"x".repeat(94)}`, `a.${"x".repeat(95)}`, `a.${"y".repeat(200)}`];
  await connection.subscribe(channels);
  const subjects = [...client.subscriptions.keys()];
  assert.deepEqual(subjects.slice(0, 2), ["chat.t.all", `chat.t.a.${"x".repeat(94)}`]);
  for (const subject of subjects.slice(2)) assert.match(subject, /^chat\.t\.~[\w-]{43}$/);
  assert.equal(new Set(subjects).size, 4);
  for (const subject of subjects) fixture.deliver(subject, frame(9));
  assert.deepEqual(received, channels.map((channel) => [channel, frame(9)]));
  await connection.publish(channels.map((channel) => ({ channel, frame: frame(9) })));
  assert.deepEqual(client.published.map(([subject]) => subject), subjects);
  connection.unsubscribe(channels);
  assert.equal(client.subscriptions.size, 0);
  connection.destroy();
});

Deno.test("NatsConnection.subscribe() asks once for a channel, and resolves at the confirmation", async () => {
  const { client, connection } = await Fixture.open();
  let confirm = () => {}, asked = 0, isConfirmed = false;
  client.onFlush = () => new Promise((resolve) => confirm = resolve);
  const subscribe = client.subscribe.bind(client);
  client.subscribe = (...args) => (asked++, subscribe(...args));
  const first = connection.subscribe(["a.b"]).then(() => isConfirmed = true);
  connection.subscribe(["a.b"]).catch(() => {});
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual([asked, isConfirmed], [1, false]);
  confirm();
  connection.destroy();
  await first.catch(() => {});
});

Deno.test("NatsConnection keeps the other channels if the server refuses one, and asks again", async () => {
  const fixture = await Fixture.open(), { client, connection, refused, lost } = fixture;
  client.onFlush = () => {
    client.subscriptions.get("chat.t.b")!(violation("subscription", "chat.t.b"), {
      data: frame(0),
    });
    return Promise.resolve();
  };
  await connection.subscribe(["a", "b"]);
  assert.deepEqual(refused, ["Permissions Violation for subscription"]);
  client.onFlush = () => Promise.resolve();
  client.subscriptions.delete("chat.t.b"); // as the client does
  await connection.subscribe(["c", "b"]);
  assert.deepEqual([...client.subscriptions.keys()], ["chat.t.a", "chat.t.c", "chat.t.b"]);
  assert.deepEqual([refused.length, lost], [1, []]);
  connection.destroy();
});

Deno.test("NatsConnection gives up the last channels if the server has a limit, and asks again later", async () => {
  const { setTimeout, clearTimeout } = globalThis;
  const timers: [callback: () => void, ms: number][] = [], cleared: unknown[] = [];
  Object.assign(globalThis, {
    setTimeout: (callback: () => void, ms: number) => timers.push([callback, ms]),
    clearTimeout: (timer: unknown) => void cleared.push(timer),
  });
  try {
    const { client, connection, refused, lost } = await Fixture.open();
    const subjects = () => [...client.subscriptions.keys()].map((name) => name.slice(-1)).join("");
    let limit = 3;
    client.onFlush = () => {
      const over = Math.max(0, client.subscriptions.size - limit);
      for (let i = 0; i < over; i++) {
        client.tell({ type: "error", error: new Error("maximum subscriptions exceeded") });
      }
      return Promise.resolve();
    };
    await Promise.all([connection.subscribe(["a", "b"]), connection.subscribe(["c", "d", "e"])]);
    assert.deepEqual([subjects(), refused.length, lost], ["abc", 2, []]);
    assert.deepEqual(timers.map(([, ms]) => ms), [10_000], "one timer");
    connection.unsubscribe(["a", "d"]);
    limit = 4;
    timers[0]![0]();
    await connection.subscribe(["f"]);
    assert.deepEqual([subjects(), refused.length, lost], ["bcef", 2, []]);
    await connection.subscribe(["g"]);
    assert.deepEqual([subjects(), timers.length], ["bcef", 2]);
    connection.destroy();
    assert.deepEqual(cleared, [2]);
  } finally {
    Object.assign(globalThis, { setTimeout, clearTimeout });
  }
});

Deno.test("NatsConnection does not ask for a channel that is left before its turn", async () => {
  const { client, connection } = await Fixture.open();
  const subscribed = Promise.all([connection.subscribe(["a"]), connection.subscribe(["b"])]);
  connection.unsubscribe(["b"]);
  await subscribed;
  assert.deepEqual([...client.subscriptions.keys()], ["chat.t.a"]);
  connection.destroy();
});

Deno.test("NatsConnection.publish() splits frames over max_payload, and joins what arrives", async () => {
  const fixture = await Fixture.open(), { client, connection, received } = fixture;
  await connection.subscribe(["a.b"]);
  for (const length of [99, 100, 101, 1000]) {
    client.published.length = received.length = 0;
    await connection.publish([{ channel: "a.b", frame: frame(length) }]);
    assert.equal(client.published.length > 1, length > 100, `${length} bytes`);
    for (const [subject, payload] of client.published) {
      assert.ok(payload.byteLength <= 100);
      fixture.deliver(subject, payload);
    }
    assert.deepEqual(received, [["a.b", frame(length)]]);
  }
  connection.destroy();
});

Deno.test("NatsConnection.publish() sends nothing if a frame of the batch is too large", async () => {
  const { client, connection } = await Fixture.open();
  const batch = [frame(10), new Uint8Array(64 * 1024 * 1024 + 1)];
  await assert.rejects(
    connection.publish(batch.map((frame) => ({ channel: "a.b", frame }))),
    RangeError,
  );
  assert.deepEqual(client.published, []);
  connection.destroy();
});

Deno.test("NatsConnection.publish() sends nothing without a server, as the client would keep it", async () => {
  const { client, connection } = await Fixture.open();
  client.info = undefined;
  await assert.rejects(connection.publish([{ channel: "a.b", frame: frame(1) }]), /not connected/);
  assert.deepEqual(client.published, []);
  connection.destroy();
});

Deno.test("NatsConnection.publish() flushes after 256 KiB, in messages of at most 256 KiB", async () => {
  const { client, connection } = await Fixture.open();
  client.info = { max_payload: 8 * 1024 * 1024 };
  const flushedAt: number[] = [];
  client.onFlush = () => {
    flushedAt.push(client.published.reduce((sum, [, { byteLength }]) => sum + byteLength, 0));
    return Promise.resolve();
  };
  const batch = [1000, 2_000_000, 5].map((length) => ({ channel: "a.b", frame: frame(length) }));
  await connection.publish(batch);
  assert.ok(client.published.every(([, { byteLength }]) => byteLength <= 256 * 1024));
  assert.ok(flushedAt.length >= 8);
  for (const [i, bytes] of flushedAt.entries()) {
    assert.ok(bytes - (flushedAt[i - 1] ?? 0) <= 256 * 1024);
  }
  connection.destroy();
});

Deno.test("NatsConnection.publish() rejects if the server refuses the subject", async () => {
  const { client, connection, lost } = await Fixture.open();
  client.onFlush = () => {
    client.tell({ type: "error", error: violation("publish", "chat.t.a.b") });
    return Promise.resolve();
  };
  const publish = (channel: string) => connection.publish([{ channel, frame: frame(1) }]);
  await assert.rejects(publish("a.b"), /Permissions Violation/);
  client.onFlush = () => Promise.resolve();
  await publish("a.c");
  await publish("a.b"); // the permissions may have changed
  assert.deepEqual(lost, []);
  connection.destroy();
});

Deno.test("NatsConnection rejects what is not confirmed when the connection ends", async () => {
  for (const end of ["closes", "destroy"] as const) {
    const { client, connection, lost } = await Fixture.open();
    client.onFlush = never; // as the client does after close()
    const pending = [
      connection.publish([{ channel: "a.b", frame: frame(1) }]),
      connection.subscribe(["a.b"]),
      connection.probe(),
    ];
    if (end === "closes") client.end(new Error("reset"));
    else {
      client.end = () => {}; // does not wait for the client
      connection.destroy();
    }
    for (const it of pending) await assert.rejects(it, /reset|has ended/);
    if (end === "closes") assert.equal((lost[0] as Error).message, "reset");
    connection.destroy();
    assert.equal(client.isClosed, true);
  }
});

Deno.test("NatsConnection is lost at every error of the server but a refused subject", async () => {
  const { client, connection, lost } = await Fixture.open();
  client.tell({ type: "update" });
  client.tell({ type: "error", error: violation("subscription", "chat.t.a") });
  client.tell({ type: "error", error: new Error("maximum payload exceeded") });
  while (lost.length === 0) await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual(lost.map((error) => (error as Error).message), ["maximum payload exceeded"]);
  connection.destroy();
});

Deno.test("NatsConnection.isActive() is true once after a message or an answer", async () => {
  const fixture = await Fixture.open(), { connection } = fixture;
  assert.equal(connection.isActive(), false);
  await connection.subscribe(["a.b"]);
  assert.deepEqual([connection.isActive(), connection.isActive()], [true, false]);
  fixture.deliver("chat.t.a.b", frame(1));
  assert.deepEqual([connection.isActive(), connection.isActive()], [true, false]);
  await connection.probe();
  assert.equal(connection.isActive(), true);
  connection.destroy();
});

Deno.test("NatsConnection delivers nothing after destroy()", async () => {
  const fixture = await Fixture.open(), { connection, received } = fixture;
  await connection.subscribe(["a.b"]);
  connection.destroy();
  fixture.deliver("chat.t.a.b", frame(1));
  assert.deepEqual(received, []);
});

import assert from "node:assert/strict";
import { type LoopConnection, ReconnectLoop } from "../../../sync/reconnect_loop.ts";

/** A connection that a test opens, confirms and breaks by hand. */
class FakeConnection implements LoopConnection {
  readonly asked: (readonly string[])[] = [];
  readonly lost: (error: unknown) => void;
  readonly #script: Script;
  isDestroyed = false;
  /** Whether the loop has said that the connection is lost. */
  isLost: boolean | undefined;
  probes = 0;

  constructor(script: Script, lost: (error: unknown) => void) {
    this.#script = script;
    this.lost = lost;
  }

  open(): Promise<void> {
    return this.#script.open?.(this) ?? Promise.resolve();
  }
  subscribe(channels: readonly string[]): Promise<void> {
    this.asked.push(channels);
    return this.#script.subscribe?.(this) ?? Promise.resolve();
  }
  unsubscribe(): void {
    this.#script.unsubscribe?.(this);
  }
  isActive(): boolean {
    return this.#script.isActive?.(this) ?? true;
  }
  probe(): Promise<void> {
    this.probes++;
    return this.#script.probe?.(this) ?? new Promise(() => {});
  }
  destroy(isLost?: boolean): void {
    this.isDestroyed = true;
    this.isLost = isLost;
    this.#script.destroy?.(this);
  }
}

/** What connections do; by default they work. */
interface Script {
  open?(connection: FakeConnection): Promise<void>;
  subscribe?(connection: FakeConnection): Promise<void>;
  unsubscribe?(connection: FakeConnection): void;
  destroy?(connection: FakeConnection): void;
  isActive?(connection: FakeConnection): boolean;
  probe?(connection: FakeConnection): Promise<void>;
}

/** A loop over fake connections, which records what its host is told. */
class Fixture implements AsyncDisposable {
  readonly connections: FakeConnection[] = [];
  readonly told: string[] = [];
  readonly loop: ReconnectLoop<FakeConnection>;
  #changed: () => void = () => {};

  constructor(script: Script = {}) {
    this.loop = new ReconnectLoop((lost) => {
      const connection = new FakeConnection(script, lost);
      this.connections.push(connection);
      return connection;
    });
  }

  open(): this {
    this.loop.open({
      up: (gap) => this.#tell(`up ${gap}`),
      down: (error) => this.#tell(`down ${(error as Error).message}`),
    });
    return this;
  }

  /** Waits until the host was told a number of things. */
  async until(count: number): Promise<void> {
    while (this.told.length < count) {
      await new Promise<void>((resolve) => this.#changed = resolve);
    }
  }

  #tell(line: string): void {
    this.told.push(line);
    this.#changed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.loop.close();
  }
}

const turn = () => new Promise<void>((go) => setTimeout(go));

Deno.test("ReconnectLoop asks for all wanted channels, 512 in a command, before it is up", async () => {
  let confirm = () => {};
  await using fixture = new Fixture({ subscribe: () => new Promise((done) => confirm = done) });
  const channels = Array.from({ length: 600 }, (_, i) => `c${i}`);
  const confirmed = fixture.loop.subscribe(channels);
  fixture.loop.unsubscribe(["c0"]);
  fixture.open();
  await turn();
  const [connection] = fixture.connections;
  assert.deepEqual(connection!.asked, [channels.slice(1, 513), channels.slice(513)]);
  assert.deepEqual(fixture.told, []);
  confirm();
  await turn();
  assert.deepEqual(fixture.told, [], "the first command is not confirmed");
  await fixture.loop.close();
  await assert.rejects(confirmed, /broker is closed/);
});

Deno.test("ReconnectLoop reports a gap at every connection but the first", async () => {
  await using fixture = new Fixture().open();
  await fixture.until(1);
  fixture.connections[0]!.lost(new Error("reset"));
  await fixture.until(3);
  fixture.connections[1]!.lost(new Error("reset again"));
  await fixture.until(5);
  assert.deepEqual(fixture.told, [
    "up false",
    "down reset",
    "up true",
    "down reset again",
    "up true",
  ]);
  assert.deepEqual(fixture.connections.map((it) => it.isDestroyed), [true, true, false]);
});

Deno.test("ReconnectLoop tries again if a connection cannot be opened", async () => {
  let attempts = 0;
  const open = () => ++attempts < 4 ? Promise.reject(new Error("refused")) : Promise.resolve();
  await using fixture = new Fixture({ open }).open();
  await fixture.until(4);
  assert.deepEqual(fixture.told, ["down refused", "down refused", "down refused", "up false"]);
  assert.equal((fixture.loop.failure as Error).message, "refused");
});

Deno.test("ReconnectLoop.subscribe() resolves after a reconnect if the connection is lost", async () => {
  const script: Script = {};
  await using fixture = new Fixture(script).open();
  await fixture.until(1);
  script.subscribe = () => new Promise(() => {});
  let isConfirmed = false;
  const confirmed = fixture.loop.subscribe(["a"]).then(() => isConfirmed = true);
  await turn();
  delete script.subscribe;
  fixture.connections[0]!.lost(new Error("reset"));
  assert.equal(fixture.loop.connection, undefined);
  await turn();
  assert.equal(isConfirmed, false);
  await confirmed;
  assert.deepEqual(fixture.connections[1]!.asked, [["a"]]);
});

Deno.test("ReconnectLoop.subscribe() returns one promise to all callers while there is no connection", async () => {
  const script: Script = { open: () => Promise.reject(new Error("refused")) };
  await using fixture = new Fixture(script).open();
  await fixture.until(1);
  const promises = new Set<Promise<void>>();
  for (let i = 0; i < 1000; i++) promises.add(fixture.loop.subscribe([`${i}`]));
  assert.equal(promises.size, 1);
  await fixture.until(3);
  promises.add(fixture.loop.subscribe(["later"]));
  assert.equal(promises.size, 1, "the promise is kept until the next connection");
  delete script.open;
  await Promise.all(promises);
  script.open = () => Promise.reject(new Error("refused"));
  fixture.connections.at(-1)!.lost(new Error("reset"));
  const closed = fixture.loop.subscribe(["a"]);
  assert.equal(promises.has(closed), false, "this promise is of the present outage");
  await fixture.loop.close();
  await assert.rejects(closed, /broker is closed/);
});

Deno.test("ReconnectLoop connects again if the server refuses a channel", async () => {
  const script: Script = {};
  await using fixture = new Fixture(script).open();
  await fixture.until(1);
  script.subscribe = () => {
    delete script.subscribe;
    return Promise.reject(new Error("no permission"));
  };
  await fixture.loop.subscribe(["a"]);
  assert.deepEqual(fixture.told, ["up false", "down no permission", "up true"]);
});

Deno.test("ReconnectLoop takes a channel that is added while the others are restored", async () => {
  const confirm: (() => void)[] = [];
  await using fixture = new Fixture({ subscribe: () => new Promise((done) => confirm.push(done)) });
  const first = fixture.loop.subscribe(["a"]);
  fixture.open();
  await turn();
  const second = fixture.loop.subscribe(["b"]);
  assert.deepEqual(fixture.connections[0]!.asked, [["a"], ["b"]]);
  confirm[1]!();
  await second;
  assert.deepEqual(fixture.told, []);
  confirm[0]!();
  await first;
  assert.deepEqual(fixture.told, ["up false"]);
});

Deno.test("ReconnectLoop ignores errors of a connection that is already replaced", async () => {
  await using fixture = new Fixture().open();
  await fixture.until(1);
  const [first] = fixture.connections;
  first!.lost(new Error("reset"));
  first!.lost(new Error("closed"));
  await fixture.until(3);
  first!.lost(new Error("late"));
  await turn();
  assert.deepEqual(fixture.told, ["up false", "down reset", "up true"]);
  assert.equal(fixture.loop.connection, fixture.connections[1]);
});

Deno.test("ReconnectLoop replaces a connection that is silent and does not answer", async () => {
  const script: Script = { isActive: () => false };
  await using fixture = new Fixture(script).open();
  await fixture.until(2);
  assert.match(fixture.told[1]!, /^down the broker has sent nothing for 2000 ms$/);
  assert.equal(fixture.connections[0]!.probes, 1);
});

Deno.test("ReconnectLoop keeps a silent connection whose server answers", async () => {
  const answered = new Set<FakeConnection>();
  const script: Script = {
    probe: (connection) => Promise.resolve(void answered.add(connection)),
    isActive: (connection) => answered.delete(connection),
  };
  await using fixture = new Fixture(script).open();
  while (fixture.connections.length === 1 && fixture.connections[0]!.probes < 3) await turn();
  assert.deepEqual(fixture.told, ["up false"]);
});

Deno.test("ReconnectLoop asks again while a probe is not answered, if the server sends other data", async () => {
  const sent = new Set<FakeConnection>();
  const script: Script = {
    probe(connection) {
      sent.add(connection); // one socket answers, the other is behind with megabytes
      return new Promise(() => {});
    },
    isActive: (connection) => sent.delete(connection),
  };
  await using fixture = new Fixture(script).open();
  while (fixture.connections.length === 1 && fixture.connections[0]!.probes < 4) await turn();
  assert.deepEqual(fixture.told, ["up false"]);
});

Deno.test("ReconnectLoop gives up an attempt that takes five seconds", async () => {
  await using fixture = new Fixture({ open: () => new Promise(() => {}) }).open();
  await fixture.until(1);
  assert.deepEqual(fixture.told, ["down the broker does not answer"]);
  assert.equal(fixture.connections[0]!.isDestroyed, true);
});

Deno.test("ReconnectLoop notices a loss in the microtasks after an answer of the server", async () => {
  const steps = Array.from({ length: 8 }, (_, i) => i);
  for (const answer of ["open", "subscribe"] as const) {
    for (const microtasks of steps) {
      let isFirst = true;
      await using fixture = new Fixture({
        [answer](connection: FakeConnection) {
          if (isFirst) loseLater(connection, microtasks);
          isFirst = false;
          return Promise.resolve();
        },
      });
      fixture.loop.subscribe(["a"]).catch(() => {});
      fixture.open();
      while (!fixture.told.includes("down reset")) await Promise.resolve();
      const where = `${microtasks} microtasks after ${answer}()`;
      assert.equal(fixture.loop.connection, undefined, where);
      let isConfirmed = false;
      const confirmed = fixture.loop.subscribe(["b"]).then(() => isConfirmed = true);
      for (const _ of steps) await Promise.resolve();
      assert.equal(isConfirmed, false, where);
      await confirmed;
      assert.equal(fixture.connections.length, 2, where);
    }
  }

  async function loseLater(connection: FakeConnection, microtasks: number): Promise<void> {
    for (let i = 0; i < microtasks; i++) await Promise.resolve();
    connection.lost(new Error("reset"));
  }
});

Deno.test("ReconnectLoop goes on if a client library throws at the end of a connection", async () => {
  const destroy = () => {
    throw new Error("The client is closed");
  };
  let attempts = 0;
  const open = () => ++attempts === 2 ? Promise.reject(new Error("refused")) : Promise.resolve();
  await using fixture = new Fixture({ open, destroy }).open();
  await fixture.until(1);
  fixture.connections[0]!.lost(new Error("reset"));
  await fixture.until(4);
  assert.deepEqual(fixture.told, ["up false", "down reset", "down refused", "up true"]);
});

Deno.test("ReconnectLoop connects again if a client library throws at unsubscribe()", async () => {
  const script: Script = {};
  await using fixture = new Fixture(script).open();
  await fixture.until(1);
  script.unsubscribe = () => {
    delete script.unsubscribe;
    throw new Error("The client is closed");
  };
  fixture.loop.unsubscribe(["a"]);
  await fixture.until(3);
  assert.deepEqual(fixture.told, ["up false", "down The client is closed", "up true"]);
});

Deno.test("ReconnectLoop tries again if a client library throws as a connection is made", async () => {
  const told: string[] = [];
  let attempts = 0;
  const loop = new ReconnectLoop((lost) => {
    if (++attempts < 3) throw new Error(`attempt ${attempts}`);
    return new FakeConnection({}, lost);
  });
  await new Promise<void>((up) => {
    loop.open({ up: () => up(), down: (error) => void told.push((error as Error).message) });
  });
  assert.deepEqual(told, ["attempt 1", "attempt 2"]);
  await loop.close();
});

Deno.test("ReconnectLoop tells a connection whether it is lost, or closed while it works", async () => {
  await using fixture = new Fixture().open();
  await fixture.until(1);
  const [lost] = fixture.connections;
  lost!.lost(new Error("lost"));
  await fixture.until(3);
  assert.equal(lost!.isLost, true);
  await fixture.loop.close();
  assert.deepEqual(fixture.connections.map(({ isLost }) => isLost), [true, false]);
});

Deno.test("ReconnectLoop.close() ends an attempt, a connection and a pause, without a report", async () => {
  await using connecting = new Fixture({ open: () => new Promise(() => {}) }).open();
  await using connected = new Fixture().open();
  await using pausing = new Fixture({ open: () => Promise.reject(new Error("refused")) }).open();
  await Promise.all([connected.until(1), pausing.until(1)]);
  for (const fixture of [connecting, connected, pausing]) {
    const { length } = fixture.told;
    await fixture.loop.close();
    assert.equal(fixture.told.length, length);
    assert.ok(fixture.connections.every((it) => it.isDestroyed));
    assert.equal(fixture.loop.connection, undefined);
  }
});

import assert from "node:assert/strict";
import type { PostgresJsClient, PostgresJsListener } from "../../../../sync/postgres/clients.ts";
import { PostgresJsNames } from "../../../../sync/postgres/postgres_js_names.ts";
import { PostgresJsSession } from "../../../../sync/postgres/postgres_js_session.ts";

interface Listener {
  readonly notified: (payload: string) => void;
  readonly listening: (() => void) | undefined;
}

/** Behaves as postgres.js 3.4: keeps all listeners, and listens again by itself. */
class FakeClient implements PostgresJsClient {
  readonly listeners = new Map<string, Listener[]>();
  readonly state = { pid: 1 };
  failure: Error | undefined;

  unsafe(): Promise<unknown> {
    return Promise.resolve();
  }

  async listen(
    name: string,
    notified: (payload: string) => void,
    listening?: () => void,
  ): Promise<PostgresJsListener> {
    const listener = { notified, listening };
    this.listeners.set(name, [...this.listeners.get(name) ?? [], listener]);
    await undefined;
    if (this.failure) throw this.failure;
    listening?.();
    return {
      state: this.state,
      unlisten: async () => {
        const left = this.listeners.get(name)!.filter((other) => other !== listener);
        if (left.length > 0) this.listeners.set(name, left);
        else this.listeners.delete(name);
        await undefined;
      },
    };
  }

  /** The connection is lost, and made again. */
  reconnect(...names: readonly string[]): void {
    this.state.pid++;
    for (const name of names) for (const { listening } of this.listeners.get(name)!) listening?.();
  }

  notify(name: string, payload: string): void {
    for (const { notified } of this.listeners.get(name) ?? []) notified(payload);
  }
}

function start() {
  const client = new FakeClient(), names = new PostgresJsNames(client);
  const received: string[] = [];
  let wanted = (_: string) => true;
  names.reportTo({
    received: (name, payload) => {
      received.push(`${name} ${payload}`);
      return wanted(name);
    },
    confirmed() {},
  });
  return { client, names, received, want: (is: (name: string) => boolean) => wanted = is };
}

const tick = () => new Promise((resolve) => setTimeout(resolve));

/** Whether a promise has settled. */
async function hasSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  promise.finally(() => settled = true).catch(() => {});
  await tick();
  return settled;
}

Deno.test("After a reconnect, a name is there only when the new connection has confirmed it", async () => {
  const { client, names } = start();
  await Promise.all([names.listen("a"), names.listen("b")]);
  assert.equal(names.pid, 1);
  client.reconnect("a");
  assert.equal(names.pid, 2);
  await names.listen("a");
  const again = names.listen("b");
  assert.equal(await hasSettled(again), false);
  client.reconnect("a", "b");
  await again;
});

Deno.test("A name that failed at first is delivered once, though postgres.js keeps both listeners", async () => {
  const { client, names, received } = start();
  client.failure = new Error("refused");
  await assert.rejects(names.listen("a"), /refused/);
  client.failure = undefined;
  await names.listen("a");
  client.reconnect("a");
  await names.listen("a");
  assert.equal(client.listeners.get("a")!.length, 2);
  client.notify("a", "hello");
  assert.deepEqual(received, ["a hello"]);
});

Deno.test("A name that is not wanted after a reconnect is given up when a notification comes", async () => {
  const { client, names, received, want } = start();
  await Promise.all([names.listen("a"), names.listen("b")]);
  want((name) => name === "a");
  client.notify("b", "1");
  await tick();
  assert.deepEqual([...client.listeners.keys()], ["a"]);
  client.notify("a", "2");
  assert.deepEqual(received, ["b 1", "a 2"]);
});

Deno.test("A name that returns while it is given up stays", async () => {
  const { client, names, received } = start();
  await names.listen("a");
  await Promise.all([names.unlisten("a"), names.listen("a")]);
  client.notify("a", "hello");
  assert.deepEqual(received, ["a hello"]);
  await names.clear();
  assert.equal(client.listeners.size, 0);
});

interface Channel {
  /** Answer of the server to the only LISTEN. */
  readonly result: Promise<unknown>;
  listeners: {
    readonly fn: (payload: string) => void;
    readonly onlisten: (() => void) | undefined;
  }[];
}

/** Keeps its listeners as postgres.js 3.4.9 does: a reconnect makes new objects. */
function realisticClient() {
  const state = { pid: 1 }, channels: Record<string, Channel> = {}, statements: string[] = [];
  const failing = { error: undefined as Error | undefined };
  const listen = async (name: string, fn: (payload: string) => void, onlisten?: () => void) => {
    const listener = { fn, onlisten };
    if (channels[name]) channels[name].listeners.push(listener);
    else {
      const error = failing.error;
      const result = Promise.resolve().then(() => error && Promise.reject(error));
      channels[name] = { result, listeners: [listener] };
      statements.push(`listen ${name}`);
    }
    await channels[name]!.result;
    onlisten?.();
    const unlisten = async () => {
      const channel = channels[name];
      if (!channel) return;
      channel.listeners = channel.listeners.filter((other) => other !== listener);
      if (channel.listeners.length > 0) return;
      delete channels[name];
      statements.push(`unlisten ${name}`);
      await undefined;
    };
    return { state, unlisten };
  };
  const reconnect = () => {
    state.pid++;
    for (const [name, { listeners }] of Object.entries(channels)) {
      delete channels[name];
      for (const { fn, onlisten } of listeners) listen(name, fn, onlisten).catch(() => {});
    }
  };
  const client = { unsafe: () => Promise.resolve(), listen: Object.assign(listen, { channels }) };
  return {
    client: client as unknown as PostgresJsClient,
    channels,
    statements,
    reconnect,
    failing,
  };
}

Deno.test("A name is given up after reconnects, and clear() leaves only the names of others", async () => {
  const { client, channels, statements, reconnect } = realisticClient();
  const names = new PostgresJsNames(client);
  for (const name of ["a", "b", "c"]) await names.listen(name);
  await client.listen("c", () => {}); // the user's own listener
  for (let i = 0; i < 3; i++) {
    reconnect();
    await tick();
  }
  statements.length = 0;
  await names.unlisten("a");
  assert.deepEqual(statements, ["unlisten a"]);
  await Promise.all([names.unlisten("b"), names.listen("b")]);
  assert.equal(channels.b?.listeners.length, 1, "the name that returns stays");
  await names.clear();
  assert.deepEqual(Object.keys(channels), ["c"]);
  assert.equal(channels.c?.listeners.length, 1);
});

Deno.test("A probe makes the server answer, also after a probe that has failed", async () => {
  const { client, channels, statements, reconnect, failing } = realisticClient();
  const host = { received: () => true, answered() {}, lost() {} };
  const session = new PostgresJsSession(client, new PostgresJsNames(client), host);
  await session.open();
  await session.listen(["a"]);
  failing.error = new Error("reset");
  await assert.rejects(session.probe(), /reset/);
  failing.error = undefined;
  reconnect();
  await tick();
  statements.length = 0;
  await session.probe();
  assert.deepEqual(statements.map((text) => text.split(" ")[0]), ["listen", "unlisten"]);
  assert.deepEqual(Object.keys(channels), ["a"]);
  session.destroy();
});

Deno.test("PostgresJsNames.listen() asks again if postgres.js has lost a name at a reconnect", async () => {
  const { client, statements, reconnect, failing } = realisticClient();
  const names = new PostgresJsNames(client);
  await Promise.all([names.listen("a"), names.listen("b")]);
  failing.error = new Error("reset");
  reconnect();
  await tick();
  failing.error = undefined;
  statements.length = 0;
  // postgres.js answers the first call with the failure of its own attempt.
  await names.listen("a").catch(() => names.listen("a"));
  assert.deepEqual(statements.map((text) => text.split(" ")[0]), ["listen"]);
});

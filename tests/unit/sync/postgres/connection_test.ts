import assert from "node:assert/strict";
import type { Session, SessionHost } from "../../../../sync/postgres/clients.ts";
import { nameOf, senderOf } from "../../../../sync/postgres/notification.ts";
import { PostgresConnection } from "../../../../sync/postgres/postgres_connection.ts";
import { type Statement, Statements } from "../../../../sync/postgres/statements.ts";

/** Session that records statements. It answers each when the test wants, after `open()` at once. */
class FakeSession implements Session {
  readonly host: SessionHost;
  readonly listened: string[] = [];
  readonly executed: Statement[] = [];
  readonly answers: (() => void)[] = [];
  isDestroyed = false;
  isMute = false;
  #statements: Statements;

  constructor(host: SessionHost) {
    this.host = host;
    this.#statements = new Statements((statement) => this.#execute(statement), host.answered);
  }

  async open(): Promise<void> {
    await undefined;
  }

  async run(statement: Statement | (() => Statement)): Promise<void> {
    await this.#statements.run(statement);
  }

  async read(statement: Statement): Promise<readonly string[]> {
    await this.#statements.run(statement);
    return [];
  }

  async listen(names: readonly string[]): Promise<void> {
    this.listened.push(...names);
    await undefined;
  }

  async unlisten(names: readonly string[]): Promise<void> {
    this.listened.splice(
      0,
      this.listened.length,
      ...this.listened.filter((name) => {
        return !names.includes(name);
      }),
    );
    await undefined;
  }

  async probe(): Promise<void> {
    await undefined;
  }

  destroy(): void {
    this.isDestroyed = true;
    this.#statements.close(new Error("destroyed"));
  }

  #execute(statement: Statement): Promise<void> {
    this.executed.push(statement);
    if (this.executed.length > 1) return new Promise((resolve) => this.answers.push(resolve));
    // The first one goes to the node itself.
    if (!this.isMute) this.host.received(this.listened[0]!, "");
    return Promise.resolve();
  }
}

/** Opens a connection over a fake session. */
async function connected(isMute = false) {
  const received: [channel: string, frame: string][] = [];
  let session!: FakeSession;
  const connection = new PostgresConnection({
    prefix: "chat",
    node: "node",
    received: (channel, frame) => received.push([channel, new TextDecoder().decode(frame)]),
    appended() {},
    source: {
      session(host) {
        session = new FakeSession(host);
        session.isMute = isMute;
        return Promise.resolve(session);
      },
    },
  }, () => {});
  await connection.open();
  return { connection, session, received };
}

const frame = (text: string) => new TextEncoder().encode(text);
const tick = () => new Promise((resolve) => setTimeout(resolve));
const publish = (connection: PostgresConnection, channel: string, text: string) =>
  connection.publish([{ channel, frame: frame(text) }]);

/** Frames of a statement, one letter each. */
const textsOf = ({ values }: Statement) => [...new TextDecoder().decode(values![1] as Uint8Array)];

/** A payload as the server writes it. */
const payload = (node: string, text: string) => `${senderOf(node)}1.${btoa(text)}`;

Deno.test("Publishes made while a statement is executed leave together in the next, in order", async () => {
  const { connection, session } = await connected();
  const sent = ["a", "b", "c", "d"].map((text) => publish(connection, "room.x", text));
  await tick();
  session.answers[0]!();
  await sent[0];
  await tick();
  assert.deepEqual(session.executed.slice(1).map(textsOf), [["a"], ["b", "c", "d"]]);
  const last = publish(connection, "room.x", "e"); // the statement of b, c and d is on its way
  session.answers[1]!();
  await Promise.all(sent);
  await tick();
  assert.deepEqual(textsOf(session.executed[3]!), ["e"]);
  session.answers[2]!();
  await last;
});

Deno.test("A statement has half a mebibyte at most, so that the server answers often", async () => {
  const { connection, session } = await connected();
  const sent = ["a", "x".repeat(1_000_000), "b"].map((text) => publish(connection, "room.x", text));
  for (let i = 0; i < 4; i++) {
    await tick();
    session.answers[i]?.();
  }
  await Promise.all(sent);
  const sizes = session.executed.slice(1).map(({ values }) => (values![1] as Uint8Array).length);
  assert.deepEqual([sizes.length, sizes[0]], [3, 1], "b leaves with the last chunks");
  assert.ok(Math.max(...sizes) <= 512 * 1024);
});

Deno.test("destroy() rejects publishes that the server has not confirmed", async () => {
  const { connection, session } = await connected();
  const sent = ["a", "b"].map((text) => publish(connection, "room.x", text));
  await tick();
  connection.destroy();
  for (const publish of sent) await assert.rejects(publish, /destroyed/);
  await assert.rejects(publish(connection, "room.x", "c"), /destroyed/);
  assert.equal(session.executed.length, 2, "b and c were never sent");
});

Deno.test("A connection delivers channels for which it has asked, and not its own frames", async () => {
  const { connection, session, received } = await connected();
  await connection.subscribe(["room.x"]);
  const name = nameOf("chat", "room.x");
  assert.deepEqual(session.listened.slice(1), [name]);
  const { host } = session;
  assert.equal(host.received(name, payload("other", "hello")), true);
  assert.equal(host.received(name, payload("node", "own")), true);
  assert.equal(host.received(nameOf("chat", "room.y"), payload("other", "other")), false);
  assert.equal(host.received("op_forged", "x"), false);
  connection.unsubscribe(["room.x"]);
  assert.equal(host.received(name, payload("other", "late")), false);
  assert.deepEqual(received, [["room.x", "hello"]]);
  assert.equal(session.listened.length, 1);
});

Deno.test("A text that is no payload arrives as a frame without bytes, which the node counts", async () => {
  const { connection, session, received } = await connected();
  await connection.subscribe(["all"]);
  for (const text of ["", "hello", "{}"]) session.host.received(nameOf("chat", "all"), text);
  assert.deepEqual(received, [["all", ""], ["all", ""], ["all", ""]]);
});

Deno.test("open() rejects if the server confirms LISTEN, and delivers nothing", async () => {
  await assert.rejects(connected(true), /delivers no notifications: .* pooler/);
});

Deno.test("A session that is made after destroy() is ended at once", async () => {
  let session!: FakeSession, resolve!: (session: Session) => void;
  const connection = new PostgresConnection({
    prefix: "chat",
    node: "node",
    received() {},
    appended() {},
    source: {
      session(host) {
        session = new FakeSession(host);
        return new Promise((resolves) => resolve = resolves);
      },
    },
  }, () => {});
  const opened = connection.open();
  connection.destroy();
  resolve(session);
  await opened;
  assert.ok(session.isDestroyed);
  assert.deepEqual(session.executed, []);
});

import assert from "node:assert/strict";
import type { ConnectOptions, Transport } from "../harness/clients/connect_options.ts";
import { type Refused, TestSocket } from "../harness/clients/test_socket.ts";
import type { Middlebox, MiddleboxName } from "../harness/processes/middlebox.ts";
import type { ServerProcess } from "../harness/processes/server_process.ts";
import { TimeLimit } from "../harness/time_limit.ts";
import type { Certificate } from "./configurations.ts";

/** Milliseconds after which servers of the fixture ping, and send a heartbeat: a 20th of the defaults. */
export const PING_MS = 1250, HEARTBEAT_MS = 750;

/** All transports of clients. */
export const TRANSPORTS: readonly Transport[] = ["websocket", "sse"];

/** A fact about servers behind proxies. */
export interface Fact {
  readonly fact: string;
  /** The only proxy for which the fact is true. */
  readonly only?: MiddleboxName;
  /** Whether the fact mostly waits, so that it is tested together with others. */
  readonly waits?: boolean;
  run(scene: Scene): Promise<void>;
}

/** What a fact is tested with. */
export interface Scene {
  /** Name of the proxy. */
  readonly name: MiddleboxName;
  /** Process with the servers of `fixtures/behind_proxy.ts`. */
  readonly server: ServerProcess;
  /** Path that no other test uses. */
  readonly path: string;
  /** Certificate of the proxy. */
  readonly certificate: Certificate;
}

/** Returns the port of one of the fixture's servers. */
export function portOf({ output }: ServerProcess, name: "SILENT" | "ADMITTING"): number {
  return Number(new RegExp(`${name} (\\d+)`).exec(output)![1]);
}

/** Connects through a proxy, which uses TLS if the client trusts a certificate. */
function connect(
  { port }: Middlebox,
  target: string,
  options: ConnectOptions = {},
  transport?: Transport,
): TestSocket {
  const scheme = options.ca === undefined ? "ws" : "wss";
  return new TestSocket(`${scheme}://127.0.0.1:${port}${target}`, options, transport);
}

/** Connects, and waits until the connection is open. */
export function opened(...args: Parameters<typeof connect>): Promise<TestSocket> {
  return within(connect(...args).opened(), "an open connection");
}

/** Connects, and returns the refusal. */
export async function refused(...args: Parameters<typeof connect>): Promise<Refused> {
  const answer = connect(...args).opened().then(() => {
    throw new Error("the connection has opened");
  }, (refusal: Refused | Error) => refusal);
  const refusal = await within(answer, "a refusal");
  if (refusal instanceof Error) throw refusal;
  return refusal;
}

/** The greeting of the fixture: how the server sees the client. */
export async function greeting(socket: TestSocket): Promise<Record<string, unknown>> {
  return JSON.parse(await socket.text());
}

/** Sends messages one by one, each after the answer to the one before. Then closes. */
export async function assertEchoes(socket: TestSocket): Promise<void> {
  for (const message of ["one", "two", "three"]) {
    socket.send(message);
    assert.equal(await socket.text(), message);
  }
  socket.close(1000);
  await within(socket.closed, "the close");
}

/** Checks that the events of a stream arrive at once: the client needs only one response. */
export async function assertStreams(
  server: ServerProcess,
  proxy: Middlebox,
  path: string,
): Promise<void> {
  const socket = await opened(proxy, path, {}, "sse");
  assert.equal((await greeting(socket)).namespace, path);
  await assertEchoes(socket);
  assert.equal(requests(server, path), 1, "responses");
}

/** Number of GET requests for a path that a server has received. */
export function requests({ output }: ServerProcess, path: string): number {
  return output.split(`GET ${path}\n`).length - 1;
}

/** Waits for a promise, for at most 20 s. */
export function within<T>(promise: Promise<T>, what: string): Promise<T> {
  return new TimeLimit(20_000).race(promise, `expected ${what}`);
}

/** Waits until a condition holds, for at most 20 s. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const limit = new TimeLimit(20_000);
  while (!condition()) {
    assert.ok(!limit.isOver, `expected ${what}`);
    await limit.pause();
  }
}

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { ServerPool } from "../../../sync/nats/server_pool.ts";

/** A server that greets as NATS does, or does not. */
class FakeServer implements AsyncDisposable {
  readonly #server: Server;
  readonly sockets: Socket[] = [];

  private constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket) => this.sockets.push(socket.on("error", () => {})));
  }

  static async start(behavior: "greets" | "is silent" | "closes"): Promise<FakeServer> {
    const server = createServer((socket) => {
      if (behavior === "greets") socket.write("INFO {}\r\n");
      if (behavior === "closes") socket.destroy();
    });
    const fake = new FakeServer(server);
    await once(server.listen(0, "127.0.0.1"), "listening");
    return fake;
  }

  get address(): string {
    const address = this.#server.address();
    if (typeof address !== "object" || address === null) throw new Error("not listening");
    return `127.0.0.1:${address.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}

const forever = new AbortController().signal;

Deno.test("ServerPool.choose() returns a server that greets, whatever the others do", async () => {
  await using greets = await FakeServer.start("greets");
  await using silent = await FakeServer.start("is silent");
  await using closes = await FakeServer.start("closes");
  const addresses = [silent, closes, greets].map(({ address }) => address);
  for (let i = 0; i < 5; i++) {
    assert.equal(await new ServerPool(addresses).choose(forever), greets.address);
  }
});

Deno.test("ServerPool.choose() ends all connections that it has made", async () => {
  await using greets = await FakeServer.start("greets");
  await using silent = await FakeServer.start("is silent");
  await new ServerPool([silent.address, greets.address]).choose(forever);
  const ends = [...greets.sockets, ...silent.sockets].map((socket) => {
    return socket.destroyed || once(socket.resume(), "close");
  });
  assert.ok(ends.length > 0);
  await Promise.all(ends);
});

Deno.test("ServerPool.choose() rejects if no server greets within a second", async () => {
  await using silent = await FakeServer.start("is silent");
  await assert.rejects(new ServerPool([silent.address]).choose(forever), /does not answer/);
  await using closes = await FakeServer.start("closes");
  await assert.rejects(new ServerPool([closes.address]).choose(forever), Error);
});

Deno.test("ServerPool.choose() rejects at once if no server listens", async () => {
  const server = await FakeServer.start("greets"), { address } = server;
  await server[Symbol.asyncDispose]();
  await assert.rejects(new ServerPool([address]).choose(forever), { code: "ECONNREFUSED" });
});

Deno.test("ServerPool.choose() rejects when it is aborted", async () => {
  await using silent = await FakeServer.start("is silent");
  const aborted = new AbortController();
  const chosen = new ServerPool([silent.address]).choose(aborted.signal);
  setTimeout(() => aborted.abort(), 20);
  await assert.rejects(chosen, /has ended the connection|abort/);
  await assert.rejects(new ServerPool([silent.address]).choose(AbortSignal.abort()), /abort/i);
});

Deno.test("ServerPool.choose() asks only for a connection if the address begins with tls://", async () => {
  await using silent = await FakeServer.start("is silent");
  const address = `tls://${silent.address}`;
  assert.equal(await new ServerPool([address]).choose(forever), address);
});

Deno.test("ServerPool.choose() finds a learned server if no other answers", async () => {
  const own = await FakeServer.start("greets"), { address } = own;
  await own[Symbol.asyncDispose]();
  await using learned = await FakeServer.start("greets");
  const pool = new ServerPool([address]);
  pool.learn([learned.address, address]);
  assert.equal(await pool.choose(forever), learned.address);
  pool.learn(); // a server that is alone tells no addresses
  await assert.rejects(pool.choose(forever), { code: "ECONNREFUSED" });
});

Deno.test("ServerPool takes addresses with and without protocol and port, and no others", () => {
  for (
    const address of [
      "localhost",
      "localhost:4222",
      "nats://localhost",
      "tls://a.example:443",
      "[::1]:4222",
      "nats://[::1]",
    ]
  ) new ServerPool([address]);
  const wrong = ["", "ws://localhost", "http://localhost", "localhost:port", "nats://", "::1"];
  for (const address of wrong) assert.throws(() => new ServerPool([address]), TypeError, address);
});

Deno.test("ServerPool refuses passwords in addresses without showing them", () => {
  for (const address of ["nats://token123@localhost", "ada:token123@localhost:4222"]) {
    assert.throws(() => new ServerPool([address]), (error: Error) => {
      return error instanceof TypeError && !error.message.includes("token123");
    });
  }
});
